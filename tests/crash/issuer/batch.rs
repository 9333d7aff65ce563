//! The authority's verb for many requests at once, driven by lines on standard input.
//!
//! A line names certification requests, each `NUMBER:HEXADECIMAL`, with spaces between. The answers are lines: `issued NUMBER
//! HEXADECIMAL` or `refused NUMBER FAULT: WHY`, and at the end `batch`. Lines of transactions go to `transaction`.

use std::io::BufRead;

use anyhow::Context;
use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::profile::ProfileId;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use meter_pki::compose::{ServedAuthority, System};

use crate::{say, transaction};

/// The authority and the profile of batches: stations of a line, by the operator's door.
const AUTHORITY: &str = "maker-infra-s1";
const PROFILE: &str = "ra-station-s1";

/// Issues batches until there is nobody who could ask.
pub(crate) fn issue_what_is_asked(system: &System) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let of_transaction = line == "deadlines" || line.starts_with("transaction ");
        let done = if of_transaction { transaction::play(system, &line) } else { issue(system, &line) };
        if let Err(error) = done {
            eprintln!("a line cannot be read: {error:#}");
            return;
        }
    }
}

fn issue(system: &System, line: &str) -> anyhow::Result<()> {
    let served = station_authority(system)?;
    let mut numbers = Vec::new();
    let mut requests = Vec::new();
    for word in line.split_whitespace() {
        let (number, octets) = word.split_once(':').context("a request has a number")?;
        numbers.push(number);
        requests.push(request(served, &hex::decode(octets)?)?);
    }
    for (number, answer) in numbers.iter().zip(served.authority.enrol_batch(requests)) {
        match answer {
            Ok(issued) => say(&format!("issued {number} {}", hex::encode(issued.der())))?,
            Err(error) => say(&format!("refused {number} {:?}: {error}", error.fault()))?,
        }
    }
    say("batch")?;
    Ok(())
}

/// Returns the authority of stations.
pub(crate) fn station_authority(system: &System) -> anyhow::Result<&ServedAuthority> {
    let served = system.authorities.iter().find(|served| served.name == AUTHORITY);
    served.context("the authority of batches is not served")
}

/// Who asks for stations.
pub(crate) fn line_operator(served: &ServedAuthority) -> Actor {
    let identity = Identity::Operator { name: "line".to_owned() };
    Actor { tenant: served.authority.issuer().tenant().clone(), identity }
}

/// Makes the request for a station.
pub(crate) fn request(served: &ServedAuthority, csr: &[u8]) -> anyhow::Result<EnrolmentRequest> {
    let csr = CertificationRequest::from_der(csr)?;
    Ok(EnrolmentRequest {
        actor: line_operator(served),
        profile: ProfileId::parse(PROFILE)?,
        subject: Subject::read(csr.subject(), None)?,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })
}

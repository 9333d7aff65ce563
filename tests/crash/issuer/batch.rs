//! The authority's verb for many requests at once, driven by lines on standard input.
//!
//! A line names certification requests, each `NUMBER:HEXADECIMAL`, with spaces between. The answers are lines: `issued NUMBER
//! HEXADECIMAL` or `refused NUMBER FAULT: WHY`, and at the end `batch`.

use std::io::BufRead;

use anyhow::Context;
use ca_core::actor::{Actor, Identity};
use ca_core::csr::CertificationRequest;
use ca_core::profile::ProfileId;
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use meter_pki::compose::{ServedAuthority, System};

use crate::say;

/// The authority and the profile of batches: stations of a line, by the operator's door.
const AUTHORITY: &str = "maker-infra-s1";
const PROFILE: &str = "ra-station-s1";

/// Issues batches until there is nobody who could ask.
pub(crate) fn issue_what_is_asked(system: &System) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        if let Err(error) = issue(system, &line) {
            eprintln!("a batch cannot be read: {error:#}");
            return;
        }
    }
}

fn issue(system: &System, line: &str) -> anyhow::Result<()> {
    let served = system.authorities.iter().find(|served| served.name == AUTHORITY);
    let served = served.context("the authority of batches is not served")?;
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

fn request(served: &ServedAuthority, csr: &[u8]) -> anyhow::Result<EnrolmentRequest> {
    let csr = CertificationRequest::from_der(csr)?;
    let identity = Identity::Operator { name: "line".to_owned() };
    Ok(EnrolmentRequest {
        actor: Actor { tenant: served.authority.issuer().tenant().clone(), identity },
        profile: ProfileId::parse(PROFILE)?,
        subject: Subject::read(csr.subject(), None)?,
        evidence: Evidence::Request(Box::new(csr)),
        kind: EnrolmentKind::First,
        validity_seconds: None,
        transaction: None,
    })
}

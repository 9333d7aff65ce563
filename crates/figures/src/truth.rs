//! How soon a revocation shows: from the moment at which it is on record until a relying party that asks is told `revoked`.

use std::time::Duration;

use anyhow::ensure;
use ca_core::actor::{Actor, Identity};
use ca_core::reason::ReasonCode;
use ca_core::record::CertificateId;
use ca_core::request::RevocationRequest;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;
use hyper::body::Bytes;
use tokio::runtime::Runtime;

use crate::house::House;
use crate::http::{Client, Site};
use crate::measure::{Limit, Scene, Term, measure};
use crate::ocsp::{Freshness, body, issue, status_router, target};
use crate::speed::Stopwatch;
use crate::stage::Stage;
use crate::yardsticks::Yardsticks;

/// Measures the one row: one operator who revokes, and looks.
pub(crate) fn rows(stage: &Stage<'_>, runtime: &Runtime, yardsticks: &mut Yardsticks) -> anyhow::Result<()> {
    let name = "revocations, each until OCSP says so";
    if !stage.wants(name) {
        return Ok(());
    }
    let house = stage.house("truth", SecuritySuite::Suite1, EngineKind::Fjall)?;
    let status = runtime.block_on(Site::open(status_router(&house)?, None))?;
    let mut scene = Revoking { house: &house, runtime, status };
    stage.keep(measure(name, &mut scene, stage.pace(), yardsticks)?);
    runtime.block_on(scene.status.close())?;
    Ok(())
}

struct Revoking<'g> {
    house: &'g House,
    runtime: &'g Runtime,
    status: Site,
}

impl Scene for Revoking<'_> {
    type Work = (Client, Vec<(SerialNumber, Bytes)>);

    fn step(&self) -> usize {
        1
    }

    /// Each certificate has been asked for before, so that there is an answer that could be given again.
    fn prepare(&mut self, count: usize) -> anyhow::Result<Self::Work> {
        let serials = issue(self.house, count)?;
        self.runtime.block_on(async {
            let mut client = Client::connect(self.status.address, None).await?;
            let mut asked = Vec::with_capacity(count);
            for serial in serials {
                let body = body(self.house, &serial, Freshness::Kept)?;
                let answer = client.post(&target(&self.status), body.clone()).await?;
                ensure!(!says_revoked(&answer, &serial), "it is revoked before it was revoked");
                asked.push((serial, body));
            }
            Ok((client, asked))
        })
    }

    fn run(&mut self, (mut client, asked): Self::Work) -> anyhow::Result<Vec<Duration>> {
        let mut waits = Vec::with_capacity(asked.len());
        for (serial, body) in asked {
            self.house.factory.revoke(revocation(self.house, &serial))?;
            let watch = Stopwatch::start();
            self.runtime.block_on(async {
                while !says_revoked(&client.post(&target(&self.status), body.clone()).await?, &serial) {}
                anyhow::Ok(())
            })?;
            waits.push(watch.elapsed());
        }
        self.runtime.block_on(client.close())?;
        Ok(waits)
    }

    /// Each is on disk before the next, is told at least once, and signed once.
    fn limit(&mut self, yardsticks: &mut Yardsticks) -> anyhow::Result<Limit> {
        let sync = Term::new(1, "fdatasync", yardsticks.syncs()?);
        let sign = Term::new(1, "sign", yardsticks.signatures(self.house.suite.curve(), 1)?);
        Ok(Limit::of(vec![vec![sync, sign]]))
    }

    fn stored(&self) -> Option<u32> {
        Some(self.house.stored())
    }

    /// Each answer was looked at when it came.
    fn check(&mut self) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Asks for the revocation of one of the factory CA.
pub(crate) fn revocation(house: &House, serial: &SerialNumber) -> RevocationRequest {
    let issuer = house.factory.issuer();
    RevocationRequest {
        actor: Actor {
            tenant: issuer.tenant().clone(),
            identity: Identity::Operator { name: "benchmark".to_owned() },
        },
        id: CertificateId { issuer: issuer.key(), serial: serial.clone() },
        reason: ReasonCode::CessationOfOperation,
        invalidity_date: None,
    }
}

/// RFC 6960 §4.2.1: certStatus stands behind the serial number, and revoked is `[1]`.
fn says_revoked(answer: &[u8], serial: &SerialNumber) -> bool {
    let octets = serial.octets();
    let behind = answer.windows(octets.len()).position(|window| window == octets).map(|at| at + octets.len());
    behind.and_then(|at| answer.get(at)) == Some(&0xA1)
}

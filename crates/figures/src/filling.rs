//! Certificates that are in the ledger before anything is measured: issued by the product's own verbs, each of a device of its own
//! with a key of its own, since a key that was certified for one subject is refused for every other.
//!
//! Nothing of the devices is kept but the serial numbers of some, evenly spread, for whoever asks of them later. The next requests are made ready while the last are answered.

use std::io::{Write, stderr};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _,
};
use ca_core::request::EnrolmentRequest;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};

use crate::applicants::{device_request, enrolment, on_all_processors};
use crate::house::House;
use crate::speed::Stopwatch;

/// How many certificates are asked for at once.
const AT_ONCE: usize = 4_000;

/// Of how many the serial number is kept, at least, if so many are issued.
const KEPT: usize = 1_000;

/// How many lie between two lines that tell how far it is.
const TOLD: usize = 1_000_000;

/// The share of one processor below which the engine is taken to be done with tidying up, how long that is looked at, and when it is
/// given up.
const IDLE: f64 = 0.05;
const LOOK: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(300);

/// Issues certificates until there are so many in the house's ledger.
pub(crate) fn fill(house: &House, wanted: u32) -> anyhow::Result<()> {
    let missing = usize::try_from(wanted.saturating_sub(house.stored()))?;
    if missing == 0 {
        return Ok(());
    }
    writeln!(stderr(), "issuing {missing} certificates, until there are {wanted}")?;
    thread::scope(|scope| {
        // One batch is made while another is answered: more would only take memory.
        let (give, take) = sync_channel(0);
        let maker = scope.spawn(move || {
            let mut left = missing;
            while left > 0 {
                let count = left.min(AT_ONCE);
                if give.send(requests(house, count)?).is_err() {
                    // Whoever answers has failed, and says why.
                    break;
                }
                left -= count;
            }
            anyhow::Ok(())
        });
        let (mut done, mut kept) = (0, Vec::new());
        for batch in take {
            let serials = answer(house, batch)?;
            done += serials.len();
            kept.extend(serials.into_iter().step_by((missing / KEPT).clamp(1, AT_ONCE)));
            if done.is_multiple_of(TOLD) {
                writeln!(stderr(), "issued {done} of {missing}")?;
            }
        }
        house.keep(kept);
        maker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
    .with_context(|| format!("while {missing} certificates were issued beforehand"))?;
    settle()
}

/// Waits until the engine has merged what was written, which is not the work of what is measured next.
#[expect(clippy::disallowed_methods, reason = "an engine tells nobody when its background work is done")]
fn settle() -> anyhow::Result<()> {
    let patience = Stopwatch::start();
    while patience.elapsed() < PATIENCE {
        let watch = Stopwatch::start();
        thread::sleep(LOOK);
        let speed = watch.speed(1)?;
        if speed.processor_seconds * speed.per_second < IDLE {
            return Ok(());
        }
    }
    writeln!(
        stderr(),
        "the ledger is not done with what was stored: what is measured next has a share of that in it"
    )?;
    Ok(())
}

/// Has a batch issued.
fn answer(house: &House, batch: Vec<EnrolmentRequest>) -> anyhow::Result<Vec<SerialNumber>> {
    let answers = house.factory.enrol_batch(batch);
    answers.into_iter().map(|answer| Ok(answer?.id().serial.clone())).collect()
}

fn requests(house: &House, count: usize) -> anyhow::Result<Vec<EnrolmentRequest>> {
    let profile = house.profile("meter-factory-ds")?;
    on_all_processors(house.new_titles(count), |title: SystemTitle| {
        let csr = device_request(title, &FleetingKey::generate(house.suite)?)?;
        enrolment(title, &csr, (&house.line, &profile))
    })
}

/// A key that signs one certification request and is nowhere kept: it never becomes PKCS#8, which takes as long as making it.
struct FleetingKey {
    pair: EcdsaKeyPair,
    algorithm: &'static SignatureAlgorithm,
}

impl FleetingKey {
    fn generate(suite: SecuritySuite) -> anyhow::Result<Self> {
        let (signing, algorithm) = match suite.curve() {
            Curve::P256 => (&ECDSA_P256_SHA256_ASN1_SIGNING, &rcgen::PKCS_ECDSA_P256_SHA256),
            Curve::P384 => (&ECDSA_P384_SHA384_ASN1_SIGNING, &rcgen::PKCS_ECDSA_P384_SHA384),
        };
        Ok(Self { pair: EcdsaKeyPair::generate(signing)?, algorithm })
    }
}

impl PublicKeyData for FleetingKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for FleetingKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        Ok(signature.map_err(|_| rcgen::Error::RingUnspecified)?.as_ref().to_vec())
    }
}

//! A front end that knows no protocol: a certificate in a transaction, which its requester confirms, refuses, or says nothing
//! of. Driven by lines on standard input.
//!
//! `transaction NUMBER:HEXADECIMAL FATE`, with the fates `accept`, `refuse` and `silent`, is answered by `given NUMBER
//! HEXADECIMAL` when there is a certificate, by `confirmed NUMBER` or `declined NUMBER` when that was said of it, by `over
//! NUMBER` when its time was over, by `refused NUMBER FAULT: WHY` when it cannot be, and at the end by `transaction`.
//! `deadlines` is answered, when no transaction is open any more, by the same word.

use anyhow::Context;
use ca_core::confirmation::{Acceptance, Confirmation};
use ca_core::fault::Fault;
use ca_core::record::{
    Opened, Stage, Transaction, TransactionAnswer, TransactionBounds, TransactionConflict,
};
use ca_core::request::EnrolmentRequest;
use ca_core::validity::UnixTime;
use e2e::patience::eventually;
use meter_pki::compose::{ServedAuthority, System};
use sha2::{Digest, Sha256};

use crate::batch::{request, station_authority};
use crate::say;

/// How long a certificate waits to be confirmed, in seconds: by who will speak, and by who will not.
const LONG: i64 = 86_400;
const SHORT: i64 = 1;

/// How many deadlines are met together.
const STEP: usize = 256;

/// Plays one line.
pub(crate) fn play(system: &System, line: &str) -> anyhow::Result<()> {
    let served = station_authority(system)?;
    if line == "deadlines" {
        meet_all(system, served)?;
        return Ok(say("deadlines")?);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, asked, fate] = words.as_slice() else { anyhow::bail!("no transaction: {line}") };
    let (number, csr) = asked.split_once(':').context("a request has a number")?;
    let play = Play { system, served, number, key: Sha256::digest(format!("transaction {number}")).into() };
    match play.certificate(&hex::decode(csr)?, fate).and_then(|given| play.speak(given, fate)) {
        Ok(word) => say(&format!("{word} {number}"))?,
        Err((Fault::Conflict, why)) if *fate == "silent" => say(&format!("over {number} {why}"))?,
        Err((fault, why)) => say(&format!("refused {number} {fault:?}: {why}"))?,
    }
    Ok(say("transaction")?)
}

struct Play<'a> {
    system: &'a System,
    served: &'a ServedAuthority,
    number: &'a str,
    key: [u8; 32],
}

/// What the client is told instead.
type Refused = (Fault, String);

fn down(error: impl std::fmt::Display) -> Refused {
    (Fault::Unavailable, error.to_string())
}

fn conflict(conflict: TransactionConflict) -> Refused {
    let fault = match conflict {
        TransactionConflict::BeingIssued => Fault::Unavailable,
        _ => Fault::Conflict,
    };
    (fault, format!("{conflict:?}"))
}

impl Play<'_> {
    /// Opens the transaction, or takes it up where it stands; returns it answered.
    fn certificate(&self, csr: &[u8], fate: &str) -> Result<Transaction, Refused> {
        let now = self.system.clock.now();
        let ours = |error: anyhow::Error| (Fault::Ours, error.to_string());
        let asked =
            EnrolmentRequest { transaction: Some(self.key), ..request(self.served, csr).map_err(ours)? };
        let opening = Transaction {
            key: self.key,
            issuer: self.served.key(),
            tenant: asked.actor.tenant.clone(),
            requester: asked.actor.to_string(),
            opened_at: now,
            ends_at: now.plus_seconds(if fate == "silent" { SHORT } else { LONG }),
            request: Sha256::digest(csr).into(),
            answer: Vec::new(),
            memo: Vec::new(),
            stage: Stage::Answering,
        };
        let transactions = &self.system.ports().transactions;
        let known = match transactions.open_transaction(opening.clone(), TransactionBounds::default()) {
            Ok(Opened::New) => opening,
            Ok(Opened::Known(known)) => *known,
            Ok(Opened::TooMany) => return Err((Fault::Conflict, "too many".to_owned())),
            Err(error) => return Err(down(error)),
        };
        let known = match known.stage {
            Stage::Answering => self.answer(known, asked)?,
            Stage::Waiting | Stage::Unconfirmed { .. } | Stage::Closed(_) => known,
        };
        // Nothing is told before it is on record.
        if !known.memo.is_empty() {
            say(&format!("given {} {}", self.number, hex::encode(&known.memo))).map_err(down)?;
        }
        Ok(known)
    }

    fn answer(&self, known: Transaction, asked: EnrolmentRequest) -> Result<Transaction, Refused> {
        let issued =
            self.served.authority.enrol(asked).map_err(|error| (error.fault(), error.to_string()))?;
        let answer = TransactionAnswer {
            key: self.key,
            now: self.system.clock.now(),
            before: known.request,
            request: known.request,
            answer: issued.der().to_vec(),
            // What is said of it takes the place of the answer.
            memo: issued.der().to_vec(),
            stage: Stage::Unconfirmed { certificate: issued.id().clone() },
            ends_at: known.ends_at,
        };
        self.system.ports().transactions.record_answer(answer).map_err(down)?.map_err(conflict)
    }

    /// Says of the certificate what was planned.
    fn speak(&self, given: Transaction, fate: &str) -> Result<&'static str, Refused> {
        let (acceptance, word) = match fate {
            "accept" => (Acceptance::Accepted, "confirmed"),
            "refuse" => (Acceptance::Refused { reason: "not this one".to_owned() }, "declined"),
            _ => return Ok("left"),
        };
        let actor = crate::batch::line_operator(self.served);
        let message = Sha256::digest(format!("{fate} {}", self.number)).into();
        let answer = word.as_bytes().to_vec();
        let said = Confirmation { actor, key: given.key, message, acceptance, answer };
        let closed =
            self.served.authority.confirm(said).map_err(|error| (error.fault(), error.to_string()))?;
        if closed.answer == word.as_bytes() {
            Ok(word)
        } else {
            Err((Fault::Ours, format!("answered with {:?}", closed.answer)))
        }
    }
}

/// Waits until every transaction is closed, by its holder or by its deadline.
fn meet_all(system: &System, served: &ServedAuthority) -> anyhow::Result<()> {
    let never = UnixTime::from_seconds(i64::MAX);
    eventually("no transaction is open", || {
        let done = served
            .authority
            .lapse(STEP)
            .and_then(|_| system.ports().transactions.transactions_due(&served.key(), never, 1));
        match done {
            Ok(open) => open.is_empty().then_some(Ok(())),
            Err(error) => Some(Err(error.into())),
        }
    })
}

//! Refusals of somebody who may not, or who is nobody here: each is on record, with the reason code that he is told. What anybody at all can
//! be the cause of is on record once a minute, with how often it was.

use std::net::{IpAddr, Ipv4Addr};

use ca_core::audit::{Act, AuditEvent};
use ca_core::people::Caller;
use ca_core::ports::Unavailable;
use operator_console::{Refused, Visitor};
use server_kit::listener::PeerConnection;

use super::acts::unavailable;
use super::listener::Connected;
use crate::compose::System;
use crate::exit::{Exit, Failure};
use crate::people;
use crate::people::certificate::NotKnown;
use crate::sign_in::{NotSignedIn, SignedIn};

/// Puts on record that somebody did not get as far as a session of the console, and returns what he is told: under his name where the
/// provider's signature says whose the token is, and as a stranger otherwise.
pub(crate) fn not_signed_in(system: &System, connected: Option<&Connected>, why: NotSignedIn) -> Failure {
    let address = address(connected);
    match why {
        NotSignedIn::Token(refused) => {
            let told = refused.fault.failure();
            subject(system, &SignedIn { address, outcome: Err(refused) }).err().unwrap_or(told)
        }
        NotSignedIn::Before(failure) => anybodys(system, address, failure),
    }
}

/// Puts on record what a page of another site had somebody's browser ask for, and returns what that is told.
pub(super) fn foreign(system: &System, connected: Option<&Connected>, failure: Failure) -> Failure {
    anybodys(system, address(connected), failure)
}

/// Puts on record what the console refused: under the name of its visitor, and as a stranger's where there is none or others can be the
/// cause.
///
/// # Errors
/// When it cannot be put on record.
pub(crate) fn in_console(
    system: &System,
    (connected, visitor): (Option<&Connected>, Option<&Visitor>),
    refused: &Refused,
) -> Result<(), Failure> {
    let told = match (connected, visitor) {
        (Some(known), Some(_)) if !refused.is_anybodys => {
            record_refusal(system, actor(system, known), (&refused.code, refused.detail.clone()))
        }
        _ => record_anybodys(system, address(connected), (&refused.code, &refused.detail)),
    };
    told.map_err(unavailable)
}

/// Refuses somebody whose certificate makes him nobody here. What anybody can be the cause of is on record once a minute, with
/// how often it was.
pub(super) fn strange(system: &System, peer: &PeerConnection, not_known: NotKnown) -> Failure {
    if let NotKnown::Unavailable(error) = not_known {
        return unavailable(error);
    }
    let next = "show the certificate that is on record as a credential: `meter-pki people show ID`";
    let failure = Failure::new(Exit::Permission, not_known.code(), &not_known).then(next);
    if !not_known.is_anybodys() {
        return refused(system, &Connected::Elsewhere(peer.clone()), failure);
    }
    anybodys(system, peer.peer_addr.ip(), failure)
}

/// Returns the person whom a token proves, or refuses: whoever is on record under his name, all others as strangers.
pub(super) fn subject(system: &System, signed_in: &SignedIn) -> Result<Caller, Failure> {
    let known = people::token::known(system, signed_in).map_err(unavailable)?;
    match (&signed_in.outcome, known) {
        (Ok(credential), Some(person)) => Ok(Caller::with(credential.clone(), Some(person), false)),
        (Ok(credential), None) => {
            Err(anybodys(system, signed_in.address, people::token::unknown(credential)))
        }
        (Err(why), Some(_)) => {
            Err(refused(system, &Connected::SignedIn(signed_in.clone()), why.fault.failure()))
        }
        (Err(why), None) => Err(anybodys(system, signed_in.address, why.fault.failure())),
    }
}

/// Puts a refusal of which anybody can be the cause on record, once a minute.
fn anybodys(system: &System, address: IpAddr, failure: Failure) -> Failure {
    let told = record_anybodys(system, address, (&failure.code, &failure.message));
    told.map_or_else(unavailable, |()| failure)
}

fn record_anybodys(
    system: &System,
    address: IpAddr,
    (code, message): (&str, &str),
) -> Result<(), Unavailable> {
    let Some(others) = system.strangers.told(system.clock.now()) else { return Ok(()) };
    let detail = match others {
        0 => format!("{message}, from {address}"),
        _ => format!("{message}, from {address}; {others} more since the record before"),
    };
    record_refusal(system, format!("operator:address-{address}"), (code, detail))
}

/// Records a refusal under the name of whoever it is.
pub(super) fn refused(system: &System, connected: &Connected, failure: Failure) -> Failure {
    let told = record_refusal(system, actor(system, connected), (&failure.code, failure.message.clone()));
    told.map_or_else(unavailable, |()| failure)
}

/// Whoever it is, as records name him.
fn actor(system: &System, connected: &Connected) -> String {
    let name = match connected {
        Connected::User(user) => {
            let named = people::user(system, *user).map(|caller| caller.name());
            named.unwrap_or_else(|_| format!("uid-{user}"))
        }
        Connected::Elsewhere(peer) => people::certificate::name(system, &peer.certificates),
        Connected::SignedIn(signed_in) => people::token::name(system, signed_in),
    };
    format!("operator:{name}")
}

fn address(connected: Option<&Connected>) -> IpAddr {
    connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Connected::address)
}

fn record_refusal(
    system: &System,
    actor: String,
    (reason, detail): (&str, String),
) -> Result<(), Unavailable> {
    let event = AuditEvent {
        time: system.clock.now(),
        tenant: system.tenant.clone(),
        actor,
        act: Act::RequestRefused,
        issuer: None,
        serial: None,
        reason: reason.to_owned(),
        detail,
        digest: Vec::new(),
    };
    system.ports.ledger.record_event(event)
}

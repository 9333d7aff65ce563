//! What operators can do about authorities by whose certificates somebody is let in: list, shut out, let in again.
//!
//! Shutting out is one person's act, at once: it only ever refuses. Letting in again needs as many as any change of many.

use ca_core::audit::{Act, AuditEvent};
use ca_core::key_ref::KeyRef;
use ca_core::record::{BlockedKey, Mark, Unblock, UnblockConflict};

use super::acts::{event, operator, refused, unavailable};
use super::routes::Peer;
use super::wire::requests::MarkView;
use super::wire::shut_out::{BlockText, TrustedView, UnblockText};
use crate::compose::{System, Trusted};
use crate::exit::{Exit, Failure};

/// The longest reason, in characters.
const MAX_WHY: usize = 200;

pub(super) fn list(system: &System) -> Result<Vec<TrustedView>, Failure> {
    let blocked = system.blocks.blocked().map_err(unavailable)?;
    let mut views: Vec<TrustedView> = Vec::new();
    for Trusted { key, subject, vouches_for } in &system.trusted {
        let key_text = key.to_string();
        match views.iter_mut().find(|view| view.key == key_text) {
            Some(view) => view.vouches_for.push(vouches_for.clone()),
            None => views.push(view(key, subject, vec![vouches_for.clone()])),
        }
    }
    for one in &blocked {
        let key_text = one.key.to_string();
        if !views.iter().any(|view| view.key == key_text) {
            views.push(view(&one.key, "", Vec::new()));
        }
        views.iter_mut().filter(|view| view.key == key_text).for_each(|view| {
            view.blocked = Some(mark(&one.blocked));
            view.why = Some(one.why.clone());
            view.unblock_asked = one.unblock_asked.as_ref().map(mark);
        });
    }
    Ok(views)
}

pub(super) fn block(system: &System, peer: &Peer, text: &BlockText) -> Result<Vec<TrustedView>, Failure> {
    let refuse = |failure| refused(system, (&system.tenant, peer), failure, Vec::new());
    let characters = text.why.chars().count();
    if characters == 0 || characters > MAX_WHY || text.why.chars().any(char::is_control) {
        let message = format!("a block has a reason of 1 to {MAX_WHY} printable characters");
        return Err(refuse(Failure::new(Exit::Usage, "trust.reason", message)));
    }
    let keys = meant(system, text).map_err(refuse)?;
    let by = Mark { by: operator(&system.tenant, peer)?.to_string(), at: system.clock.now() };
    for one in &keys {
        let detail = format!("{}; {}; {}", one.subject, one.vouches_for, text.why);
        let event = AuditEvent {
            issuer: Some(one.key),
            ..event(system, &system.tenant, peer, Act::TrustBlocked, detail)?
        };
        let blocked =
            BlockedKey { key: one.key, blocked: by.clone(), why: text.why.clone(), unblock_asked: None };
        // One that is shut out already stays so.
        system.blocks.block(blocked, event).map_err(unavailable)?;
    }
    let keys: Vec<String> = keys.iter().map(|one| one.key.to_string()).collect();
    Ok(list(system)?.into_iter().filter(|view| keys.contains(&view.key)).collect())
}

pub(super) fn unblock(system: &System, peer: &Peer, text: &UnblockText) -> Result<TrustedView, Failure> {
    let refuse = |failure| refused(system, (&system.tenant, peer), failure, Vec::new());
    let key = key(&text.key).map_err(refuse)?;
    let told = |act| {
        let event = event(system, &system.tenant, peer, act, String::new())?;
        Ok::<_, Failure>(AuditEvent { issuer: Some(key), ..event })
    };
    let unblock = Unblock {
        mark: Mark { by: operator(&system.tenant, peer)?.to_string(), at: system.clock.now() },
        two_people: system.order_rule.two_people_from > 0,
        asked: told(Act::UnblockRequested)?,
        done: told(Act::TrustUnblocked)?,
    };
    match system.blocks.unblock(&key, unblock).map_err(unavailable)? {
        Ok(_) => {}
        Err(UnblockConflict::NotBlocked) => {
            let message = format!("{key} is not blocked");
            return Err(refuse(Failure::new(Exit::Conflict, "trust.not-blocked", message)));
        }
        Err(UnblockConflict::SameOperator) => {
            let message = "the same operator asked for it before, and two different ones are needed";
            let failure = Failure::new(Exit::Permission, "trust.same-operator", message);
            return Err(refuse(
                failure.then(format!("another operator types `meter-pki trust unblock {key}`")),
            ));
        }
    }
    let listed = list(system)?.into_iter().find(|view| view.key == key.to_string());
    Ok(listed.unwrap_or_else(|| view(&key, "", Vec::new())))
}

/// Returns what is meant, each key once.
fn meant(system: &System, text: &BlockText) -> Result<Vec<Trusted>, Failure> {
    let (by_key, by_name) = match (&text.key, &text.manufacturer) {
        (Some(digits), None) => (Some(key(digits)?), None),
        (None, Some(name)) => (None, Some(format!("manufacturer {name}"))),
        _ => return Err(Failure::new(Exit::Usage, "trust.which", "name a key or a manufacturer")),
    };
    let wanted = |one: &Trusted| {
        by_key == Some(one.key) || by_name.as_ref().is_some_and(|name| *name == one.vouches_for)
    };
    let mut keys: Vec<Trusted> = Vec::new();
    for one in system.trusted.iter().filter(|one| wanted(one)) {
        if !keys.iter().any(|before| before.key == one.key) {
            keys.push(one.clone());
        }
    }
    if keys.is_empty() {
        let message = "nobody is let in by an authority of that key or manufacturer here";
        return Err(Failure::new(Exit::NotFound, "trust.unknown", message).then("meter-pki trust list"));
    }
    Ok(keys)
}

fn key(text: &str) -> Result<KeyRef, Failure> {
    KeyRef::parse(text).ok_or_else(|| {
        let message = format!("{text} is no key of an authority: 40 hexadecimal digits");
        Failure::new(Exit::Usage, "trust.malformed", message).then("meter-pki trust list")
    })
}

fn view(key: &KeyRef, subject: &str, vouches_for: Vec<String>) -> TrustedView {
    TrustedView {
        key: key.to_string(),
        subject: subject.to_owned(),
        vouches_for,
        blocked: None,
        why: None,
        unblock_asked: None,
    }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView { by: mark.by.clone(), at: mark.at.to_string() }
}

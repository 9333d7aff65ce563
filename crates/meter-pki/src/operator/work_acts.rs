//! The work of head-ends: calls out, answers in.
//!
//! What a call is made of, and what an answer is worth, is the crate `dlms`'s to say; which call is next, and whether an answer
//! follows, is the swap's. Here one is told to the other.

use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::Certificate;
use ca_core::fleet::campaign::Campaign;
use ca_core::fleet::member::{Phase, callable};
use ca_core::fleet::swap::{Answer, Asked, Call, Event, KeyStanding, Shown, Swap};
use ca_core::fleet::{AgendaQuery, SwapConflict, SwapEvent};
use ca_core::profile::KeyPurpose;
use ca_core::record::CertificateQuery;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;
use dlms::apdu::ActionResult;
use dlms::cosem::LogicalName;
use dlms::security_setup::{Attribute, MeterKey, SecurityPolicy};
use dlms::work_order::{
    Addressee, Answer as MeterAnswer, AnswerError, Call as MeterCall, IssuedCertificate, JudgeError, Outcome,
    Reply, RequestFault, Task,
};
use sha2::{Digest, Sha256};

use super::acts::{event, operator, title, unavailable};
use super::campaign_acts::find;
use super::routes::Peer;
use super::wire::campaigns::{
    AnswerText, AnsweredPage, AnsweredView, AnswersText, WorkOrderLine, WorkPage, WorkText,
};
use crate::compose::System;
use crate::exit::{Exit, Failure};

/// For how many devices work is given, and of how many answers are taken, in one request.
const MOST: usize = 1_000;

/// How many devices are looked at, and answers recorded, in one durable transaction.
const TOGETHER: usize = 64;

/// The longest APDU of a meter that an answer is judged for: it does not matter there.
const ANY_PDU: u16 = u16::MAX;

/// The reason code of an answer that was lost.
const NOTHING_CAME: &str = "dlms.no_answer";

/// The longest certification request that is kept, in octets.
const LONGEST_REQUEST: usize = 2_048;

/// Gives calls, each to one head-end for a time. What is given is on record before it is told.
pub(super) fn give(system: &System, peer: &Peer, id: &str, text: &WorkText) -> Result<WorkPage, Failure> {
    let campaign = find(system, id)?;
    let limit = usize::try_from(text.limit).unwrap_or(MOST).min(MOST);
    let now = system.clock.now();
    if !campaign.standing(now).is_carried_out() {
        let message = format!("the campaign is {}, and gives no work", campaign.standing(now).name());
        return Err(
            Failure::new(Exit::Conflict, "campaign.standing", message).then("meter-pki campaign list")
        );
    }
    let mut orders = Vec::new();
    let mut after = None;
    while campaign.is_open(now) && orders.len() < limit {
        let query = AgendaQuery {
            campaign: campaign.digest,
            phase: Phase::Callable,
            until: Some(now),
            after,
            limit: limit.saturating_sub(orders.len()).min(TOGETHER),
        };
        let members = system.swaps.agenda(&query).map_err(unavailable)?;
        let Some(last) = members.last() else { break };
        after = Some(last.place());
        let titles: Vec<SystemTitle> = members.iter().map(|member| member.title).collect();
        orders.extend(give_some(system, &campaign, &titles, (peer, text.max_pdu, now))?);
    }
    Ok(WorkPage { orders })
}

fn give_some(
    system: &System,
    campaign: &Campaign,
    titles: &[SystemTitle],
    (peer, max_pdu, now): (&Peer, u16, UnixTime),
) -> Result<Vec<WorkOrderLine>, Failure> {
    let until = now.plus_seconds(i64::from(campaign.patience.lease_seconds));
    let actor = operator(&system.tenant, peer)?.to_string();
    let (mut events, mut calls) = (Vec::new(), Vec::new());
    for title in titles {
        let Some((_, swaps)) = system.swaps.member(&campaign.digest, title).map_err(unavailable)? else {
            continue;
        };
        let Some((swap, call)) = callable(&swaps, now, &campaign.patience) else { continue };
        calls.push(call);
        events.push(SwapEvent {
            campaign: campaign.digest,
            title: *title,
            purpose: swap.purpose,
            event: Event::Given { call, until },
            now,
            actor: actor.clone(),
        });
    }
    let outcomes = system.swaps.record_swap_events(events).map_err(unavailable)?;
    let mut lines = Vec::new();
    for (call, outcome) in calls.into_iter().zip(outcomes) {
        // Somebody else was given it meanwhile.
        let Ok(step) = outcome else { continue };
        lines.push(line((system, campaign), &step.swap, call, (until, max_pdu))?);
    }
    Ok(lines)
}

/// Writes a call as a head-end gets it.
fn line(
    at: (&System, &Campaign),
    swap: &Swap,
    call: Call,
    (until, max_pdu): (UnixTime, u16),
) -> Result<WorkOrderLine, Failure> {
    let made = meter_call(at, swap, call, max_pdu)?;
    let in_words = "take the new certificate alone from now on, and no former one";
    Ok(WorkOrderLine {
        campaign: hex::encode(swap.campaign),
        system_title: swap.title.to_string(),
        purpose: swap.purpose.name().to_owned(),
        turn: swap.turn,
        call: call.name().to_owned(),
        until: until.to_string(),
        text: made.as_ref().map_or_else(|| in_words.to_owned(), MeterCall::text),
        apdus: made.iter().flat_map(MeterCall::apdus).map(hex::encode).collect(),
        parameter: made.as_ref().and_then(MeterCall::parameter).map(hex::encode),
        method: made.as_ref().map(MeterCall::member),
        expected: made.map_or("nothing", |made| made.expected().name()).to_owned(),
    })
}

/// The call of class 64 that belongs to a step; none for what only the head-end does.
fn meter_call(
    (system, campaign): (&System, &Campaign),
    swap: &Swap,
    call: Call,
    max_pdu: u16,
) -> Result<Option<MeterCall>, Failure> {
    let key = meter_key(swap.purpose)?;
    let suite = SecuritySuite::of_curve(curve(system, swap)?);
    let object = LogicalName::security_setup(campaign.setup.object);
    let addressee = Addressee { title: swap.title, suite, object, max_pdu };
    let issued = || -> Result<IssuedCertificate, Failure> {
        let unfit = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "swap.certificate", error);
        let made = swap.stage.made().ok_or_else(|| unfit(&"no certificate is on record for the call"))?;
        let stored = system.status.certificate(&made.certificate).map_err(unavailable)?;
        let der = stored.map(|stored| stored.certificate).unwrap_or_default();
        IssuedCertificate::new(&addressee, key, &der).map_err(|error| unfit(&error))
    };
    let task = match call {
        Call::GenerateKeyPair => Task::GenerateKeyPair(key),
        Call::GenerateRequest => Task::GenerateRequest(key),
        Call::Import => Task::ImportOwn(issued()?),
        Call::Export => Task::Confirm(issued()?),
        Call::ReadSuite => Task::Read(Attribute::SecuritySuite),
        Call::Activate => match campaign.policy_to_activate(swap.purpose).and_then(SecurityPolicy::from_bits)
        {
            Some(policy) => Task::Activate(policy),
            None => return Ok(None),
        },
    };
    Ok(Some(MeterCall::new(number(swap.turn), addressee, task)))
}

/// The number of a call on the wire: the lowest octets of its turn.
fn number(turn: u32) -> u16 {
    let [_, _, high, low] = turn.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn curve(system: &System, swap: &Swap) -> Result<Curve, Failure> {
    let offer = system.served(&swap.issuer).and_then(|served| served.authority.offer(&swap.profile));
    offer.map(|offer| offer.profile.curve()).ok_or_else(|| {
        let message =
            format!("the authority of the campaign, or its profile {}, is not served here", swap.profile);
        Failure::new(Exit::NotFound, "profile.unknown", message).then("meter-pki ca list")
    })
}

fn meter_key(purpose: KeyPurpose) -> Result<MeterKey, Failure> {
    match purpose {
        KeyPurpose::Signature => Ok(MeterKey::Signature),
        KeyPurpose::KeyAgreement => Ok(MeterKey::KeyAgreement),
        KeyPurpose::Tls => Ok(MeterKey::Tls),
        KeyPurpose::CertificateSigning => {
            Err(Failure::new(Exit::Failed, "swap.type", "a meter has no key to sign certificates with"))
        }
    }
}

/// Takes in answers. Each is judged by itself: one refusal touches no neighbour.
pub(super) fn take(
    system: &System,
    peer: &Peer,
    id: &str,
    text: &AnswersText,
) -> Result<AnsweredPage, Failure> {
    let campaign = find(system, id)?;
    if text.answers.len() > MOST {
        let message = format!("{} answers in one request, and {MOST} are the most", text.answers.len());
        return Err(Failure::new(Exit::Usage, "campaign.answers", message));
    }
    let mut answers = Vec::new();
    for some in text.answers.chunks(TOGETHER) {
        answers.extend(take_some(system, peer, &campaign, some)?);
    }
    Ok(AnsweredPage { answers })
}

/// What an answer comes to before the ledger has heard of it.
enum Judged {
    /// Something happened.
    Event(Box<SwapEvent>),
    /// Nothing did, or nothing that can be read; the call stays given until its time is over.
    Unheard { code: String, message: String },
}

fn take_some(
    system: &System,
    peer: &Peer,
    campaign: &Campaign,
    some: &[AnswerText],
) -> Result<Vec<AnsweredView>, Failure> {
    let actor = operator(&system.tenant, peer)?.to_string();
    let (mut events, mut views) = (Vec::new(), Vec::new());
    for text in some {
        let judged = judge(system, campaign, text, &actor)?;
        views.push(AnsweredView {
            system_title: text.system_title.clone(),
            purpose: text.purpose.clone(),
            turn: text.turn,
            stage: None,
            code: None,
            message: None,
        });
        match (judged, views.last_mut()) {
            (Judged::Event(event), _) => events.push((views.len().saturating_sub(1), *event)),
            (Judged::Unheard { code, message }, Some(view)) => {
                if code != NOTHING_CAME {
                    note_refusal(system, peer, campaign, (text, &code, &message))?;
                }
                (view.code, view.message) = (Some(code), Some(message));
            }
            (Judged::Unheard { .. }, None) => {}
        }
    }
    let (places, events): (Vec<usize>, Vec<SwapEvent>) = events.into_iter().unzip();
    let outcomes = system.swaps.record_swap_events(events).map_err(unavailable)?;
    for (place, outcome) in places.into_iter().zip(outcomes) {
        let Some(view) = views.get_mut(place) else { continue };
        match outcome {
            Ok(step) => {
                view.stage = Some(step.swap.stage.name().to_owned());
                view.code = step.swap.trouble.as_ref().map(|trouble| trouble.code().to_owned());
            }
            Err(conflict) => {
                view.code = Some(conflict.code().to_owned());
                view.message = Some(conflict.to_string());
            }
        }
    }
    Ok(views)
}

/// Puts an answer on record that was not taken for what it is. That nothing came is no refusal.
fn note_refusal(
    system: &System,
    peer: &Peer,
    campaign: &Campaign,
    (text, code, message): (&AnswerText, &str, &str),
) -> Result<(), Failure> {
    let short = |text: &str, most: usize| -> String { text.chars().take(most).collect() };
    let (title, purpose) = (short(&text.system_title, 16), short(&text.purpose, 16));
    let detail = format!("{title} {purpose}, call {}: {}", text.turn, short(message, 200));
    let refused = AuditEvent {
        reason: code.to_owned(),
        digest: campaign.digest.to_vec(),
        ..event(system, &campaign.tenant, peer, Act::RequestRefused, detail)?
    };
    system.ports.ledger.record_event(refused).map_err(unavailable)
}

fn judge(system: &System, campaign: &Campaign, text: &AnswerText, actor: &str) -> Result<Judged, Failure> {
    let unheard = |code: &str, message: &dyn std::fmt::Display| Judged::Unheard {
        code: code.to_owned(),
        message: message.to_string(),
    };
    let Ok(title) = title(&text.system_title) else {
        return Ok(unheard("title.malformed", &"no system title"));
    };
    let purpose = KeyPurpose::ALL.into_iter().find(|purpose| purpose.name() == text.purpose);
    let found = system.swaps.member(&campaign.digest, &title).map_err(unavailable)?;
    let swap = found.into_iter().flat_map(|(_, swaps)| swaps).find(|swap| Some(swap.purpose) == purpose);
    let Some(swap) = swap else {
        return Ok(unheard(SwapConflict::Unknown.code(), &SwapConflict::Unknown));
    };
    let event = |answer: Answer| {
        Judged::Event(Box::new(SwapEvent {
            campaign: campaign.digest,
            title,
            purpose: swap.purpose,
            event: Event::Answered { turn: text.turn, answer },
            now: system.clock.now(),
            actor: actor.to_owned(),
        }))
    };
    // An answer to another call than the last is not read: the swap says whether it is late, early or a repetition.
    let Some(given) = swap.given.filter(|_| swap.turn == text.turn) else {
        return Ok(event(Answer::KeyMade));
    };
    let Some(answer) = meter_answer(text) else {
        return Ok(unheard(
            "answer.malformed",
            &"an answer has apdus, or a result, or says that nothing came",
        ));
    };
    let Some(call) = meter_call((system, campaign), &swap, given.call, ANY_PDU)? else {
        return Ok(match (&answer, text.result) {
            (_, Some(0)) => event(Answer::Activated),
            (_, Some(result)) => event(Answer::Refused { result }),
            (_, None) => unheard("dlms.no_answer", &"nothing came"),
        });
    };
    let reply = Reply { call: call.number(), answer };
    Ok(match call.judge(&reply, &|_| None) {
        Ok(outcome) => match answer_of(&swap, given.call, outcome) {
            Some(answer) => event(answer),
            None => unheard("csr.too-long", &format!("a request has at most {LONGEST_REQUEST} octets")),
        },
        // Asked for a certificate of which it has none, a meter says so by refusing.
        Err(JudgeError::Answer(AnswerError::Refused(ActionResult::OBJECT_UNAVAILABLE)))
            if given.call == Call::Export =>
        {
            event(Answer::Exported(Shown::Nothing))
        }
        Err(JudgeError::Answer(AnswerError::Refused(result))) => event(Answer::Refused { result: result.0 }),
        Err(JudgeError::Answer(AnswerError::ReadRefused(result))) if given.call == Call::ReadSuite => {
            event(Answer::Refused { result: result.0 })
        }
        Err(JudgeError::OtherSuite { found, .. }) => event(Answer::Suite(found)),
        Err(JudgeError::Request(RequestFault::OtherTitle { title: of, .. })) => {
            let asked = Asked { request: [0; 32], key: [0; 32] };
            event(Answer::Request { octets: Vec::new(), asked, title: of, key: KeyStanding::New })
        }
        Err(JudgeError::OtherCertificate { .. }) => match call.returned_octets(&reply.answer) {
            Ok(der) => event(Answer::Exported(shown(system, &swap, &der)?)),
            Err(error) => unheard(error.code(), &error),
        },
        Err(error) => unheard(error.code(), &error),
    })
}

fn meter_answer(text: &AnswerText) -> Option<MeterAnswer> {
    if text.nothing {
        return Some(MeterAnswer::Nothing);
    }
    match text.result {
        Some(result) => {
            let returned = text.returned.as_deref().map(hex::decode).transpose().ok()?;
            Some(MeterAnswer::Result { result, returned })
        }
        None if text.apdus.is_empty() => None,
        None => {
            let apdus = text.apdus.iter().map(hex::decode).collect::<Result<_, _>>().ok()?;
            Some(MeterAnswer::Apdus(apdus))
        }
    }
}

/// What a judged answer is to a swap; `None` for a request that is too long to be kept.
fn answer_of(swap: &Swap, call: Call, outcome: Outcome) -> Option<Answer> {
    Some(match (call, outcome) {
        (_, Outcome::Request(request)) => {
            let octets = request.der().to_vec();
            if octets.len() > LONGEST_REQUEST {
                return None;
            }
            let asked = Asked { request: request.digest(), key: request.public_key().fingerprint() };
            Answer::Request { octets, asked, title: Some(swap.title), key: KeyStanding::New }
        }
        (_, Outcome::Confirmed) => {
            let digest = swap.stage.made().map_or([0; 32], |made| made.digest);
            Answer::Exported(Shown::Certificate { digest, former: false })
        }
        (_, Outcome::Suite(number)) => Answer::Suite(number),
        (Call::Import, _) => Answer::Imported,
        (Call::Activate, _) => Answer::Activated,
        (Call::GenerateKeyPair | Call::GenerateRequest | Call::Export | Call::ReadSuite, _) => {
            Answer::KeyMade
        }
    })
}

/// What a meter shows that does not hold the new certificate: one that it had before, or a stranger's.
fn shown(system: &System, swap: &Swap, der: &[u8]) -> Result<Shown, Failure> {
    let digest: [u8; 32] = Sha256::digest(der).into();
    let Ok(certificate) = Certificate::from_der(der) else {
        return Ok(Shown::Certificate { digest, former: false });
    };
    let own = certificate.system_title() == Some(swap.title);
    let query = CertificateQuery { title: Some(swap.title), limit: MOST, ..CertificateQuery::default() };
    let on_record = system.status.certificates(&query).map_err(unavailable)?;
    let known = on_record.iter().any(|row| row.certificate == der && row.purpose == swap.purpose);
    let factory = system.factories.iter().any(|anchor| anchor.has_signed(&certificate));
    Ok(Shown::Certificate { digest, former: own && (known || factory) })
}

//! What operators ask of the fleet: searching, counting, everything of one device, its history with proofs, acts on many.
//!
//! Which act may follow which state is ca-core's table; here texts become values, and values views.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent, AuditRecord};
use ca_core::ports::Fleet;
use ca_core::record::{
    CertificateQuery, Device, DeviceAct, DeviceChange, DeviceEvent, DeviceField, DeviceQuery, DeviceState,
    RefusedDevice,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;

use super::acts::{event, rows, serial, tenant, title, unavailable};
use super::routes::Peer;
use super::views;
use super::wire::fleet::{
    ChangeText, ChangeView, CountQueryText, CountView, CredentialView, DeviceDetailView, DevicePage,
    DeviceQueryText, HistoryPage, HistoryProofView, HistoryProofsView, HistoryQueryText, HistoryView,
    RefusedDeviceView, SecretText, SecretView, SecretsRequest,
};
use super::{acts, order_acts};
use crate::audit::note::pem;
use crate::audit::proof::LogProof;
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// How many devices one act changes at most.
pub(crate) const MOST_CHANGED: usize = 1_000;

/// How often one page asks on, so that a search that finds little keeps its worker for a second at most.
const MOST_ROUNDS: usize = 16;

/// How many lines of a history are shown with a device.
const SHOWN_LINES: usize = 100;

/// How many lines of a history are proved at once.
const MOST_PROVED: usize = 1_000;

/// How many certificates of a device are shown.
const SHOWN_CERTIFICATES: usize = 1_000;

pub(super) fn devices(system: &System, peer: &Peer, text: &DeviceQueryText) -> Result<DevicePage, Failure> {
    let mut query = query(system, text)?;
    peer.check(&query.tenant)?;
    let (wanted, mut devices) = (query.limit, Vec::new());
    // One search looks at a bounded number of candidates; a page asks on until it is full, or has asked often.
    for _ in 0..MOST_ROUNDS {
        query.limit = wanted.saturating_sub(devices.len());
        let found = system.vault.report(|store| store.find_devices(&query)).map_err(unavailable)?;
        devices.extend(found.devices.iter().map(views::device));
        query.after = found.next;
        if found.next.is_none() || devices.len() >= wanted {
            break;
        }
    }
    Ok(DevicePage { devices, next: query.after.map(|title| title.to_string()) })
}

/// Reads what devices are searched by.
fn query(system: &System, text: &DeviceQueryText) -> Result<DeviceQuery, Failure> {
    let mut query = DeviceQuery::of(tenant(&text.tenant)?, rows(text.limit));
    let mut say = |field, said: &Option<String>| {
        query.fields.extend(said.as_ref().map(|said| (field, said.clone())));
    };
    say(DeviceField::Model, &text.model);
    say(DeviceField::Firmware, &text.firmware);
    say(DeviceField::Batch, &text.batch);
    say(DeviceField::Region, &text.region);
    say(DeviceField::Concentrator, &text.concentrator);
    say(DeviceField::SerialNumber, &text.serial_number);
    if let Some(manufacturer) = &text.manufacturer {
        match maker(manufacturer)? {
            Maker::Flag(flag) => query.title_prefix = flag.to_vec(),
            Maker::Named(name) => query.fields.push((DeviceField::Manufacturer, name.to_string())),
        }
    }
    if let Some(digits) = &text.title_prefix {
        query.title_prefix = prefix(digits, &query.title_prefix)?;
    }
    query.state = text.state.as_deref().map(state).transpose()?;
    query.key = text.key.as_deref().map(|digits| digest("key.malformed", digits)).transpose()?;
    query.delivery =
        text.delivery.as_deref().map(|digits| digest("delivery.malformed", digits)).transpose()?;
    if let Some(number) = &text.certificate {
        let issuers = system.authorities.iter().map(ServedAuthority::key).collect();
        query.certificate = Some((serial(number)?, issuers));
    }
    query.without_operational = text.without_operational;
    query.after = text.after.as_deref().map(title).transpose()?;
    Ok(query)
}

/// A manufacturer as people name one.
pub(super) enum Maker {
    /// By the FLAG id, with which system titles begin.
    Flag([u8; 3]),
    /// By his name.
    Named(TenantId),
}

/// Reads who made devices: names are in small letters, and FLAG ids in three capital ones.
pub(super) fn maker(text: &str) -> Result<Maker, Failure> {
    if text.starts_with(|first: char| first.is_ascii_uppercase()) {
        order_acts::flag(text).map(Maker::Flag)
    } else {
        tenant(text).map(Maker::Named)
    }
}

/// Reads the beginning of system titles; a FLAG id that was given too must begin them as well.
fn prefix(digits: &str, flag: &[u8]) -> Result<Vec<u8>, Failure> {
    let octets = hex::decode(digits).ok().filter(|octets| (1..=8).contains(&octets.len()));
    let octets = octets.ok_or_else(|| {
        let message = format!("{digits} begins no system title: 2 to 16 hexadecimal digits, an even number");
        Failure::new(Exit::Usage, "title.prefix", message)
    })?;
    let (short, long) =
        if octets.len() < flag.len() { (octets.as_slice(), flag) } else { (flag, &octets[..]) };
    if long.starts_with(short) {
        return Ok(long.to_vec());
    }
    let message = format!("no system title of this FLAG id begins with {digits}");
    Err(Failure::new(Exit::Usage, "title.prefix", message))
}

pub(super) fn state(text: &str) -> Result<DeviceState, Failure> {
    let known = || DeviceState::ALL.map(DeviceState::name);
    DeviceState::named(text).ok_or_else(|| acts::unknown_state(text, &known()))
}

pub(super) fn digest(code: &str, digits: &str) -> Result<[u8; 32], Failure> {
    hex::decode(digits).ok().and_then(|octets| octets.try_into().ok()).ok_or_else(|| {
        Failure::new(Exit::Usage, code, format!("{digits} is no SHA-256: 64 hexadecimal digits"))
    })
}

pub(super) fn counts(system: &System, peer: &Peer, text: &CountQueryText) -> Result<Vec<CountView>, Failure> {
    let field = text.by.as_deref().map(counted_field).transpose()?;
    let owner = tenant(&text.tenant)?;
    peer.check(&owner)?;
    let counts = system.fleet.count_devices(&owner, field).map_err(unavailable)?;
    let mut views: Vec<CountView> = counts
        .into_iter()
        .map(|count| {
            let named = DeviceState::ALL.into_iter().zip(count.states).filter(|(_, number)| *number > 0);
            let states = named.map(|(state, number)| (state.name().to_owned(), number)).collect();
            CountView { total: count.total(), value: count.value, states }
        })
        .collect();
    views.sort_by(|one, other| one.value.cmp(&other.value));
    Ok(views)
}

/// Reads the name of a field by which devices are counted.
pub(super) fn counted_field(name: &str) -> Result<DeviceField, Failure> {
    DeviceField::named(name).filter(|field| DeviceField::COUNTED.contains(field)).ok_or_else(|| {
        let known = DeviceField::COUNTED.map(DeviceField::name).join(", ");
        Failure::new(Exit::Usage, "field.unknown", format!("devices are not counted by {name}"))
            .then(format!("use one of {known}, state"))
    })
}

/// Returns a device, whoever owns it.
pub(super) fn known(system: &System, named: &str) -> Result<Device, Failure> {
    system.registry.device(&title(named)?).map_err(unavailable)?.ok_or_else(|| {
        Failure::new(Exit::NotFound, "device.unknown", format!("no device {named} is on record"))
            .then("meter-pki device list")
    })
}

/// Returns a device to whoever may see it.
fn known_to(system: &System, peer: &Peer, named: &str) -> Result<Device, Failure> {
    let device = known(system, named)?;
    peer.check(&device.expected.tenant)?;
    Ok(device)
}

pub(super) fn show(system: &System, peer: &Peer, named: &str) -> Result<DeviceDetailView, Failure> {
    let device = known_to(system, peer, named)?;
    let title = device.expected.title;
    let now = system.clock.now();
    let query =
        CertificateQuery { title: Some(title), limit: SHOWN_CERTIFICATES, ..CertificateQuery::default() };
    let certificates = system.status.certificates(&query).map_err(unavailable)?;
    let credentials = system.fleet.credentials(&title).map_err(unavailable)?;
    let secrets = system.fleet.secrets(&title).map_err(unavailable)?;
    Ok(DeviceDetailView {
        device: views::device(&device),
        delivered: credentials
            .iter()
            .map(|one| CredentialView {
                purpose: one.purpose.name().to_owned(),
                issuer: one.issuer.clone(),
                serial: one.serial.to_string(),
                key: hex::encode(one.key_fingerprint),
                not_before: one.validity.not_before().to_string(),
                not_after: one.validity.not_after().to_string(),
                certificate: STANDARD.encode(&one.certificate),
            })
            .collect(),
        certificates: certificates
            .iter()
            .map(|one| views::certificate(&system.issuer_name(one), one, now))
            .collect(),
        secrets: secrets
            .iter()
            .map(|one| SecretView { kind: one.kind.name().to_owned(), wrapped_by: one.wrapped_by.clone() })
            .collect(),
        history: last_lines(system, &title)?,
    })
}

/// The last lines of a history: long ones are told by `device history`.
fn last_lines(system: &System, title: &SystemTitle) -> Result<Vec<HistoryView>, Failure> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = system.fleet.history(title, after, MOST_PROVED).map_err(unavailable)?;
        let is_last = page.len() < MOST_PROVED;
        after = page.last().map_or(after, |last| last.sequence);
        events.extend(page);
        let before: usize = events.len().saturating_sub(SHOWN_LINES);
        events.drain(..before);
        if is_last {
            break;
        }
    }
    events.iter().map(|event| line(system, event)).collect()
}

pub(super) fn history(
    system: &System,
    peer: &Peer,
    (named, text): (&str, &HistoryQueryText),
) -> Result<HistoryPage, Failure> {
    let (device, limit) = (known_to(system, peer, named)?, rows(text.limit));
    let events = system.fleet.history(&device.expected.title, text.after, limit).map_err(unavailable)?;
    let next = events.last().filter(|_| events.len() == limit).map(|last| last.sequence);
    let history = events.iter().map(|event| line(system, event)).collect::<Result<_, _>>()?;
    Ok(HistoryPage { history, next })
}

/// Reads the audit record of a line: it says when it was and who caused it.
fn line(system: &System, event: &DeviceEvent) -> Result<HistoryView, Failure> {
    let (record, _) = record(system, event.sequence)?;
    let told = record.event;
    // Which other devices the record names is not this device's history.
    let words = told.detail.rsplit_once(": ").map_or(told.detail.as_str(), |(words, _)| words);
    let detail = if SystemTitle::parse(words).is_ok() { "" } else { words };
    Ok(HistoryView {
        sequence: event.sequence,
        time: told.time.to_string(),
        event: event.kind.name().to_owned(),
        by: told.actor.clone(),
        owner: event.owner.as_ref().map(ToString::to_string),
        state: event.state.map(|state| state.name().to_owned()),
        delivery: event.delivery.map(hex::encode),
        serial: event.certificate.as_ref().map(|id| id.serial.to_string()),
        detail: detail.to_owned(),
    })
}

fn record(system: &System, sequence: u64) -> Result<(AuditRecord, Vec<u8>), Failure> {
    let broken =
        |what: String| Failure::new(Exit::Integrity, "audit.broken", what).then("meter-pki audit verify");
    let mut records = system.status.audit_records(sequence.saturating_sub(1), 1).map_err(unavailable)?;
    let der = records.pop().ok_or_else(|| broken(format!("audit record {sequence} is missing")))?;
    let record = AuditRecord::from_der(&der).map_err(|error| broken(error.to_string()))?;
    if record.sequence == sequence {
        Ok((record, der))
    } else {
        Err(broken(format!("audit record {sequence} is missing")))
    }
}

/// Proves every line of a history against one checkpoint.
pub(super) fn proofs(system: &System, peer: &Peer, named: &str) -> Result<HistoryProofsView, Failure> {
    let device = known_to(system, peer, named)?;
    let events = system.fleet.history(&device.expected.title, 0, MOST_PROVED).map_err(unavailable)?;
    let log = &system.audit;
    let key = pem(log.notary()?.public_key()?);
    let (note, size) = log.checkpoint()?;
    let proofs = events
        .iter()
        .map(|event| {
            let (_, der) = record(system, event.sequence)?;
            let path = log.store.prove_inclusion(event.sequence, size).map_err(unavailable)?;
            let index = event.sequence.saturating_sub(1);
            let proof = LogProof { record: der, index, path, note: note.clone() }.text();
            Ok(HistoryProofView { sequence: event.sequence, event: event.kind.name().to_owned(), proof })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(HistoryProofsView { system_title: device.expected.title.to_string(), proofs, key })
}

pub(super) fn change(system: &System, peer: &Peer, text: &ChangeText) -> Result<ChangeView, Failure> {
    if text.system_titles.is_empty() || text.system_titles.len() > MOST_CHANGED {
        let message = format!("1 to {MOST_CHANGED} devices are changed at once");
        return Err(Failure::new(Exit::Usage, "device.count", message));
    }
    let (act, told) = act_named(&text.act)?;
    let owner = tenant(&text.tenant)?;
    peer.check(&owner)?;
    let to = text.to.as_deref().map(tenant).transpose()?;
    if matches!(act, DeviceAct::Ship | DeviceAct::Transfer) && to.is_none() {
        return Err(
            Failure::new(Exit::Usage, "device.to", "say to whom they are sent or pass").then("--to TENANT")
        );
    }
    if act == DeviceAct::Transfer
        && let Some(to) = &to
        && !system.authorities.iter().any(|served| served.authority.issuer().tenant() == to)
    {
        let message = format!("no authority here belongs to {to}");
        return Err(Failure::new(Exit::NotFound, "tenant.unknown", message).then("meter-pki ca list"));
    }
    let mut titles = text.system_titles.iter().map(|one| title(one)).collect::<Result<Vec<_>, _>>()?;
    titles.sort();
    titles.dedup();
    let detail = match &to {
        Some(to) => format!("to {to}; {}", reason(&text.reason)?),
        None => reason(&text.reason)?.to_owned(),
    };
    let event = event(system, &owner, peer, told, detail)?;
    let change = DeviceChange { tenant: owner, titles, act, to, event };
    let outcome = if text.dry_run {
        would(system, &change)?
    } else {
        system.fleet.change_devices(change).map_err(unavailable)?
    };
    Ok(ChangeView {
        changed: outcome.changed.iter().map(ToString::to_string).collect(),
        refused: outcome
            .refused
            .iter()
            .map(|(title, refusal)| RefusedDeviceView {
                system_title: title.to_string(),
                code: refusal.code().to_owned(),
                message: refusal.to_string(),
            })
            .collect(),
        records: outcome.records,
    })
}

/// Finds out what would become of devices; nothing is recorded.
fn would(system: &System, change: &DeviceChange) -> Result<ca_core::record::ChangeOutcome, Failure> {
    let mut outcome = ca_core::record::ChangeOutcome::default();
    for title in &change.titles {
        let known = system.registry.device(title).map_err(unavailable)?;
        match change.applied_to(known.as_ref()) {
            Ok(_) => outcome.changed.push(*title),
            Err(refusal) => outcome.refused.push((*title, refusal)),
        }
    }
    Ok(outcome)
}

fn act_named(text: &str) -> Result<(DeviceAct, Act), Failure> {
    let known = [
        (DeviceAct::Ship, Act::DevicesShipped),
        (DeviceAct::Suspend, Act::DevicesSuspended),
        (DeviceAct::Resume, Act::DevicesResumed),
        (DeviceAct::Retire, Act::DevicesRetired),
        (DeviceAct::Transfer, Act::DevicesMoved),
    ];
    known.into_iter().find(|(act, _)| act.name() == text).ok_or_else(|| {
        Failure::new(Exit::Usage, "device.act", format!("{text} is no act of an operator on devices"))
            .then(format!("use one of {}", known.map(|(act, _)| act.name()).join(", ")))
    })
}

/// Reads why; it stands in the audit log, in front of the system titles.
fn reason(text: &str) -> Result<&str, Failure> {
    let plain = !text.is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if plain {
        Ok(text)
    } else {
        let message = "say why, in at most 200 printable characters";
        Err(Failure::new(Exit::Usage, "device.reason", message).then("--reason TEXT"))
    }
}

/// Gives out the wrapped secrets of a device; that they were is on record before.
pub(super) fn export_secrets(
    system: &System,
    peer: &Peer,
    named: &str,
    request: &SecretsRequest,
) -> Result<Vec<SecretText>, Failure> {
    let (title, owner) = (title(named)?, tenant(&request.tenant)?);
    let told: AuditEvent =
        event(system, &owner, peer, Act::SecretsExported, reason(&request.reason)?.to_owned())?;
    let secrets = system.fleet.export_secrets(&title, told).map_err(unavailable)?.ok_or_else(|| {
        Failure::new(Exit::NotFound, "device.unknown", format!("{owner} has no device {title}"))
            .then("meter-pki device list")
    })?;
    let secret = |one: ca_core::record::WrappedSecret| SecretText {
        kind: one.kind.name().to_owned(),
        wrapped_by: one.wrapped_by,
        octets: STANDARD.encode(one.octets),
    };
    Ok(secrets.into_iter().map(secret).collect())
}

/// A device that was not taken in, as it is shown.
pub(super) fn refused_view(refused: RefusedDevice) -> RefusedDeviceView {
    let RefusedDevice { title, code, message } = refused;
    RefusedDeviceView { system_title: title, code, message }
}

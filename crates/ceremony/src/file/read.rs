//! From text to a checked ceremony file: what the values mean, and where each fault stands.

use ca_core::issuer::PublicationPoints;
use ca_core::profile::{CertificateProfile, ProfileId};
use ca_core::public_key::PublicKey;
use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::SecuritySuite;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use der::pem;
use toml::Spanned;

use super::CeremonyFile;
use super::act::{
    Act, ActKind, CloseSubCa, CrlPeriod, CrlSeries, CrossCertificate, DestroyKey, FoundRoot, InputFile,
    LinkCertificates, Revoke, SignCrl, SignSubCa, Succession,
};
use super::check;
use super::fault::{CeremonyFileError, Faults, FileFault, Placed, Problem};
use super::raw::{RawAct, RawFile, RawKeys, RawPerson, RawRoot};
use super::root::{KeyPlace, RootName, RootPlan, TokenChoice};
use crate::people::{People, PeopleError, Person, Role};
use crate::stated_time::StatedTime;
use crate::words::Fingerprint;

/// The one version of the format.
const FORMAT: u8 = 1;

/// How many CRLs a series may have: ten years of monthly ones.
const MOST_IN_SERIES: u16 = 120;

/// How long a period of a series may be, in days: the CRL of a root is valid for a year and a day at most.
const LONGEST_DAYS: u16 = 366;

const DAY: i64 = 86_400;

pub(super) fn read(octets: &[u8]) -> Result<CeremonyFile, CeremonyFileError> {
    let only = |line, message: &str| CeremonyFileError {
        faults: vec![FileFault { line, problem: Problem::Text { message: message.to_owned() } }],
    };
    let text = core::str::from_utf8(octets).map_err(|_| only(1, "the file is not UTF-8"))?;
    let mut faults = Faults::new(text);
    let raw = toml::from_str::<RawFile>(text)
        .map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            faults.note(start, Problem::Text { message });
        })
        .ok();
    let file = raw.and_then(|raw| checked(octets, raw, &mut faults));
    match (file, faults.sorted()) {
        (Some(file), found) if found.is_empty() => Ok(file),
        (_, faults) => Err(CeremonyFileError { faults }),
    }
}

fn checked(octets: &[u8], raw: RawFile, faults: &mut Faults<'_>) -> Option<CeremonyFile> {
    let RawFile { format, title, held: StatedTime(held), previous, quorum, person, root, act } = raw;
    if *format.get_ref() != FORMAT {
        faults.note(format.span().start, Problem::Format { found: *format.get_ref() });
    }
    let (title_at, title) = (title.span().start, title.into_inner());
    if title.trim().is_empty() || title.contains(char::is_control) {
        faults.note(title_at, Problem::value("title", "one line that says what this ceremony is"));
    }
    let people = people(person, faults);
    let count = root.len();
    let roots: Vec<_> = root.into_iter().filter_map(|raw| placed(raw, faults, root_plan)).collect();
    let acts: Vec<_> = act.into_iter().filter_map(|raw| placed(raw, faults, act_kind)).collect();
    check::roots(&roots, faults);
    // What acts lack because of a faulty root would be a consequence.
    if roots.len() == count {
        check::acts(&acts, &roots, held, faults);
    }
    let (quorum_at, threshold) =
        quorum.map_or((0, None), |raw| (raw.span().start, Some(raw.get_ref().threshold)));
    let roots: Vec<RootPlan> = roots.into_iter().map(|(_, root)| root).collect();
    let quorum = people.as_ref().and_then(|people| {
        let quorum = check::quorum(threshold, &roots, people);
        faults.take(quorum_at, quorum).flatten()
    });
    Some(CeremonyFile {
        octets: octets.to_vec(),
        fingerprint: Fingerprint::of(octets),
        title,
        held,
        previous,
        people: people?,
        quorum,
        roots,
        acts: numbered(acts),
    })
}

fn numbered(acts: Vec<Placed<ActKind>>) -> Vec<Act> {
    (1..).zip(acts).map(|(number, (_, kind))| Act { number, kind }).collect()
}

fn placed<R, T>(
    raw: Spanned<R>,
    faults: &mut Faults<'_>,
    read: impl FnOnce(R) -> Result<T, Problem>,
) -> Option<Placed<T>> {
    let start = raw.span().start;
    faults.take(start, read(raw.into_inner())).map(|value| (start, value))
}

fn people(raw: Vec<Spanned<RawPerson>>, faults: &mut Faults<'_>) -> Option<People> {
    let starts: Vec<usize> = raw.iter().map(|person| person.span().start).collect();
    let count = raw.len();
    let all: Vec<_> = raw.into_iter().filter_map(|raw| placed(raw, faults, person)).collect();
    // Those that are missing were faulty: what the rest lacks would be a consequence.
    if all.len() < count {
        return None;
    }
    let people = People::new(all.into_iter().map(|(_, person)| person).collect());
    let at = match &people {
        Err(PeopleError::Twice { place, .. }) => starts.get(*place).copied(),
        _ => starts.first().copied(),
    };
    faults.take(at.unwrap_or_default(), people.map_err(Problem::from))
}

fn person(raw: RawPerson) -> Result<Person, Problem> {
    let RawPerson { name, role, key } = raw;
    if name.trim() != name || name.is_empty() || name.len() > 64 || name.contains(char::is_control) {
        return Err(Problem::value("name", "1 to 64 octets, and no space around them"));
    }
    let role: Role = role.parse()?;
    let (label, spki) = pem::decode_vec(key.trim().as_bytes())
        .map_err(|cause| Problem::value("key", format!("not a public key in PEM: {cause}")))?;
    if label != "PUBLIC KEY" {
        return Err(Problem::value("key", format!("a {label} instead of a PUBLIC KEY")));
    }
    Ok(Person { name, role, key: PublicKey::from_spki_der(&spki)? })
}

fn root_plan(raw: RawRoot) -> Result<RootPlan, Problem> {
    let RawRoot { name, suite, tenant, subject, profile, profiles, publication, keys, certificate } = raw;
    let suite = SecuritySuite::from_number(suite).ok_or_else(|| Problem::value("suite", "1 or 2"))?;
    let tenant = TenantId::parse(&tenant).map_err(|cause| Problem::value("tenant", cause.to_string()))?;
    subject.distinguished_name().map_err(|cause| Problem::value("subject", cause.to_string()))?;
    let points = PublicationPoints { crl: publication.crl, ca_issuers: publication.ca_issuers, ocsp: None };
    points.check()?;
    let profile = format!("{profile}-{}", suite.suffix());
    let loaded = profiles.load().map_err(|cause| Problem::Profile { message: cause.to_string() })?;
    if !loaded.certificate(&profile).is_some_and(CertificateProfile::is_authority) {
        let message = format!("there is no profile {profile} of a root");
        return Err(Problem::Profile { message });
    }
    Ok(RootPlan {
        name,
        suite,
        tenant,
        subject,
        profile,
        profiles,
        loaded,
        points,
        keys: key_place(keys)?,
        certificate,
    })
}

fn key_place(raw: RawKeys) -> Result<KeyPlace, Problem> {
    Ok(match raw {
        RawKeys::File => KeyPlace::File,
        RawKeys::Shared => KeyPlace::Shared,
        // whoever names a slot does not know which token he gets.
        RawKeys::Token { slot: Some(_), .. } => return Err(Problem::Slot),
        RawKeys::Token { module, label: Some(label), serial: Some(serial), key_label, slot: None } => {
            KeyPlace::Token(TokenChoice { module: module.into(), label, serial, key_label })
        }
        RawKeys::Token { label: None, .. } | RawKeys::Token { serial: None, .. } => {
            return Err(Problem::Slot);
        }
    })
}

fn act_kind(raw: RawAct) -> Result<ActKind, Problem> {
    Ok(match raw {
        RawAct::FoundRoot { root } => ActKind::FoundRoot(FoundRoot { root: named(root)? }),
        RawAct::SignSubCa { root, request, sha256, profile, renews, rekeys } => {
            ActKind::SignSubCa(SignSubCa {
                root: named(root)?,
                request: InputFile { name: request, sha256 },
                profile: profile_id(&profile)?,
                succession: succession(renews, rekeys)?,
            })
        }
        RawAct::CrossCertificate { root, request, sha256, profile } => {
            ActKind::CrossCertificate(CrossCertificate {
                root: named(root)?,
                request: InputFile { name: request, sha256 },
                profile: profile_id(&profile)?,
            })
        }
        RawAct::LinkCertificates { old, new } => link(named(old)?, named(new)?)?,
        RawAct::Crl { root, this_update, next_update, release } => ActKind::Crl(SignCrl {
            root: named(root)?,
            period: period(this_update.0, next_update.0, release.map(|time| time.0))?,
        }),
        RawAct::CrlSeries { root, first, every_days, count, overlap_days, releases } => {
            let releases = releases.map(|times| times.into_iter().map(|time| time.0).collect());
            let steps = Steps { every_days, count, overlap_days };
            ActKind::CrlSeries(CrlSeries { root: named(root)?, periods: series(first.0, steps, releases)? })
        }
        RawAct::Revoke { root, serial, reason, invalidity_date } => ActKind::Revoke(Revoke {
            root: named(root)?,
            serial: serial_number("serial", &serial)?,
            reason: ReasonCode::from_name(&reason)
                .ok_or_else(|| Problem::value("reason", format!("there is no reason {reason:?}")))?,
            invalidity_date: invalidity_date.map(|time| time.0),
        }),
        RawAct::CloseSubCa { root, serial, last_crl, last_crl_sha256, destruction, destruction_sha256 } => {
            ActKind::CloseSubCa(CloseSubCa {
                root: named(root)?,
                serial: serial_number("serial", &serial)?,
                last_crl: InputFile { name: last_crl, sha256: last_crl_sha256 },
                destruction: match (destruction, destruction_sha256) {
                    (Some(name), Some(sha256)) => Some(InputFile { name, sha256 }),
                    (None, None) => None,
                    _ => return Err(Problem::value("destruction", "a file and its SHA-256, or neither")),
                },
            })
        }
        RawAct::DestroyKey { root, key, why } => {
            if why.trim().is_empty() {
                return Err(Problem::value("why", "a sentence"));
            }
            ActKind::DestroyKey(DestroyKey { root: named(root)?, key, why })
        }
    })
}

fn named(root: String) -> Result<RootName, Problem> {
    RootName::try_from(root.clone()).map_err(|_| Problem::UnknownRoot { name: root })
}

fn profile_id(text: &str) -> Result<ProfileId, Problem> {
    ProfileId::parse(text).map_err(|fault| Problem::value("profile", fault.to_string()))
}

fn serial_number(key: &'static str, text: &str) -> Result<SerialNumber, Problem> {
    SerialNumber::parse(text).map_err(|cause| Problem::value(key, cause.to_string()))
}

fn succession(renews: Option<String>, rekeys: Option<String>) -> Result<Succession, Problem> {
    match (renews, rekeys) {
        (None, None) => Ok(Succession::First),
        (Some(serial), None) => serial_number("renews", &serial).map(Succession::Renews),
        (None, Some(serial)) => serial_number("rekeys", &serial).map(Succession::Rekeys),
        (Some(_), Some(_)) => Err(Problem::value("rekeys", "a certificate is renewed or re-keyed, not both")),
    }
}

fn link(old: RootName, new: RootName) -> Result<ActKind, Problem> {
    if old == new {
        return Err(Problem::value("new", "a root is not its own successor"));
    }
    Ok(ActKind::LinkCertificates(LinkCertificates { old, new }))
}

fn period(
    this_update: UnixTime,
    next_update: UnixTime,
    release: Option<UnixTime>,
) -> Result<CrlPeriod, Problem> {
    let release = release.unwrap_or(this_update);
    if next_update <= this_update {
        return Err(Problem::value("next_update", format!("{next_update} is not after {this_update}")));
    }
    if next_update.seconds() - this_update.seconds() > i64::from(LONGEST_DAYS) * DAY {
        return Err(Problem::value("next_update", "the CRL of a root is valid for 366 days at most"));
    }
    if release < this_update || release >= next_update {
        let why = format!("{release} does not lie between {this_update} and {next_update}");
        return Err(Problem::value("release", why));
    }
    Ok(CrlPeriod { this_update, next_update, release })
}

/// How the periods of a series follow each other.
#[derive(Clone, Copy)]
struct Steps {
    every_days: u16,
    count: u16,
    overlap_days: u16,
}

fn series(first: UnixTime, steps: Steps, releases: Option<Vec<UnixTime>>) -> Result<Vec<CrlPeriod>, Problem> {
    let Steps { every_days, count, overlap_days } = steps;
    if every_days == 0 {
        return Err(Problem::value("every_days", "at least 1"));
    }
    if !(1..=MOST_IN_SERIES).contains(&count) {
        return Err(Problem::value("count", format!("1 to {MOST_IN_SERIES}")));
    }
    let releases = match releases {
        Some(times) if times.len() == usize::from(count) => times.into_iter().map(Some).collect(),
        Some(_) => return Err(Problem::value("releases", "one for each CRL of the series")),
        None => vec![None; count.into()],
    };
    let (every, overlap) = (i64::from(every_days) * DAY, i64::from(overlap_days) * DAY);
    (0..)
        .zip(releases)
        .map(|(number, release): (i64, _)| {
            let this_update = first.plus_seconds(number * every);
            period(this_update, this_update.plus_seconds(every + overlap), release)
        })
        .collect()
}

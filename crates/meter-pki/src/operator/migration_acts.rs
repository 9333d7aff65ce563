//! Taking over what another program issued under an authority's key: certificates with their revocations, and the number of its
//! last CRL.
//!
//! Nothing is signed and nothing is issued here. What is taken over verifies under the authority's key, or is told as a fault; what
//! profiles would say of it is told and changes nothing.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::{Act, AuditEvent};
use ca_core::certificate::to_be_signed;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::issuer::SignedBy;
use ca_core::lint::{Finding, LintInput, Linter};
use ca_core::record::{
    CertificateId, CertificateStatus, CrlNumberTaken, Revocation, TakeOverConflict, TakeOverOutcome,
    TakenOverCertificate,
};
use ca_core::taking_over::{self, TakeOverError};
use ca_core::validity::UnixTime;
use sha2::{Digest as _, Sha256};

use super::acts::{event, named, reason, refused, time, unavailable};
use super::routes::Peer;
use super::wire::migration::{
    LastCrlText, LastCrlView, ProfileFitView, RevokedBeforeText, RuleCountView, TakeOverFaultView,
    TakeOverText, TakeOverView, TakenOverText,
};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};

/// How many certificates one part has at most.
pub(crate) const MOST_IN_A_PART: usize = 250;

/// The highest CRL number that is taken over: there are as many again for those to come.
const HIGHEST_NUMBER: u64 = 1 << 62;

/// How many serial numbers are told.
const TOLD: usize = 1_000;

/// The longest name of a program, in characters.
const MAX_SOURCE: usize = 64;

/// Takes over certificates, or says what would become of them.
pub(super) fn take_over(system: &System, peer: &Peer, text: &TakeOverText) -> Result<TakeOverView, Failure> {
    let served = named(system, &text.issuer)?;
    let tenant = served.authority.issuer().tenant();
    peer.check(tenant)?;
    let refuse = |failure| refused(system, (tenant, peer), failure, Vec::new());
    check_source(&text.source).map_err(refuse)?;
    if text.certificates.len() > MOST_IN_A_PART {
        let message = format!("{} certificates are more than {MOST_IN_A_PART}", text.certificates.len());
        return Err(refuse(Failure::new(Exit::Usage, "migration.part", message)));
    }
    if hex::decode(&text.digest).ok().is_none_or(|digest| digest.len() != 32) {
        let message = format!("{} is no SHA-256: 64 hexadecimal digits", text.digest);
        return Err(refuse(Failure::new(Exit::Usage, "migration.digest", message)));
    }
    let (mut found, mut places) = (Found::new(system.clock.now()), Vec::new());
    let mut sound = Vec::new();
    for one in &text.certificates {
        let detail = format!("from {}, list {}, {}", text.source, text.digest, one.place);
        let event = event(system, tenant, peer, Act::CertificateTakenOver, detail)?;
        match read(served, one, event) {
            Ok(certificate) => {
                found.look_at(served, &certificate);
                places.push(one.place.clone());
                sound.push(certificate);
            }
            Err(fault) => found.view.faults.push(fault.at(&one.place)),
        }
    }
    let outcomes = if text.apply {
        system.taking_over.take_over(sound).map_err(unavailable)?
    } else {
        let would = sound.iter().map(|one| system.taking_over.would_take_over(one));
        would.collect::<Result<_, _>>().map_err(unavailable)?
    };
    places.iter().zip(outcomes).for_each(|(place, outcome)| found.count(place, outcome));
    Ok(found.view())
}

/// Takes the number of the last CRL, and compares the CRL with the record.
pub(super) fn last_crl(system: &System, peer: &Peer, text: &LastCrlText) -> Result<LastCrlView, Failure> {
    let served = named(system, &text.issuer)?;
    let (tenant, key) = (served.authority.issuer().tenant(), served.key());
    peer.check(tenant)?;
    let refuse = |failure| refused(system, (tenant, peer), failure, Vec::new());
    check_source(&text.source).map_err(refuse)?;
    let der = text.crl.as_ref().map(|crl| STANDARD.decode(crl)).transpose();
    let der = der.map_err(|error| refuse(Failure::new(Exit::Usage, "migration.crl", error)))?;
    let crl = der.as_deref().map(|der| read_crl(served, der)).transpose().map_err(refuse)?;
    let number = crl.as_ref().and_then(|crl| crl.tbs().number().ok()).max(text.number);
    if let Some(number) = number.filter(|number| *number > HIGHEST_NUMBER) {
        let message =
            format!("no CRL number as high as {number} is taken over, since CRLs to come need higher ones");
        let failure = Failure::new(Exit::Refused, "migration.crl-number", message);
        return Err(refuse(
            failure.then("find out who gave it; a CRL of the old program says it: openssl crl -text"),
        ));
    }
    let before = system.taking_over.last_crl_number(&key).map_err(unavailable)?;
    if let Some(number) = number.filter(|_| text.apply) {
        let detail = format!("CRL {number}, the last one of {}", text.source);
        let event = AuditEvent {
            issuer: Some(key),
            digest: der.as_deref().map(|der| Sha256::digest(der).to_vec()).unwrap_or_default(),
            ..event(system, tenant, peer, Act::CrlNumbersTakenOver, detail)?
        };
        match system.taking_over.take_crl_numbers(&key, number, event).map_err(unavailable)? {
            // A higher one that is taken already is as good.
            Ok(()) | Err(CrlNumberTaken { .. }) => {}
        }
    }
    let (missing, serials) = match &crl {
        Some(crl) => missing(system, served, crl)?,
        None => (0, Vec::new()),
    };
    if text.apply {
        served.notice_revocation();
    }
    let seconds = u64::try_from(system.clock.now().seconds()).unwrap_or_default();
    let next = before.max(number).map_or(1, |last| last.saturating_add(1)).max(seconds);
    Ok(LastCrlView { before, old: number, next, missing, serials })
}

fn check_source(source: &str) -> Result<(), Failure> {
    let characters = source.chars().count();
    if characters == 0 || characters > MAX_SOURCE || source.chars().any(char::is_control) {
        let message = format!("the name of a program has 1 to {MAX_SOURCE} printable characters");
        return Err(Failure::new(Exit::Usage, "migration.source", message));
    }
    Ok(())
}

fn read_crl(served: &ServedAuthority, der: &[u8]) -> Result<ParsedCrl, Failure> {
    let unusable = |message: String| Failure::new(Exit::Refused, "migration.crl", message);
    let crl = ParsedCrl::from_der(der).map_err(|error| unusable(error.to_string()))?;
    let issuer = served.authority.issuer();
    crl.verify(issuer.certificate().public_key()).map_err(|_| {
        unusable(format!("the key of {} did not sign the CRL with the hash of its curve", served.name))
            .then("give its number alone, with --crl-number")
    })?;
    if crl.tbs().is_delta() {
        return Err(unusable("it is a delta CRL".to_owned()).then("give the last complete one"));
    }
    crl.tbs().number().map_err(|error| unusable(error.to_string()))?;
    Ok(crl)
}

/// Counts the entries of a CRL that are not revoked on record.
fn missing(
    system: &System,
    served: &ServedAuthority,
    crl: &ParsedCrl,
) -> Result<(u64, Vec<String>), Failure> {
    let (mut count, mut serials) = (0_u64, Vec::new());
    for entry in crl.tbs().entries() {
        let entry = entry.map_err(|error| Failure::new(Exit::Refused, "migration.crl", error))?;
        let id = CertificateId { issuer: served.key(), serial: entry.serial };
        let status = system.status.status_of(&id).map_err(unavailable)?;
        if !matches!(status, CertificateStatus::Revoked(_)) {
            count = count.saturating_add(1);
            serials.extend((serials.len() < TOLD).then(|| id.serial.to_string()));
        }
    }
    Ok((count, serials))
}

/// What is wrong with a row.
struct Fault {
    code: String,
    message: String,
}

impl Fault {
    fn at(self, place: &str) -> TakeOverFaultView {
        TakeOverFaultView { place: place.to_owned(), code: self.code, message: self.message }
    }
}

impl From<TakeOverError> for Fault {
    fn from(error: TakeOverError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string() }
    }
}

impl From<TakeOverConflict> for Fault {
    fn from(conflict: TakeOverConflict) -> Self {
        Self { code: conflict.code().to_owned(), message: conflict.to_string() }
    }
}

fn read(
    served: &ServedAuthority,
    one: &TakenOverText,
    event: AuditEvent,
) -> Result<TakenOverCertificate, Fault> {
    let fault = |code: &str, message: String| Fault { code: code.to_owned(), message };
    let now = event.time;
    let der = STANDARD
        .decode(&one.certificate)
        .map_err(|error| fault("migration.unreadable", format!("it is not base64: {error}")))?;
    let revocation = one.revoked.as_ref().map(revocation).transpose();
    let revocation = revocation.map_err(|failure| fault("migration.revocation", failure.message))?;
    if let Some(revocation) = revocation.filter(|revocation| revocation.time > now) {
        let message = format!("it is said to be revoked at {}, and it is {now}", revocation.time);
        return Err(fault("migration.revocation", message));
    }
    Ok(taking_over::read(served.authority.issuer(), &der, revocation, event)?)
}

fn revocation(text: &RevokedBeforeText) -> Result<Revocation, Failure> {
    Ok(Revocation {
        time: time(&text.at)?,
        reason: reason(&text.reason)?,
        invalidity_date: text.invalidity_date.as_deref().map(time).transpose()?,
    })
}

/// What was found, as it is counted.
struct Found {
    now: UnixTime,
    linter: Linter,
    view: TakeOverView,
    profiles: BTreeMap<String, u64>,
    findings: BTreeMap<&'static str, u64>,
}

impl Found {
    fn new(now: UnixTime) -> Self {
        Self {
            now,
            linter: policies::lint::linter(),
            view: TakeOverView::default(),
            profiles: BTreeMap::new(),
            findings: BTreeMap::new(),
        }
    }

    /// Counts what the nearest profile says of it: the one of whose rules it breaks the fewest.
    fn look_at(&mut self, served: &ServedAuthority, certificate: &TakenOverCertificate) {
        if certificate.validity.not_after() < self.now {
            self.view.expired = self.view.expired.saturating_add(1);
        }
        let Ok(tbs) = to_be_signed(&certificate.certificate) else { return };
        let now = certificate.validity.not_before();
        let offers = served.profiles.iter().filter_map(|id| served.authority.offer(id));
        let said = offers.map(|offer| {
            let signed_by = SignedBy::Issuer(served.authority.issuer());
            let input = LintInput { tbs, profile: &offer.profile, signed_by, shard: None, now };
            (offer.profile.id(), self.linter.lint(&input))
        });
        let Some((profile, findings)) = said.min_by_key(|(_, findings)| findings.len()) else { return };
        if findings.is_empty() {
            one_more(self.profiles.entry(profile.to_string()));
        }
        let mut rules: Vec<&'static str> = findings.iter().map(|Finding { rule, .. }| *rule).collect();
        rules.dedup();
        rules.into_iter().for_each(|rule| one_more(self.findings.entry(rule)));
    }

    fn count(&mut self, place: &str, outcome: Result<TakeOverOutcome, TakeOverConflict>) {
        let count = match outcome {
            Ok(TakeOverOutcome::Recorded) => &mut self.view.recorded,
            Ok(TakeOverOutcome::Revoked) => &mut self.view.revoked,
            Ok(TakeOverOutcome::Unchanged) => &mut self.view.unchanged,
            Err(conflict) => return self.view.faults.push(Fault::from(conflict).at(place)),
        };
        *count = count.saturating_add(1);
    }

    fn view(self) -> TakeOverView {
        let profiles =
            self.profiles.into_iter().map(|(profile, count)| ProfileFitView { profile, count }).collect();
        let counted = |(rule, count): (&str, u64)| RuleCountView { rule: rule.to_owned(), count };
        TakeOverView { profiles, findings: self.findings.into_iter().map(counted).collect(), ..self.view }
    }
}

fn one_more<K: Ord>(entry: std::collections::btree_map::Entry<'_, K, u64>) {
    let count = entry.or_default();
    *count = count.saturating_add(1);
}

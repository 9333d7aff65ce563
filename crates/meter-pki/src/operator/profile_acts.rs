//! What operators can be shown of profiles: those in force, samples of them, and in what they differ. Nothing is changed: profiles
//! are files, and a server reads them once, when it starts.

use ca_core::profile::ProfileId;
use ca_core::record::ProfileKind;
use policies::described::{Field, differences};
use policies::{ProfileFile, ProfileSet};
use sha2::{Digest, Sha256};

use super::acts::{rows, unavailable};
use super::profile_version_acts::{compare, difference_view};
use super::routes::Peer;
use super::views::pem;
use super::wire::profiles::{
    LintRuleView, ProfileDetailView, ProfileDifferenceQueryText, ProfileDifferencesView, ProfileFieldView,
    ProfilePage, ProfileQueryText, ProfileSampleView, ProfileView,
};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};
use crate::profile_sample::sample;
use crate::profiles_in_force::{self, in_force_of, reuses_version, statement};

pub(super) fn list(system: &System, peer: &Peer, text: &ProfileQueryText) -> Result<ProfilePage, Failure> {
    let limit = rows(text.limit);
    let kinds = ProfileKind::ALL.map(ProfileKind::name);
    if let Some(kind) = text.kind.as_deref().filter(|kind| !kinds.contains(kind)) {
        let message = format!("{kind} is not a kind of profiles");
        return Err(Failure::new(Exit::Usage, "profile.kind", message)
            .then(format!("use one of {}", kinds.join(", "))));
    }
    let set = &*system.profiles;
    let mut ids: Vec<_> = set.ids().chain(set.crl_ids()).chain(set.ocsp_ids()).collect();
    ids.sort_unstable();
    let after = text.after.as_deref().unwrap_or_default();
    let is_wanted = |view: &ProfileView| text.kind.as_ref().is_none_or(|kind| view.kind == *kind);
    let mut views = ids
        .into_iter()
        .filter(|id| id.as_str() > after)
        .filter_map(|id| view(system, peer, id).transpose())
        .filter(|view| view.as_ref().map_or(true, is_wanted));
    let profiles: Vec<ProfileView> = views.by_ref().take(limit).collect::<Result<_, _>>()?;
    let next = views.next().and_then(|_| profiles.last().map(|last| last.id.clone()));
    Ok(ProfilePage { profiles, next })
}

pub(super) fn show(system: &System, peer: &Peer, id: &str) -> Result<ProfileDetailView, Failure> {
    let parsed = ProfileId::parse(id).map_err(|_| unknown(id))?;
    let profile = view(system, peer, &parsed)?.ok_or_else(|| unknown(id))?;
    let text = system.profiles.file(id).map(ProfileFile::text).unwrap_or_default().to_owned();
    let fields = system.profiles.described(id).unwrap_or_default();
    let fields =
        fields.into_iter().map(|Field { key, value }| ProfileFieldView { key: key.into_owned(), value });
    Ok(ProfileDetailView { profile, text, fields: fields.collect() })
}

/// Makes a sample, which takes keys and signatures of its own and none of the deployment's.
pub(super) fn sample_of(system: &System, id: &str) -> Result<ProfileSampleView, Failure> {
    if system.profiles.certificate(id).is_none() {
        return Err(match system.profiles.described(id) {
            Some(_) => {
                let message = format!("{id} is no profile of certificates, so there is no sample of it");
                Failure::new(Exit::Refused, "profile.no-sample", message)
                    .then("meter-pki profile list --kind certificate")
            }
            None => unknown(id),
        });
    }
    let made = sample(&system.profiles, id, (system.clock.now(), &*system.entropy))
        .map_err(|error| Failure::new(Exit::Refused, "profile.no-sample", error))?;
    let written = |der: &[u8]| pem(der).unwrap_or_default();
    let rules: Vec<LintRuleView> = made
        .verdicts
        .into_iter()
        .map(|verdict| LintRuleView {
            rule: verdict.rule.id.to_owned(),
            citation: verdict.rule.citation.to_owned(),
            finding: verdict.said.err(),
        })
        .collect();
    Ok(ProfileSampleView {
        profile: id.to_owned(),
        subject: made.certificate.subject().to_string(),
        serial: made.certificate.serial().to_string(),
        octets: made.certificate.der().len(),
        pem: written(made.certificate.der()),
        path: made.above.iter().map(|one| written(one.der())).collect(),
        found: rules.iter().filter(|rule| rule.finding.is_some()).count(),
        rules,
    })
}

/// Compares two that are in force, one with the built-in one of its name, or two versions of one.
pub(super) fn differ(
    system: &System,
    text: &ProfileDifferenceQueryText,
) -> Result<ProfileDifferencesView, Failure> {
    let view = ProfileDifferencesView {
        one: text.one.clone(),
        other: text.other.as_ref().unwrap_or(&text.one).clone(),
        one_number: text.from,
        other_number: text.to,
        other_is_built_in: text.other.is_none() && text.from.is_none(),
        differences: Vec::new(),
    };
    let set = &*system.profiles;
    let said = |id: &str| set.described(id).ok_or_else(|| unknown(id));
    let differences = match (&text.other, text.from, text.to) {
        (None, Some(from), to) => compare(system, &text.one, (from, to))?,
        (other, None, None) => {
            let one = said(&text.one)?;
            let other = other.as_ref().map_or_else(|| built_in(set, &text.one), |other| said(other))?;
            differences(&one, &other).into_iter().map(difference_view).collect()
        }
        (Some(_), Some(_), _) | (_, None, Some(_)) => {
            let message = "versions are compared of one profile, from a number on";
            return Err(Failure::new(Exit::Usage, "profile.two-questions", message)
                .then("give `from`, with or without `to`, and no other profile; or none of both"));
        }
    };
    Ok(ProfileDifferencesView { differences, ..view })
}

/// What the built-in profile of this name says, under the deployment's variant and policy arc.
fn built_in(set: &ProfileSet, id: &str) -> Result<Vec<Field>, Failure> {
    let embedded = ProfileSet::load_embedded(set.settings())
        .map_err(|error| Failure::new(Exit::Failed, "profile.built-in", error))?;
    embedded.described(id).ok_or_else(|| {
        let message = format!("no profile that is built in is called {id}");
        Failure::new(Exit::NotFound, "profile.not-built-in", message)
            .then("name another profile to compare with")
    })
}

/// A profile as it is listed, with those of its authorities that whoever asks may see.
fn view(system: &System, peer: &Peer, id: &ProfileId) -> Result<Option<ProfileView>, Failure> {
    let set = &*system.profiles;
    let Some(says) = statement(set, id.as_str()) else { return Ok(None) };
    let versions = profiles_in_force::of(system, id).map_err(unavailable)?;
    let known = in_force_of(&versions, &says);
    let certificate = set.certificate(id.as_str());
    let issues = |served: &&ServedAuthority| {
        let his = peer.check(served.authority.issuer().tenant()).is_ok();
        his && served.profiles.contains(id)
    };
    Ok(Some(ProfileView {
        id: id.to_string(),
        kind: says.kind.name().to_owned(),
        version: says.version,
        number: known.map(|one| one.number),
        since: known.map(|one| one.since.to_string()),
        version_reused: reuses_version(&versions),
        suite: certificate.map(|one| one.parts().suite.number()),
        purpose: certificate.map(|one| one.purpose().name().to_owned()),
        hierarchy: certificate.map(|one| one.parts().hierarchy.name().to_owned()),
        authorities: system.authorities.iter().filter(issues).map(|served| served.name.clone()).collect(),
        built_in: says.built_in,
        sha256: hex::encode(Sha256::digest(&says.text)),
        file: says.file,
    }))
}

pub(super) fn unknown(id: &str) -> Failure {
    Failure::new(Exit::NotFound, "profile.unknown", format!("there is no profile {id}"))
        .then("meter-pki profile list")
}

//! What operators can be shown of profiles: those in force, samples of them, and in what they differ. Nothing is changed: profiles
//! are files, and a server reads them once, when it starts.

use policies::described::{self, Field, differences};
use policies::{Origin, ProfileFile, ProfileSet};
use sha2::{Digest, Sha256};

use super::acts::rows;
use super::routes::Peer;
use super::views::pem;
use super::wire::profiles::{
    LintRuleView, ProfileDetailView, ProfileDifferenceQueryText, ProfileDifferenceView,
    ProfileDifferencesView, ProfileFieldView, ProfilePage, ProfileQueryText, ProfileSampleView, ProfileView,
};
use crate::compose::{ServedAuthority, System};
use crate::exit::{Exit, Failure};
use crate::profile_sample::sample;

/// The kinds of profiles, as the words say them.
const KINDS: [&str; 3] = ["certificate", "crl", "ocsp"];

pub(super) fn list(system: &System, peer: &Peer, text: &ProfileQueryText) -> Result<ProfilePage, Failure> {
    let limit = rows(text.limit);
    if let Some(kind) = text.kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        let message = format!("{kind} is not a kind of profiles");
        return Err(Failure::new(Exit::Usage, "profile.kind", message)
            .then(format!("use one of {}", KINDS.join(", "))));
    }
    let set = &*system.profiles;
    let mut ids: Vec<_> = set.ids().chain(set.crl_ids()).chain(set.ocsp_ids()).collect();
    ids.sort_unstable();
    let after = text.after.as_deref().unwrap_or_default();
    let wanted = |view: &ProfileView| text.kind.as_ref().is_none_or(|kind| view.kind == *kind);
    let mut views = ids
        .into_iter()
        .filter(|id| id.as_str() > after)
        .filter_map(|id| view(system, peer, id.as_str()))
        .filter(wanted);
    let profiles: Vec<ProfileView> = views.by_ref().take(limit).collect();
    let next = views.next().and_then(|_| profiles.last().map(|last| last.id.clone()));
    Ok(ProfilePage { profiles, next })
}

pub(super) fn show(system: &System, peer: &Peer, id: &str) -> Result<ProfileDetailView, Failure> {
    let profile = view(system, peer, id).ok_or_else(|| unknown(id))?;
    let text = system.profiles.file(id).map(ProfileFile::text).unwrap_or_default().to_owned();
    let fields = fields(&system.profiles, id).unwrap_or_default();
    let fields =
        fields.into_iter().map(|Field { key, value }| ProfileFieldView { key: key.to_owned(), value });
    Ok(ProfileDetailView { profile, text, fields: fields.collect() })
}

/// Makes a sample, which takes keys and signatures of its own and none of the deployment's.
pub(super) fn sample_of(system: &System, id: &str) -> Result<ProfileSampleView, Failure> {
    if system.profiles.certificate(id).is_none() {
        return Err(match fields(&system.profiles, id) {
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

/// Compares two that are in force, or one with the built-in one of its name.
pub(super) fn differ(
    system: &System,
    text: &ProfileDifferenceQueryText,
) -> Result<ProfileDifferencesView, Failure> {
    let set = &*system.profiles;
    let one = fields(set, &text.one).ok_or_else(|| unknown(&text.one))?;
    let (name, other) = match &text.other {
        Some(name) => (name, fields(set, name).ok_or_else(|| unknown(name))?),
        None => (&text.one, built_in(set, &text.one)?),
    };
    let differences = differences(&one, &other).into_iter().map(|difference| ProfileDifferenceView {
        key: difference.key.to_owned(),
        one: difference.one,
        other: difference.other,
    });
    Ok(ProfileDifferencesView {
        one: text.one.clone(),
        other: name.clone(),
        other_is_built_in: text.other.is_none(),
        differences: differences.collect(),
    })
}

/// What the built-in profile of this name says, under the deployment's variant and policy arc.
fn built_in(set: &ProfileSet, id: &str) -> Result<Vec<Field>, Failure> {
    let embedded = ProfileSet::load_embedded(set.settings())
        .map_err(|error| Failure::new(Exit::Failed, "profile.built-in", error))?;
    fields(&embedded, id).ok_or_else(|| {
        let message = format!("no profile that is built in is called {id}");
        Failure::new(Exit::NotFound, "profile.not-built-in", message)
            .then("name another profile to compare with")
    })
}

fn fields(set: &ProfileSet, id: &str) -> Option<Vec<Field>> {
    let certificate = set.certificate(id).map(|one| described::certificate(one, set.issuers(id)));
    let crl = || set.crl(id).map(described::crl);
    certificate.or_else(crl).or_else(|| set.ocsp(id).map(described::ocsp))
}

/// A profile as it is listed, with those of its authorities that whoever asks may see.
fn view(system: &System, peer: &Peer, id: &str) -> Option<ProfileView> {
    let set = &*system.profiles;
    let file = set.file(id)?;
    let certificate = set.certificate(id);
    let [of_certificates, of_crls, of_ocsp] = KINDS;
    let kind = match certificate {
        Some(_) => of_certificates,
        None if set.crl(id).is_some() => of_crls,
        None => of_ocsp,
    };
    let issues = |served: &&ServedAuthority| {
        let his = peer.check(served.authority.issuer().tenant()).is_ok();
        his && served.profiles.iter().any(|profile| profile.as_str() == id)
    };
    Some(ProfileView {
        id: id.to_owned(),
        kind: kind.to_owned(),
        version: certificate.map(|one| one.parts().version),
        suite: certificate.map(|one| one.parts().suite.number()),
        purpose: certificate.map(|one| one.purpose().name().to_owned()),
        hierarchy: certificate.map(|one| one.parts().hierarchy.name().to_owned()),
        authorities: system.authorities.iter().filter(issues).map(|served| served.name.clone()).collect(),
        built_in: file.origin() == Origin::BuiltIn,
        file: file.name().to_owned(),
        sha256: hex::encode(Sha256::digest(file.text())),
    })
}

fn unknown(id: &str) -> Failure {
    Failure::new(Exit::NotFound, "profile.unknown", format!("there is no profile {id}"))
        .then("meter-pki profile list")
}

//! What the profiles say with which a server serves: put on record when it starts, and found again on record.
//!
//! Nothing is refused for it. Profiles are read from files before, and certificates are issued by what was read; a record that cannot
//! be written now is written at the next start.

use ca_core::actor::{Actor, Identity};
use ca_core::ports::Unavailable;
use ca_core::profile::ProfileId;
use ca_core::record::{ProfileKind, ProfileStatement, ProfileVersion, ProfilesInForce};
use policies::{Origin, ProfileSet};

use crate::compose::System;

/// Says what a profile of any kind says; none where there is no such profile.
pub(crate) fn statement(set: &ProfileSet, id: &str) -> Option<ProfileStatement> {
    let (file, fields) = (set.file(id)?, set.described(id)?);
    let certificate = set.certificate(id);
    let kind = match certificate {
        Some(_) => ProfileKind::Certificate,
        None if set.crl(id).is_some() => ProfileKind::Crl,
        None => ProfileKind::Ocsp,
    };
    Some(ProfileStatement {
        kind,
        version: certificate.map(|one| one.parts().version),
        file: file.name().to_owned(),
        built_in: file.origin() == Origin::BuiltIn,
        text: file.text().to_owned(),
        fields: fields.into_iter().map(|field| (field.key.into_owned(), field.value)).collect(),
    })
}

/// Puts on record what is new of the profiles in force, and says in the log where a file was changed and its `version` was not.
pub(crate) fn record(system: &System) {
    let new = match system.profile_versions.record_profiles(in_force(system)) {
        Ok(new) => new,
        Err(error) => {
            tracing::warn!(why = %error.cause, "what the profiles say is not on record: the next start tries again");
            return;
        }
    };
    let changed: Vec<&ProfileVersion> = new.iter().filter(|one| one.number > 1).collect();
    if changed.len() < new.len() {
        tracing::info!(count = new.len() - changed.len(), "profiles are in force for the first time");
    }
    for one in changed {
        let (profile, number) = (one.profile.as_str(), one.number);
        match of(system, &one.profile) {
            Ok(versions) if reuses_version(&versions) => tracing::warn!(
                profile,
                number,
                code = "profile.version-unchanged",
                "a profile says something else than before under the same version: raise `version` in {}",
                one.says.file
            ),
            Ok(_) | Err(_) => tracing::info!(profile, number, "a profile says something else than before"),
        }
    }
}

fn in_force(system: &System) -> ProfilesInForce {
    let set = &*system.profiles;
    let ids = set.ids().chain(set.crl_ids()).chain(set.ocsp_ids());
    let profiles = ids.filter_map(|id| Some((id.clone(), statement(set, id.as_str())?))).collect();
    let identity = Identity::Process { name: "serve" };
    let actor = Actor { tenant: system.tenant.clone(), identity }.to_string();
    ProfilesInForce { at: system.clock.now(), tenant: system.tenant.clone(), actor, profiles }
}

/// Returns every version of a profile on record.
pub(crate) fn of(system: &System, id: &ProfileId) -> Result<Vec<ProfileVersion>, Unavailable> {
    system.profile_versions.profile_versions(id)
}

/// Returns the version on record that says what is in force; none where that could not be put on record.
pub(crate) fn in_force_of<'v>(
    versions: &'v [ProfileVersion],
    says: &ProfileStatement,
) -> Option<&'v ProfileVersion> {
    versions.iter().rev().find(|one| !one.says.differs(says))
}

/// Tells whether the last of some versions comes to something else than the one before it, under the same `version` of the file.
pub(crate) fn reuses_version(versions: &[ProfileVersion]) -> bool {
    match versions {
        [.., before, last] => last.says.reuses_version_of(&before.says),
        [] | [_] => false,
    }
}

//! What profiles said before: their versions on record, and what was changed from one to the next.

use ca_core::profile::ProfileId;
use ca_core::record::{ProfileStatement, ProfileVersion};
use policies::described::{Difference, Field, differences};
use sha2::{Digest, Sha256};

use super::acts::{rows, unavailable};
use super::profile_acts::unknown;
use super::wire::profiles::{
    ProfileDifferenceView, ProfileFieldView, ProfileVersionDetailView, ProfileVersionPage,
    ProfileVersionQueryText, ProfileVersionView,
};
use crate::compose::System;
use crate::exit::{Exit, Failure};
use crate::profiles_in_force::{self, in_force_of, statement};

pub(super) fn list(
    system: &System,
    id: &str,
    text: &ProfileVersionQueryText,
) -> Result<ProfileVersionPage, Failure> {
    let known = Known::of(system, id)?;
    let limit = rows(text.limit);
    let mut views = known
        .versions
        .iter()
        .filter(|one| text.after.is_none_or(|after| one.number > after))
        .map(|one| known.view(one));
    let versions: Vec<ProfileVersionView> = views.by_ref().take(limit).collect();
    let next = views.next().and_then(|_| versions.last().map(|last| last.number));
    Ok(ProfileVersionPage { versions, next })
}

pub(super) fn show(system: &System, id: &str, number: &str) -> Result<ProfileVersionDetailView, Failure> {
    let known = Known::of(system, id)?;
    let read: Option<u32> = number.parse().ok().filter(|read: &u32| read.to_string() == number);
    let one = known.numbered(read.ok_or_else(|| {
        let message = format!("{number} is not the number of a version: they are counted from 1");
        Failure::new(Exit::Usage, "profile.version-number", message)
            .then(format!("meter-pki profile versions {id}"))
    })?)?;
    Ok(ProfileVersionDetailView {
        version: known.view(one),
        changes: known.changes(one).into_iter().map(difference_view).collect(),
        fields: fields(&one.says)
            .into_iter()
            .map(|Field { key, value }| ProfileFieldView { key: key.into_owned(), value })
            .collect(),
        text: one.says.text.clone(),
    })
}

/// Returns in what a version differs from another, or from what is in force.
pub(super) fn compare(
    system: &System,
    id: &str,
    (from, to): (u32, Option<u32>),
) -> Result<Vec<ProfileDifferenceView>, Failure> {
    let known = Known::of(system, id)?;
    let one = fields(&known.numbered(from)?.says);
    let other = match (to, &known.in_force) {
        (Some(number), _) => fields(&known.numbered(number)?.says),
        (None, Some(says)) => fields(says),
        (None, None) => {
            let message = format!("{id} is not in force, so there is nothing to compare its versions with");
            return Err(Failure::new(Exit::NotFound, "profile.unknown", message)
                .then("say with --to which of its versions is meant"));
        }
    };
    Ok(differences(&one, &other).into_iter().map(difference_view).collect())
}

/// What is known of one profile.
struct Known {
    id: ProfileId,
    /// None where it is not in force any more.
    in_force: Option<ProfileStatement>,
    versions: Vec<ProfileVersion>,
}

impl Known {
    fn of(system: &System, id: &str) -> Result<Self, Failure> {
        let parsed = ProfileId::parse(id).map_err(|_| unknown(id))?;
        let in_force = statement(&system.profiles, id);
        let versions = profiles_in_force::of(system, &parsed).map_err(unavailable)?;
        if in_force.is_none() && versions.is_empty() {
            return Err(unknown(id));
        }
        Ok(Self { id: parsed, in_force, versions })
    }

    fn numbered(&self, number: u32) -> Result<&ProfileVersion, Failure> {
        self.versions.iter().find(|one| one.number == number).ok_or_else(|| {
            let message = match self.versions.len() {
                0 => format!("no version of {} is on record", self.id),
                count => format!("{} has versions 1 to {count} on record, and no {number}", self.id),
            };
            Failure::new(Exit::NotFound, "profile.no-version", message)
                .then(format!("meter-pki profile versions {}", self.id))
        })
    }

    /// In what a version differs from the one before it.
    fn changes(&self, one: &ProfileVersion) -> Vec<Difference> {
        let before = self.versions.iter().rfind(|before| before.number < one.number);
        before.map(|before| differences(&fields(&before.says), &fields(&one.says))).unwrap_or_default()
    }

    fn view(&self, one: &ProfileVersion) -> ProfileVersionView {
        let in_force = self.in_force.as_ref().and_then(|says| in_force_of(&self.versions, says));
        ProfileVersionView {
            id: self.id.to_string(),
            number: one.number,
            since: one.since.to_string(),
            in_force: in_force.is_some_and(|known| known.number == one.number),
            version: one.says.version,
            changed: self.changes(one).into_iter().map(|difference| difference.key).collect(),
            built_in: one.says.built_in,
            file: one.says.file.clone(),
            sha256: hex::encode(Sha256::digest(&one.says.text)),
            record: one.record,
        }
    }
}

fn fields(says: &ProfileStatement) -> Vec<Field> {
    let field = |(key, value): &(String, String)| Field { key: key.clone().into(), value: value.clone() };
    says.fields.iter().map(field).collect()
}

pub(super) fn difference_view(difference: Difference) -> ProfileDifferenceView {
    ProfileDifferenceView { key: difference.key, one: difference.one, other: difference.other }
}

//! What profiles said while they were in force. Which of two is a new version is ca-core's.

use ca_core::profile::ProfileId;
use ca_core::record::{ProfileStatement, ProfileVersion, ProfilesInForce};

use super::parts;
use crate::keyspace::Keyspace;
use crate::keyspace::profiles::{version_part_key, versions_prefix};
use crate::row::{ProfileVersionRow, Row};
use crate::transaction::{ActFault, ReadFault, Rows, Transaction};

/// Records the versions that are new with one audit record.
pub(crate) fn enter(
    tx: &mut Transaction<'_>,
    in_force: &ProfilesInForce,
) -> Result<Vec<ProfileVersion>, ActFault> {
    let mut new: Vec<(&ProfileId, u32, &ProfileStatement)> = Vec::new();
    for (profile, says) in &in_force.profiles {
        let rows = tx.rows_under(Keyspace::Meta, &versions_prefix(profile))?;
        let last = rows.last().map(|(_, row)| read(tx, row)).transpose()?;
        let number = last.as_ref().map_or(0, |last| last.number);
        if last.is_none_or(|last| says.differs(&last.says)) {
            new.push((profile, number.saturating_add(1), says));
        }
    }
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let record = tx.seal(in_force.event(&new))?;
    let version = |(profile, number, says): (&ProfileId, u32, &ProfileStatement)| ProfileVersion {
        profile: profile.clone(),
        number,
        since: in_force.at,
        record,
        says: says.clone(),
    };
    let versions: Vec<ProfileVersion> = new.into_iter().map(version).collect();
    versions.iter().try_for_each(|version| write(tx, version.clone()))?;
    Ok(versions)
}

fn write(tx: &mut Transaction<'_>, version: ProfileVersion) -> Result<(), ActFault> {
    let (row, long) = ProfileVersionRow::divide(version)?;
    let key = row.key_of();
    parts::put(tx, Keyspace::Meta, |part| version_part_key(&key.0, key.1, part), &long)?;
    tx.put(&key, &row)
}

/// Reads a version out of its row and the parts beside it.
pub(crate) fn read(rows: &(impl Rows + ?Sized), row: &[u8]) -> Result<ProfileVersion, ReadFault> {
    let row = ProfileVersionRow::decode(row)?;
    let (profile, number) = row.key_of();
    let part = |part| version_part_key(&profile, number, part);
    let long = parts::read(rows, Keyspace::Meta, part, row.octets)?;
    Ok(row.join(&long)?)
}

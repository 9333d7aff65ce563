//! The rows of what profiles said. What is long of it stands in parts beside them.

use ca_core::profile::ProfileId;
use ca_core::record::{ProfileKind, ProfileStatement, ProfileVersion};
use der::{Decode, Encode, Enumerated, Sequence};

use super::{Row, RowFault, profile, time};
use crate::keyspace::Keyspace;
use crate::keyspace::profiles::version_key;

/// ```text
/// ProfileVersionRow ::= SEQUENCE {
///     profile  UTF8String,               -- its key names its digest
///     number   INTEGER,
///     kind     ENUMERATED { certificate(0), crl(1), ocsp(2) },
///     since    Time,
///     record   INTEGER,                  -- the number of the audit record
///     file     UTF8String,
///     builtIn  BOOLEAN,
///     octets   INTEGER,                  -- how long its ProfileOctets are
///     version  [0] INTEGER OPTIONAL }
/// ProfileOctets ::= SEQUENCE {
///     text     UTF8String,
///     fields   SEQUENCE OF SEQUENCE { key UTF8String, value UTF8String } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProfileVersionRow {
    /// Without text and fields.
    version: ProfileVersion,
    pub(crate) octets: u32,
}

impl ProfileVersionRow {
    /// Divides a version into its row and what stands in parts.
    pub(crate) fn divide(mut version: ProfileVersion) -> Result<(Self, Vec<u8>), RowFault> {
        let field = |(key, value)| WireField { key, value };
        let long = WireOctets {
            text: core::mem::take(&mut version.says.text),
            fields: core::mem::take(&mut version.says.fields).into_iter().map(field).collect(),
        };
        let keyspace = Self::KEYSPACE.name();
        let long = long.to_der().map_err(|cause| RowFault::Encode { keyspace, cause })?;
        let octets = u32::try_from(long.len()).map_err(|_| RowFault::Value { keyspace })?;
        Ok((Self { version, octets }, long))
    }

    /// Returns which version it is.
    pub(crate) fn key_of(&self) -> (ProfileId, u32) {
        (self.version.profile.clone(), self.version.number)
    }

    /// Joins a row and what stands in parts.
    pub(crate) fn join(self, long: &[u8]) -> Result<ProfileVersion, RowFault> {
        let keyspace = Self::KEYSPACE.name();
        let long = WireOctets::from_der(long).map_err(|cause| RowFault::Decode { keyspace, cause })?;
        let fields = long.fields.into_iter().map(|field| (field.key, field.value)).collect();
        let version = self.version;
        Ok(ProfileVersion { says: ProfileStatement { text: long.text, fields, ..version.says }, ..version })
    }
}

#[derive(Sequence)]
struct WireOctets {
    text: String,
    fields: Vec<WireField>,
}

#[derive(Sequence)]
struct WireField {
    key: String,
    value: String,
}

#[derive(Sequence)]
pub(crate) struct WireVersion {
    profile: String,
    number: u32,
    kind: WireKind,
    since: i64,
    record: u64,
    file: String,
    built_in: bool,
    octets: u32,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireKind {
    Certificate = 0,
    Crl = 1,
    Ocsp = 2,
}

impl From<ProfileKind> for WireKind {
    fn from(kind: ProfileKind) -> Self {
        match kind {
            ProfileKind::Certificate => Self::Certificate,
            ProfileKind::Crl => Self::Crl,
            ProfileKind::Ocsp => Self::Ocsp,
        }
    }
}

impl From<WireKind> for ProfileKind {
    fn from(kind: WireKind) -> Self {
        match kind {
            WireKind::Certificate => Self::Certificate,
            WireKind::Crl => Self::Crl,
            WireKind::Ocsp => Self::Ocsp,
        }
    }
}

impl Row for ProfileVersionRow {
    /// The profile, and the number of the version.
    type Key = (ProfileId, u32);
    type Wire = WireVersion;
    const KEYSPACE: Keyspace = Keyspace::Meta;

    fn key((profile, number): &Self::Key) -> Vec<u8> {
        version_key(profile, *number)
    }

    fn to_wire(&self) -> der::Result<WireVersion> {
        let ProfileVersion { profile, number, since, record, says } = &self.version;
        Ok(WireVersion {
            profile: profile.to_string(),
            number: *number,
            kind: says.kind.into(),
            since: since.seconds(),
            record: *record,
            file: says.file.clone(),
            built_in: says.built_in,
            octets: self.octets,
            version: says.version,
        })
    }

    fn from_wire(wire: WireVersion) -> Option<Self> {
        let says = ProfileStatement {
            kind: wire.kind.into(),
            version: wire.version,
            file: wire.file,
            built_in: wire.built_in,
            text: String::new(),
            fields: Vec::new(),
        };
        let version = ProfileVersion {
            profile: profile(&wire.profile)?,
            number: Some(wire.number).filter(|number| *number > 0)?,
            since: time(wire.since),
            record: wire.record,
            says,
        };
        Some(Self { version, octets: wire.octets })
    }
}

#[cfg(test)]
mod tests {
    use ca_core::validity::UnixTime;

    use super::*;

    #[test]
    fn a_version_is_divided_written_read_and_joined() {
        for (kind, version) in ProfileKind::ALL.into_iter().zip([Some(3), None, None]) {
            let says = ProfileStatement {
                kind,
                version,
                file: "meter.toml".to_owned(),
                built_in: kind == ProfileKind::Crl,
                text: "validity = \"10y\"\n".repeat(1_000),
                fields: vec![("validity".to_owned(), "10 years".to_owned())],
            };
            let known = ProfileVersion {
                profile: profile("meter-op-ds-s1").unwrap(),
                number: 2,
                since: UnixTime::from_seconds(9),
                record: 4,
                says,
            };
            let (row, long) = ProfileVersionRow::divide(known.clone()).unwrap();
            let read = ProfileVersionRow::decode(&row.encode().unwrap()).unwrap();
            assert_eq!((read.octets, read.key_of()), (u32::try_from(long.len()).unwrap(), row.key_of()));
            assert_eq!(read.join(&long).unwrap(), known);
        }
    }
}

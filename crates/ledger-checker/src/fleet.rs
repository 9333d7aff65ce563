//! The rows of devices, by definitions of our own: what invariant I18 is about.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::{AnyRef, OctetStringRef, Utf8StringRef};
use der::{Decode, Sequence};

use crate::engines::{Rows, keyspace_name as name};
use crate::rows::{Id, WireId};
use crate::unreadable::Unreadable;

/// Suspended, as rows number it.
pub(crate) const SUSPENDED: u8 = 5;

/// Returns the word that stands in keys for a state.
pub(crate) const fn state_name(state: u8) -> &'static str {
    match state {
        0 => "expected",
        1 => "claimed",
        2 => "operational",
        3 => "manufactured",
        4 => "shipped",
        5 => "suspended",
        _ => "retired",
    }
}

#[derive(Sequence)]
struct WireDevice<'a> {
    tenant: Utf8StringRef<'a>,
    title: &'a OctetStringRef,
    state: AnyRef<'a>,
    model: Utf8StringRef<'a>,
    batch: Utf8StringRef<'a>,
    imported_at: i64,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    manufacturer: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    claimed_by: Option<AnyRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    factory_superseded_at: Option<AnyRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    region: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "4", tag_mode = "EXPLICIT", optional = "true")]
    concentrator: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "5", tag_mode = "EXPLICIT", optional = "true")]
    serial_number: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "6", tag_mode = "EXPLICIT", optional = "true")]
    firmware: Option<Utf8StringRef<'a>>,
    #[asn1(context_specific = "7", tag_mode = "EXPLICIT", optional = "true")]
    suspended_from: Option<AnyRef<'a>>,
    #[asn1(context_specific = "8", tag_mode = "EXPLICIT", optional = "true")]
    shipped_to: Option<AnyRef<'a>>,
    #[asn1(context_specific = "9", tag_mode = "EXPLICIT", optional = "true")]
    delivery: Option<&'a OctetStringRef>,
    #[asn1(context_specific = "10", tag_mode = "EXPLICIT", optional = "true")]
    delivered_keys: Option<AnyRef<'a>>,
}

#[derive(Sequence)]
struct WireCount<'a> {
    text: AnyRef<'a>,
    states: Vec<u64>,
}

#[derive(Sequence)]
struct WireHistory<'a> {
    kind: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    owner: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    state: Option<AnyRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    delivery: Option<AnyRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    certificate: Option<WireId<'a>>,
}

#[derive(Sequence)]
struct WireCredential<'a> {
    key: AnyRef<'a>,
    purpose: AnyRef<'a>,
    issuer: AnyRef<'a>,
    serial: &'a OctetStringRef,
    not_before: AnyRef<'a>,
    not_after: AnyRef<'a>,
    certificate: AnyRef<'a>,
}

/// A device.
pub(crate) struct Device {
    pub(crate) tenant: String,
    pub(crate) state: u8,
    /// Its texts, by the number of the field in keys.
    pub(crate) fields: Vec<(u8, String)>,
    pub(crate) delivery: Option<Vec<u8>>,
}

/// The rows of devices by their keys.
#[derive(Default)]
pub(crate) struct Fleet {
    pub(crate) devices: BTreeMap<Vec<u8>, Device>,
    pub(crate) lists: BTreeSet<Vec<u8>>,
    pub(crate) index: BTreeSet<Vec<u8>>,
    pub(crate) counts: BTreeMap<Vec<u8>, Vec<u64>>,
    /// System title and audit record, and the certificate that the line is about.
    pub(crate) history: BTreeMap<(Vec<u8>, u64), Option<Id>>,
    /// System titles, and the serial number of a certificate that came with each.
    pub(crate) credentials: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Fleet {
    pub(crate) fn read(rows: &Rows) -> Result<Self, Unreadable> {
        let mut fleet = Self::default();
        for ((keyspace, key), value) in rows {
            fleet.take(*keyspace, key, value).ok_or_else(|| Unreadable::Row { keyspace: name(*keyspace) })?;
        }
        Ok(fleet)
    }

    fn take(&mut self, keyspace: u8, key: &[u8], value: &[u8]) -> Option<()> {
        match keyspace {
            17 => {
                self.devices.insert(key.to_vec(), device(value)?);
            }
            18 => {
                self.lists.insert(key.to_vec());
            }
            39 => {
                self.index.insert(key.to_vec());
            }
            40 => {
                self.counts.insert(key.to_vec(), wire::<WireCount<'_>>(value)?.states);
            }
            41 => {
                let (title, sequence) = key.split_first_chunk::<8>()?;
                let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
                let certificate = wire::<WireHistory<'_>>(value)?.certificate;
                let id = certificate.map(|id| id.id());
                self.history.insert((title.to_vec(), sequence), id);
            }
            42 => {
                let serial = wire::<WireCredential<'_>>(value)?.serial.as_bytes().to_vec();
                self.credentials.push((key.get(..8)?.to_vec(), serial));
            }
            _ => {}
        }
        Some(())
    }
}

fn device(value: &[u8]) -> Option<Device> {
    let row = wire::<WireDevice<'_>>(value)?;
    let text =
        |text: Option<Utf8StringRef<'_>>| text.map(|text| text.as_str().to_owned()).unwrap_or_default();
    Some(Device {
        tenant: row.tenant.as_str().to_owned(),
        state: *row.state.value().first()?,
        fields: vec![
            (2, text(row.manufacturer)),
            (3, text(Some(row.model))),
            (4, text(row.firmware)),
            (5, text(Some(row.batch))),
            (6, text(row.region)),
            (7, text(row.concentrator)),
            (8, text(row.serial_number)),
        ],
        delivery: row.delivery.map(|digest| digest.as_bytes().to_vec()),
    })
}

fn wire<'a, T: Decode<'a, Error = der::Error>>(value: &'a [u8]) -> Option<T> {
    match value.split_first() {
        Some((1, der)) => T::from_der(der).ok(),
        _ => None,
    }
}

//! The records that others kept: the signer's own ledger and the clients' notes. Lines of text that end with ` .`; a line
//! without that was torn when its writer was killed, and told nobody anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::rows::{DEVICE_SCRAPPED, DEVICES_RESUMED, DEVICES_RETIRED, DEVICES_SUSPENDED};

/// A signature that the signer made.
pub(crate) struct SignatureRecord {
    /// Which key.
    pub(crate) key: Vec<u8>,
    /// Whether issuance throws it away because an integer is short.
    pub(crate) is_short: bool,
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl SignatureRecord {
    /// Reads all, in the order in which they were made.
    pub(crate) fn all(text: &str) -> Option<Vec<Self>> {
        whole_lines(text)
            .map(|words| match words.as_slice() {
                [key, length, signed, signature] => Some(Self {
                    key: hex::decode(key).ok()?,
                    is_short: *length == "short",
                    signed: hex::decode(signed).ok()?,
                    signature: hex::decode(signature).ok()?,
                }),
                _ => None,
            })
            .collect()
    }
}

/// What clients asked for, were given and were told.
///
/// `asked WISH PROFILE FINGERPRINT`, `received WISH CERTIFICATE`, `revoked ISSUER SERIAL`, `confirmed ISSUER SERIAL`,
/// `delivered TITLE DIGEST`, and `suspended`, `resumed`, `retired` or `scrapped` and a TITLE; octets in hexadecimal.
#[derive(Default)]
pub(crate) struct Clients {
    /// Profile and key of every wish: each is for one certificate.
    pub(crate) asked: BTreeMap<String, (String, Vec<u8>)>,
    /// Certificates by wish, each time one came.
    pub(crate) received: Vec<(String, Vec<u8>)>,
    /// Issuing key and serial number of what was acknowledged as revoked.
    pub(crate) revoked: BTreeSet<Vec<u8>>,
    /// Issuing key and serial number of what was acknowledged as confirmed.
    pub(crate) confirmed: BTreeSet<Vec<u8>>,
    /// Devices, and the delivery by which each was described last.
    pub(crate) delivered: BTreeMap<Vec<u8>, Vec<u8>>,
    /// How often an act on a device, by its system title in 16 digits, was acknowledged.
    pub(crate) changed: BTreeMap<(u8, String), usize>,
}

impl Clients {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut clients = Self::default();
        for words in whole_lines(text) {
            match words.as_slice() {
                ["asked", wish, profile, key] => {
                    let wanted = ((*profile).to_owned(), hex::decode(key).ok()?);
                    clients.asked.insert((*wish).to_owned(), wanted);
                }
                ["received", wish, der] => {
                    clients.received.push(((*wish).to_owned(), hex::decode(der).ok()?));
                }
                ["revoked", issuer, serial] => {
                    clients.revoked.insert(hex::decode(format!("{issuer}{serial}")).ok()?);
                }
                ["confirmed", issuer, serial] => {
                    clients.confirmed.insert(hex::decode(format!("{issuer}{serial}")).ok()?);
                }
                ["delivered", title, digest] => {
                    clients.delivered.insert(hex::decode(title).ok()?, hex::decode(digest).ok()?);
                }
                [act, title] => {
                    *clients.changed.entry((act_named(act)?, (*title).to_owned())).or_default() += 1;
                }
                _ => return None,
            }
        }
        Some(clients)
    }
}

fn act_named(word: &str) -> Option<u8> {
    match word {
        "suspended" => Some(DEVICES_SUSPENDED),
        "resumed" => Some(DEVICES_RESUMED),
        "retired" => Some(DEVICES_RETIRED),
        "scrapped" => Some(DEVICE_SCRAPPED),
        _ => None,
    }
}

fn whole_lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter_map(|line| line.strip_suffix(" .")).map(|line| line.split(' ').collect())
}

//! The ceremony file as it is written: keys and their kinds. What the values mean is for [`read`](super::read) to say.

use serde::Deserialize;
use toml::Spanned;

use super::act::{FileName, RootKey};
use super::root::{ProfileChoice, RootName, RootSubject};
use crate::stated_time::StatedTime;
use crate::words::Fingerprint;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) format: Spanned<u8>,
    pub(super) title: Spanned<String>,
    pub(super) held: StatedTime,
    pub(super) previous: Option<Fingerprint>,
    pub(super) quorum: Option<Spanned<RawQuorum>>,
    #[serde(default)]
    pub(super) person: Vec<Spanned<RawPerson>>,
    #[serde(default)]
    pub(super) root: Vec<Spanned<RawRoot>>,
    #[serde(default)]
    pub(super) act: Vec<Spanned<RawAct>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawQuorum {
    pub(super) threshold: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPerson {
    pub(super) name: String,
    pub(super) role: String,
    /// SubjectPublicKeyInfo in PEM.
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoot {
    pub(super) name: RootName,
    pub(super) suite: u8,
    pub(super) tenant: String,
    pub(super) subject: RootSubject,
    /// Without its suite.
    pub(super) profile: String,
    pub(super) profiles: ProfileChoice,
    #[serde(default)]
    pub(super) publication: RawPublication,
    pub(super) keys: RawKeys,
    pub(super) certificate: Option<Fingerprint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPublication {
    pub(super) crl: Option<String>,
    pub(super) ca_issuers: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "store")]
pub(super) enum RawKeys {
    File,
    Shared,
    Token {
        module: String,
        label: Option<String>,
        serial: Option<String>,
        key_label: String,
        /// Known so that it can be refused in words.
        slot: Option<toml::Value>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub(super) enum RawAct {
    FoundRoot {
        root: String,
    },
    SignSubCa {
        root: String,
        request: FileName,
        sha256: Fingerprint,
        profile: String,
        renews: Option<String>,
        rekeys: Option<String>,
    },
    CrossCertificate {
        root: String,
        request: FileName,
        sha256: Fingerprint,
        profile: String,
    },
    LinkCertificates {
        old: String,
        new: String,
    },
    Crl {
        root: String,
        this_update: StatedTime,
        next_update: StatedTime,
        release: Option<StatedTime>,
    },
    CrlSeries {
        root: String,
        first: StatedTime,
        every_days: u16,
        count: u16,
        overlap_days: u16,
        /// One for each; thisUpdate where absent.
        releases: Option<Vec<StatedTime>>,
    },
    Revoke {
        root: String,
        serial: String,
        reason: String,
        invalidity_date: Option<StatedTime>,
    },
    CloseSubCa {
        root: String,
        serial: String,
        last_crl: FileName,
        last_crl_sha256: Fingerprint,
        destruction: Option<FileName>,
        destruction_sha256: Option<Fingerprint>,
    },
    DestroyKey {
        root: String,
        key: RootKey,
        why: String,
    },
}

//! Profile files, format 1: what may stand in them, as the types that serde reads and the JSON schema is made of.
//!
//! Words and units only; what they mean for a certificate is said by [`read`], whether it is sound by `ca-core`. A later
//! format gets a module of its own beside this one.

pub(crate) mod read;

use schemars::JsonSchema;
use serde::Deserialize;

/// The number of this format.
pub(crate) const FORMAT: i64 = 1;

/// A profile file of any kind.
#[derive(JsonSchema)]
#[schemars(title = "Profile file, format 1", untagged)]
#[expect(dead_code, reason = "it is only the root of the JSON schema")]
enum ProfileFile {
    Certificate(Box<CertificateFile>),
    Crl(CrlFile),
    Ocsp(OcspFile),
}

/// Returns the JSON schema of profile files.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(ProfileFile);
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}

/// A certificate profile for one suite or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line of the file, and none depends on another")]
pub(crate) struct CertificateFile {
    /// The number of this format: 1.
    #[schemars(required, extend("const" = 1))]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub format: Option<i64>,
    /// `certificate`.
    #[schemars(required)]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub kind: Option<CertificateKind>,
    /// The name, of `a`-`z`, `0`-`9` and `-`; each suite adds `-s1` or `-s2`.
    #[schemars(required)]
    pub id: Option<String>,
    /// The version, from 1. A change of any other key takes a new one.
    #[schemars(required, range(min = 1))]
    pub version: Option<u32>,
    /// The security suites: `[1]`, `[2]` or `[1, 2]`.
    #[schemars(required)]
    pub suites: Option<Vec<u8>>,
    /// The certificate profiles of the CAs that may issue it, without suite; empty for a self-signed one.
    #[schemars(required)]
    pub issuers: Option<Vec<String>>,
    /// The PKI it belongs to.
    #[schemars(required)]
    pub hierarchy: Option<HierarchyWord>,
    /// What the subject field holds.
    #[schemars(required)]
    pub subject: Option<SubjectWord>,
    /// How long a distinguished name may be, in octets of its DER; 127 for a CA and 255 otherwise, if not said.
    #[schemars(range(min = 2, max = 1024))]
    pub subject_max_octets: Option<u16>,
    /// What the subject alternative name holds.
    #[serde(default)]
    pub alternative_name: AlternativeNameWord,
    /// How many dNSNames at most; 8 if not said.
    #[schemars(range(min = 1, max = 64))]
    pub alternative_name_max: Option<u8>,
    /// pathLenConstraint. Makes the certificate that of a CA.
    pub path_length: Option<u8>,
    /// The keyUsage bits; the extension is always critical.
    #[schemars(required)]
    pub key_usage: Option<Vec<KeyUsageWord>>,
    /// The purposes of extendedKeyUsage, as RFC names or dotted object identifiers.
    pub extended_key_usage: Option<Vec<String>>,
    /// Whether extendedKeyUsage is critical.
    #[serde(default)]
    pub extended_key_usage_critical: bool,
    /// `no-expiry` for 9999-12-31T23:59:59Z, or `as-certified` for links between roots, instead of a length.
    pub validity: Option<ValidityWord>,
    /// The length of validity in years of 365 days.
    pub validity_years: Option<u32>,
    /// The length of validity in days.
    pub validity_days: Option<u32>,
    /// The length of validity in hours.
    pub validity_hours: Option<u32>,
    /// The length of validity in minutes.
    pub validity_minutes: Option<u32>,
    /// The shortest validity that may be asked for, in days.
    pub validity_min_days: Option<u32>,
    /// The shortest validity that may be asked for, in hours.
    pub validity_min_hours: Option<u32>,
    /// The shortest validity that may be asked for, in minutes.
    pub validity_min_minutes: Option<u32>,
    /// The longest validity that may be asked for, in days.
    pub validity_max_days: Option<u32>,
    /// The longest validity that may be asked for, in hours.
    pub validity_max_hours: Option<u32>,
    /// How far notBefore lies before the clock, in minutes; 5 if not said.
    #[schemars(range(max = 60))]
    pub backdate_minutes: Option<u32>,
    /// Until how long after its notBefore the CA issues certificates, in years of 365 days.
    pub issuing_window_years: Option<u32>,
    /// The certificate policy: a word of the deployment's arc, or a dotted object identifier.
    pub policy: Option<String>,
    /// How key identifiers are computed.
    #[serde(default)]
    pub key_identifier: KeyIdentifierWord,
    /// Which URIs of the issuer the certificate carries.
    #[serde(default)]
    pub pointers: PointersWord,
    /// Whether no CRL ever lists its certificates, which end before one would help: at most 7 days, and no pointers.
    #[serde(default)]
    pub short_lived: bool,
    /// Whether id-pkix-ocsp-nocheck is present.
    #[serde(default)]
    pub ocsp_no_check: bool,
    /// Whether the signature is drawn again until r and s have full length; if not said, yes for CAs and for what meters
    /// load.
    pub full_length_signature: Option<bool>,
    /// Whether re-enrolment may keep the key.
    #[serde(default)]
    pub key_reuse: KeyReuseWord,
    /// Whether a re-enrolment may change the alternative names, where the request says so (RFC 6402 §2.8).
    #[serde(default)]
    pub name_change: NameChangeWord,
    /// `any-time`, when devices may replace their certificates by showing one throughout the validity; the second half of it if
    /// neither this nor a number of days is said.
    pub renewal_window: Option<RenewalWindowWord>,
    /// In the last how many days of the validity devices may replace their certificates by showing one.
    #[schemars(range(min = 1))]
    pub renewal_window_days: Option<u32>,
    /// Over how many days from the beginning of the renewal window devices are spread by their system titles; the first tenth of
    /// the window if not said, 0 for no spread.
    pub renewal_spread_days: Option<u32>,
    /// How many times within one length of validity; 4 if not said.
    #[schemars(range(min = 1))]
    pub renewal_limit: Option<u16>,
    /// How many days after its replacement a certificate is revoked as superseded; never if not said.
    pub revoke_replaced_after_days: Option<u16>,
    /// How many different operators must approve a request before it is answered.
    #[serde(default)]
    pub approval: ApprovalWord,
    /// Whether a suite-1 certificate may be signed by a suite-2 CA.
    #[serde(default)]
    pub transition_issuer: bool,
    /// The longest certificate, in octets; 1024 if not said.
    #[schemars(range(min = 300, max = 4096))]
    pub max_octets: Option<u16>,
}

/// A CRL profile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrlFile {
    /// The number of this format: 1.
    #[schemars(required, extend("const" = 1))]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub format: Option<i64>,
    /// `crl`.
    #[schemars(required)]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub kind: Option<CrlKind>,
    /// The name, of `a`-`z`, `0`-`9` and `-`.
    #[schemars(required)]
    pub id: Option<String>,
    /// Whether the CA's key is kept off line, so that a CRL may be valid for 366 days and not only for 10.
    #[serde(default)]
    pub offline: bool,
    /// From thisUpdate to nextUpdate, in days.
    pub validity_days: Option<u32>,
    /// From thisUpdate to nextUpdate, in hours.
    pub validity_hours: Option<u32>,
    /// After how many days a new CRL is made even when nothing was revoked.
    pub reissue_days: Option<u32>,
    /// After how many hours a new CRL is made even when nothing was revoked.
    pub reissue_hours: Option<u32>,
    /// After how many minutes a new CRL is made even when nothing was revoked.
    pub reissue_minutes: Option<u32>,
    /// From thisUpdate to nextUpdate of a delta CRL, in hours; without it, there are no delta CRLs.
    pub delta_validity_hours: Option<u32>,
    /// After how many hours a new delta CRL is made even when nothing changed.
    pub delta_reissue_hours: Option<u32>,
    /// After how many minutes a new delta CRL is made even when nothing changed.
    pub delta_reissue_minutes: Option<u32>,
}

/// A profile of OCSP answers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OcspFile {
    /// The number of this format: 1.
    #[schemars(required, extend("const" = 1))]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub format: Option<i64>,
    /// `ocsp`.
    #[schemars(required)]
    #[expect(
        dead_code,
        reason = "the loader reads it first, to know what the rest is; it stands here for the schema"
    )]
    pub kind: Option<OcspKind>,
    /// The name, of `a`-`z`, `0`-`9` and `-`.
    #[schemars(required)]
    pub id: Option<String>,
    /// From thisUpdate to nextUpdate, in days.
    pub validity_days: Option<u32>,
    /// From thisUpdate to nextUpdate, in hours.
    pub validity_hours: Option<u32>,
    /// From thisUpdate to nextUpdate, in minutes.
    pub validity_minutes: Option<u32>,
    /// How many certificates one request may ask for.
    #[schemars(required, range(min = 1, max = 64))]
    pub max_requests: Option<u8>,
    /// What is said of a serial number under which nothing was issued.
    #[serde(default)]
    pub never_issued: NeverIssuedWord,
    /// For how many days after their end certificates are answered for; for ever if not said.
    #[schemars(range(min = 1, max = 36_525))]
    pub expired_answered_days: Option<u16>,
}

/// The kind of a certificate profile.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum CertificateKind {
    /// The only one.
    #[serde(rename = "certificate")]
    Certificate,
}

/// The kind of a CRL profile.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum CrlKind {
    /// The only one.
    #[serde(rename = "crl")]
    Crl,
}

/// The kind of a profile of OCSP answers.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum OcspKind {
    /// The only one.
    #[serde(rename = "ocsp")]
    Ocsp,
}

/// What is said of a serial number under which nothing was issued.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NeverIssuedWord {
    /// Unknown.
    #[default]
    Unknown,
    /// Revoked in the extended sense of RFC 6960 §2.2: on hold since 1970.
    ExtendedRevoked,
}

/// The PKI that a certificate belongs to.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HierarchyWord {
    /// CAs.
    Authority,
    /// Identity at birth.
    Factory,
    /// Identity in service.
    Operational,
    /// Hand-held units in the field.
    Maintenance,
    /// Servers, operators, responders, signers, and the recovery role.
    Infrastructure,
}

/// What the subject field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SubjectWord {
    /// CN = 16 upper-case hexadecimal characters of the system title.
    SystemTitle,
    /// Single-valued C, O, OU, CN and serialNumber.
    DistinguishedName,
    /// CN = any 16 characters.
    #[serde(rename = "label-16")]
    Label16,
}

/// What the subject alternative name holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AlternativeNameWord {
    /// The extension is absent.
    #[default]
    Absent,
    /// dNSNames, or none.
    DnsNames,
    /// At least one dNSName.
    DnsNamesRequired,
    /// One URI or e-mail address, or none.
    UriOrEmail,
}

/// A keyUsage bit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(crate) enum KeyUsageWord {
    /// Bit 0.
    #[serde(rename = "digitalSignature")]
    DigitalSignature,
    /// Bit 4.
    #[serde(rename = "keyAgreement")]
    KeyAgreement,
    /// Bit 5.
    #[serde(rename = "keyCertSign")]
    KeyCertSign,
    /// Bit 6.
    #[serde(rename = "cRLSign")]
    CrlSign,
}

/// A validity that is no length.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ValidityWord {
    /// Until 9999-12-31T23:59:59Z.
    NoExpiry,
    /// As the certificate whose key is certified once more, but not beyond its issuer's.
    AsCertified,
}

/// How key identifiers are computed (RFC 5280 §4.2.1.2).
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyIdentifierWord {
    /// Method 1: SHA-1 of the point, 20 octets.
    #[default]
    #[serde(rename = "method-1")]
    Method1,
    /// Method 2: 60 bits of it, 8 octets.
    #[serde(rename = "method-2")]
    Method2,
}

/// Which URIs of the issuer a certificate carries.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PointersWord {
    /// None.
    #[default]
    None,
    /// cRLDistributionPoints.
    Crl,
    /// cRLDistributionPoints and authorityInfoAccess.
    CrlAndAccess,
}

/// Whether re-enrolment may keep the key.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyReuseWord {
    /// It needs a new key.
    #[default]
    Refused,
    /// It may keep the key.
    Allowed,
}

/// What to do with a re-enrolment that says it wants other names.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NameChangeWord {
    /// It keeps all names.
    #[default]
    Refused,
    /// Alternative names may change, as far as the requester is entitled to them.
    Allowed,
}

/// How many operators must approve a request.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ApprovalWord {
    /// None.
    #[default]
    None,
    /// One.
    One,
    /// Two different ones, none of them the requester.
    Two,
}

/// A renewal window that is no length.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RenewalWindowWord {
    /// The whole validity.
    AnyTime,
}

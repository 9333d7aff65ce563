//! What a profile says, field by field, in the words of profile files: what is in force, whether the file says it or leaves it
//! to what is usual, and after the deployment's variant and policy arc.
//!
//! Not the file's text, and not its format: that is [`v1`](crate::v1). Two profiles are compared by these fields.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ca_core::profile::{
    AlternativeNameRule, Approval, CertificateProfile, CrlProfile, KeyReuse, KeyUsageBit, NameChange,
    NeverIssued, OcspProfile, Pointers, ProfileId, ProfileParts, RenewalRule, RenewalSpread, RenewalWindow,
    SubjectRule, ValidityRule,
};
use ca_core::public_key::KeyIdentifierMethod;
use const_oid::ObjectIdentifier;

use crate::v1::read::purpose_word;

/// One thing that a profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The key of profile files that decides it; a length without its unit.
    pub key: Cow<'static, str>,
    /// What it is.
    pub value: String,
}

/// A field in which two profiles differ; `None` where one has no such field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key of profile files.
    pub key: String,
    /// What the one says.
    pub one: Option<String>,
    /// What the other says.
    pub other: Option<String>,
}

/// Compares two descriptions; equal fields are left out, the others come by their keys.
#[must_use]
pub fn differences(one: &[Field], other: &[Field]) -> Vec<Difference> {
    let mut all: BTreeMap<&str, (Option<&str>, Option<&str>)> = BTreeMap::new();
    for field in one {
        all.entry(&field.key).or_default().0 = Some(&field.value);
    }
    for field in other {
        all.entry(&field.key).or_default().1 = Some(&field.value);
    }
    let owned = |text: Option<&str>| text.map(str::to_owned);
    all.into_iter()
        .filter(|(_, (one, other))| one != other)
        .map(|(key, (one, other))| Difference { key: key.to_owned(), one: owned(one), other: owned(other) })
        .collect()
}

const fn field(key: &'static str, value: String) -> Field {
    Field { key: Cow::Borrowed(key), value }
}

/// Describes a certificate profile. Name and suite are no fields: they say which profile it is.
#[must_use]
pub fn certificate(profile: &CertificateProfile, issuers: &[ProfileId]) -> Vec<Field> {
    let ProfileParts {
        id: _,
        version,
        suite: _,
        hierarchy,
        subject,
        alternative_name,
        path_length,
        key_usage,
        extended_key_usage,
        validity,
        backdate_seconds,
        issuing_window_seconds,
        policy,
        key_identifier,
        pointers,
        short_lived,
        ocsp_no_check,
        full_length_signature,
        key_reuse,
        name_change,
        renewal,
        revoke_replaced_after_seconds,
        approval,
        transition_issuer,
        max_octets,
    } = profile.parts();
    let bits: Vec<&str> = key_usage.iter().copied().map(bit).collect();
    let mut fields = vec![
        field("version", version.to_string()),
        field("issuers", listed(issuers.iter().map(ProfileId::as_str))),
        field("hierarchy", hierarchy.name().to_owned()),
        field("subject", subject_words(subject)),
        field("alternative_name", alternative_name_words(alternative_name)),
        field("key_usage", bits.join(", ")),
        field("validity", validity_words(validity)),
        field("backdate", length(i64::from(*backdate_seconds))),
        field("key_identifier", key_identifier_word(*key_identifier).to_owned()),
        field("pointers", pointers_word(*pointers).to_owned()),
        field("short_lived", yes(*short_lived)),
        field("ocsp_no_check", yes(*ocsp_no_check)),
        field("full_length_signature", yes(*full_length_signature)),
        field("key_reuse", key_reuse_word(*key_reuse).to_owned()),
        field("name_change", name_change_word(*name_change).to_owned()),
        field("approval", approval_word(*approval).to_owned()),
        field("transition_issuer", yes(*transition_issuer)),
        field("max_octets", max_octets.to_string()),
    ];
    fields.extend(renewal_fields(*renewal));
    let some = [
        ("path_length", path_length.map(|length| length.to_string())),
        ("extended_key_usage", extended_key_usage.as_ref().map(|rule| purposes(&rule.purposes))),
        ("extended_key_usage_critical", extended_key_usage.as_ref().map(|rule| yes(rule.critical))),
        ("issuing_window", issuing_window_seconds.map(length)),
        ("policy", policy.map(|policy| policy.to_string())),
        ("revoke_replaced_after", revoke_replaced_after_seconds.map(length)),
    ];
    fields.extend(some.into_iter().filter_map(|(key, value)| Some(field(key, value?))));
    fields
}

/// Describes a CRL profile.
#[must_use]
pub fn crl(profile: &CrlProfile) -> Vec<Field> {
    let mut fields = vec![
        field("offline", yes(profile.is_offline())),
        field("validity", length(profile.validity_seconds())),
        field("reissue", length(profile.reissue_seconds())),
    ];
    fields.extend(profile.deltas().into_iter().flat_map(|times| {
        [
            field("delta_validity", length(times.validity_seconds)),
            field("delta_reissue", length(times.reissue_seconds)),
        ]
    }));
    fields
}

/// Describes a profile of OCSP answers.
#[must_use]
pub fn ocsp(profile: &OcspProfile) -> Vec<Field> {
    let never_issued = match profile.never_issued() {
        NeverIssued::Unknown => "unknown",
        NeverIssued::ExtendedRevoked => "extended-revoked",
    };
    let archive = profile.expired_answered_seconds().map_or_else(|| "for ever".to_owned(), length);
    vec![
        field("validity", length(profile.validity_seconds())),
        field("max_requests", profile.max_requests().to_string()),
        field("never_issued", never_issued.to_owned()),
        field("expired_answered", archive),
    ]
}

fn renewal_fields(rule: RenewalRule) -> [Field; 3] {
    let window = match rule.window {
        RenewalWindow::SecondHalf => "the second half of the validity".to_owned(),
        RenewalWindow::Last { seconds } => format!("the last {}", length(seconds)),
        RenewalWindow::AnyTime => "any-time".to_owned(),
    };
    let spread = match rule.spread {
        RenewalSpread::TenthOfWindow => "a tenth of the window".to_owned(),
        RenewalSpread::First { seconds: 0 } => "none".to_owned(),
        RenewalSpread::First { seconds } => length(seconds),
    };
    [
        field("renewal_window", window),
        field("renewal_spread", spread),
        field("renewal_limit", rule.limit.to_string()),
    ]
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none: it signs itself".to_owned() } else { names.join(", ") }
}

fn yes(holds: bool) -> String {
    if holds { "true" } else { "false" }.to_owned()
}

/// Writes seconds in the greatest unit of which they are a whole number; a year has 365 days, as in profile files.
#[must_use]
pub fn length(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute")];
    let fits = |(unit, _): &&(i64, &str)| seconds != 0 && seconds % unit == 0;
    let (unit, word) = UNITS.iter().find(fits).unwrap_or(&(1, "second"));
    match seconds / unit {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}

fn subject_words(rule: &SubjectRule) -> String {
    match rule {
        SubjectRule::SystemTitle => "system-title".to_owned(),
        SubjectRule::Empty => "empty, the system title is the alternative name".to_owned(),
        SubjectRule::DistinguishedName { max_octets } => {
            format!("distinguished-name, at most {max_octets} octets")
        }
        SubjectRule::Label16 => "label-16".to_owned(),
    }
}

fn alternative_name_words(rule: &AlternativeNameRule) -> String {
    match rule {
        AlternativeNameRule::Absent => "absent".to_owned(),
        AlternativeNameRule::HardwareModule { hw_type } => format!("hardwareModuleName of type {hw_type}"),
        AlternativeNameRule::DnsNames { required: true, max } => format!("dns-names-required, at most {max}"),
        AlternativeNameRule::DnsNames { required: false, max } => format!("dns-names, at most {max}"),
        AlternativeNameRule::UriOrEmail => "uri-or-email".to_owned(),
    }
}

fn validity_words(rule: &ValidityRule) -> String {
    match rule {
        ValidityRule::NoExpiry => "no-expiry".to_owned(),
        ValidityRule::Fixed { seconds } => length(*seconds),
        ValidityRule::Range { min_seconds, default_seconds, max_seconds } => format!(
            "{}, or as asked from {} to {}",
            length(*default_seconds),
            length(*min_seconds),
            length(*max_seconds)
        ),
        ValidityRule::AsCertified { .. } => "as-certified".to_owned(),
    }
}

fn purposes(purposes: &[ObjectIdentifier]) -> String {
    let words: Vec<String> =
        purposes.iter().map(|oid| purpose_word(oid).map_or_else(|| oid.to_string(), str::to_owned)).collect();
    words.join(", ")
}

const fn bit(bit: KeyUsageBit) -> &'static str {
    match bit {
        KeyUsageBit::DigitalSignature => "digitalSignature",
        KeyUsageBit::KeyAgreement => "keyAgreement",
        KeyUsageBit::KeyCertSign => "keyCertSign",
        KeyUsageBit::CrlSign => "cRLSign",
    }
}

const fn key_identifier_word(method: KeyIdentifierMethod) -> &'static str {
    match method {
        KeyIdentifierMethod::Sha1Full => "method-1",
        KeyIdentifierMethod::Sha1Short => "method-2",
    }
}

const fn pointers_word(pointers: Pointers) -> &'static str {
    match pointers {
        Pointers::None => "none",
        Pointers::Crl => "crl",
        Pointers::CrlAndAccess => "crl-and-access",
    }
}

const fn key_reuse_word(reuse: KeyReuse) -> &'static str {
    match reuse {
        KeyReuse::Refused => "refused",
        KeyReuse::Allowed => "allowed",
    }
}

const fn name_change_word(change: NameChange) -> &'static str {
    match change {
        NameChange::Refused => "refused",
        NameChange::Allowed => "allowed",
    }
}

const fn approval_word(approval: Approval) -> &'static str {
    match approval {
        Approval::NotNeeded => "none",
        Approval::One => "one",
        Approval::Two => "two",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProfileSet, Settings};

    fn described(id: &str) -> Vec<Field> {
        let set = ProfileSet::load_embedded(&Settings::default()).unwrap();
        certificate(set.certificate(id).unwrap(), set.issuers(id))
    }

    fn value(fields: &[Field], key: &str) -> String {
        fields.iter().find(|field| field.key == key).unwrap().value.clone()
    }

    #[test]
    fn a_profile_is_told_with_what_its_file_leaves_to_what_is_usual() {
        let fields = described("meter-op-ds-s1");
        assert_eq!(value(&fields, "validity"), "10 years");
        assert_eq!(value(&fields, "key_usage"), "digitalSignature");
        assert_eq!(value(&fields, "issuers"), "sub-operational-s1");
        assert_eq!(value(&fields, "backdate"), "5 minutes", "the file says nothing of it");
        assert_eq!(value(&fields, "policy"), "1.3.6.1.4.1.32473.1.2", "the arc is the deployment's");
    }

    #[test]
    fn purposes_are_told_by_the_words_of_profile_files() {
        assert_eq!(value(&described("meter-op-tls-s1"), "extended_key_usage"), "serverAuth, clientAuth");
    }

    #[test]
    fn only_what_differs_is_told_with_both_values() {
        let (one, other) = (described("meter-op-ds-s1"), described("meter-op-ka-s1"));
        let found = differences(&one, &other);
        let usage = found.iter().find(|difference| difference.key == "key_usage").unwrap();
        assert_eq!(usage.one.as_deref(), Some("digitalSignature"));
        assert_eq!(usage.other.as_deref(), Some("keyAgreement"));
        assert!(found.iter().all(|difference| difference.one != difference.other));
        assert!(differences(&one, &one).is_empty());
    }

    #[test]
    fn what_only_one_of_two_has_is_told_as_absent_in_the_other() {
        let found = differences(&described("meter-op-tls-s1"), &described("meter-op-ds-s1"));
        let purposes = found.iter().find(|difference| difference.key == "extended_key_usage").unwrap();
        assert_eq!(purposes.other, None);
    }

    #[test]
    fn lengths_are_told_in_their_greatest_whole_unit() {
        assert_eq!(length(3_650 * 86_400), "10 years");
        assert_eq!(length(90 * 60), "90 minutes");
        assert_eq!(length(0), "0 seconds");
        assert_eq!(length(61), "61 seconds");
        assert_eq!(length(86_400), "1 day");
    }
}

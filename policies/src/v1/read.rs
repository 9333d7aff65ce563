//! What the words and units of format 1 mean for a profile.
//!
//! Says nothing of files and lines: a fault is tied to a key, and the loader knows where the key stands.

use ca_core::oid;
use ca_core::profile::{
    AlternativeNameRule, Approval, CrlProfile, DeltaTimes, ExtendedKeyUsageRule, Hierarchy, KeyReuse,
    KeyUsageBit, NameChange, NeverIssued, OcspProfile, Pointers, ProfileFault, ProfileId, ProfileParts,
    RenewalRule, RenewalSpread, RenewalWindow, SubjectRule, ValidityRule,
};
use ca_core::public_key::KeyIdentifierMethod;
use ca_core::suite::SecuritySuite;
use const_oid::ObjectIdentifier;

use super::{
    AlternativeNameWord, ApprovalWord, CertificateFile, CrlFile, HierarchyWord, KeyIdentifierWord,
    KeyReuseWord, KeyUsageWord, NameChangeWord, NeverIssuedWord, OcspFile, PointersWord, RenewalWindowWord,
    SubjectWord, ValidityWord,
};
use crate::fault::KeyFault;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The words for extended key usages.
const PURPOSES: [(&str, ObjectIdentifier); 8] = [
    ("serverAuth", oid::SERVER_AUTH),
    ("clientAuth", oid::CLIENT_AUTH),
    ("codeSigning", oid::CODE_SIGNING),
    ("timeStamping", oid::TIME_STAMPING),
    ("OCSPSigning", oid::OCSP_SIGNING),
    ("cmcCA", oid::CMC_CA),
    ("cmcRA", oid::CMC_RA),
    ("cmKGA", oid::CM_KGA),
];
const PURPOSE_WORDS: [&str; 8] =
    ["serverAuth", "clientAuth", "codeSigning", "timeStamping", "OCSPSigning", "cmcCA", "cmcRA", "cmKGA"];

/// The words for certificate policies, and what each adds to the deployment's arc.
const POLICIES: [(&str, u32); 6] = [
    ("factory", 1),
    ("operational", 2),
    ("maintenance", 3),
    ("infrastructure", 4),
    ("firmware", 5),
    ("test", 9),
];
const POLICY_WORDS: [&str; 6] =
    ["factory", "operational", "maintenance", "infrastructure", "firmware", "test"];

/// The faults found so far, each with the key it is about.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub Vec<(&'static str, KeyFault)>);

impl Faults {
    fn note(&mut self, key: &'static str, fault: KeyFault) {
        self.0.push((key, fault));
    }

    fn required<T>(&mut self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.note(key, KeyFault::Missing { key });
        }
        value
    }

    fn id(&mut self, key: &'static str, text: &str) -> Option<ProfileId> {
        ProfileId::parse(text).map_err(|fault| self.note(key, KeyFault::Unsound(fault))).ok()
    }
}

/// The parts of one certificate profile, and the profiles of the CAs that may issue it.
#[derive(Debug)]
pub(crate) struct ReadCertificate {
    pub parts: ProfileParts,
    pub issuers: Vec<ProfileId>,
}

/// Reads a certificate profile file: one profile per suite. `arc` is the deployment's policy arc.
pub(crate) fn certificates(
    file: &CertificateFile,
    arc: &ObjectIdentifier,
) -> Result<Vec<ReadCertificate>, Faults> {
    let mut faults = Faults::default();
    let suites = suites(file, &mut faults);
    let parts = parts(file, arc, &mut faults);
    let issuers = faults.required("issuers", file.issuers.as_ref());
    let mut all = Vec::new();
    for suite in suites {
        let suffixed = |text: &String| format!("{text}-{}", suite.suffix());
        let id = file.id.as_ref().and_then(|id| faults.id("id", &suffixed(id)));
        let issuers: Option<Vec<_>> = issuers
            .map(|issuers| issuers.iter().map(|issuer| faults.id("issuers", &suffixed(issuer))).collect())
            .unwrap_or_default();
        if let (Some(id), Some(issuers), Some(parts)) = (id, issuers, &parts) {
            all.push(ReadCertificate { parts: ProfileParts { id, suite, ..parts.clone() }, issuers });
        }
    }
    faults.0.dedup();
    if faults.0.is_empty() { Ok(all) } else { Err(faults) }
}

fn suites(file: &CertificateFile, faults: &mut Faults) -> Vec<SecuritySuite> {
    let numbers = faults.required("suites", file.suites.as_deref()).unwrap_or_default();
    let suites: Vec<_> =
        SecuritySuite::ALL.into_iter().filter(|suite| numbers.contains(&suite.number())).collect();
    if file.suites.is_some() && (suites.is_empty() || suites.len() != numbers.len()) {
        faults.note("suites", KeyFault::Suites);
    }
    suites
}

/// Reads everything that both suites share; id and suite are placeholders.
fn parts(file: &CertificateFile, arc: &ObjectIdentifier, faults: &mut Faults) -> Option<ProfileParts> {
    let id = faults.required("id", file.id.as_deref());
    let version = faults.required("version", file.version);
    let hierarchy = faults.required("hierarchy", file.hierarchy);
    let subject = faults.required("subject", file.subject).map(|word| subject(file, word, faults));
    let alternative_name = alternative_name(file, faults);
    let key_usage = faults.required("key_usage", file.key_usage.as_deref());
    let extended_key_usage = extended_key_usage(file, faults);
    let validity = validity(file, faults);
    let window = [("issuing_window_years", file.issuing_window_years, YEAR)];
    let issuing_window_seconds = length(&window, faults);
    let renewal = renewal(file, faults);
    let policy = file.policy.as_deref().map(|text| policy(text, arc, faults));
    let id = id.and_then(|id| faults.id("id", id));
    let subject = subject?;
    let meters_verify =
        file.path_length.is_some() || !matches!(subject, SubjectRule::DistinguishedName { .. });
    Some(ProfileParts {
        id: id?,
        version: version?,
        suite: SecuritySuite::Suite1,
        hierarchy: hierarchy_of(hierarchy?),
        subject,
        alternative_name,
        path_length: file.path_length,
        key_usage: key_usage?.iter().copied().map(bit).collect(),
        extended_key_usage,
        validity: validity?,
        backdate_seconds: file.backdate_minutes.unwrap_or(5).saturating_mul(60),
        issuing_window_seconds,
        policy: policy.flatten(),
        key_identifier: match file.key_identifier {
            KeyIdentifierWord::Method1 => KeyIdentifierMethod::Sha1Full,
            KeyIdentifierWord::Method2 => KeyIdentifierMethod::Sha1Short,
        },
        pointers: match file.pointers {
            PointersWord::None => Pointers::None,
            PointersWord::Crl => Pointers::Crl,
            PointersWord::CrlAndAccess => Pointers::CrlAndAccess,
        },
        short_lived: file.short_lived,
        ocsp_no_check: file.ocsp_no_check,
        full_length_signature: file.full_length_signature.unwrap_or(meters_verify),
        key_reuse: match file.key_reuse {
            KeyReuseWord::Refused => KeyReuse::Refused,
            KeyReuseWord::Allowed => KeyReuse::Allowed,
        },
        name_change: match file.name_change {
            NameChangeWord::Refused => NameChange::Refused,
            NameChangeWord::Allowed => NameChange::Allowed,
        },
        renewal,
        revoke_replaced_after_seconds: file.revoke_replaced_after_days.map(|days| i64::from(days) * DAY),
        approval: match file.approval {
            ApprovalWord::None => Approval::NotNeeded,
            ApprovalWord::One => Approval::One,
            ApprovalWord::Two => Approval::Two,
        },
        transition_issuer: file.transition_issuer,
        max_octets: file.max_octets.unwrap_or(1_024),
    })
}

const fn hierarchy_of(word: HierarchyWord) -> Hierarchy {
    match word {
        HierarchyWord::Authority => Hierarchy::Authority,
        HierarchyWord::Factory => Hierarchy::Factory,
        HierarchyWord::Operational => Hierarchy::Operational,
        HierarchyWord::Maintenance => Hierarchy::Maintenance,
        HierarchyWord::Infrastructure => Hierarchy::Infrastructure,
    }
}

const fn bit(word: KeyUsageWord) -> KeyUsageBit {
    match word {
        KeyUsageWord::DigitalSignature => KeyUsageBit::DigitalSignature,
        KeyUsageWord::KeyAgreement => KeyUsageBit::KeyAgreement,
        KeyUsageWord::KeyCertSign => KeyUsageBit::KeyCertSign,
        KeyUsageWord::CrlSign => KeyUsageBit::CrlSign,
    }
}

fn subject(file: &CertificateFile, word: SubjectWord, faults: &mut Faults) -> SubjectRule {
    if file.subject_max_octets.is_some() && word != SubjectWord::DistinguishedName {
        let (key, without) = ("subject_max_octets", "subject = \"distinguished-name\"");
        faults.note(key, KeyFault::NoEffect { key, without });
    }
    // Known DLMS parsers write the length of a CA's name in one octet.
    let usual = if file.path_length.is_some() { 127 } else { 255 };
    match word {
        SubjectWord::SystemTitle => SubjectRule::SystemTitle,
        SubjectWord::DistinguishedName => {
            SubjectRule::DistinguishedName { max_octets: file.subject_max_octets.unwrap_or(usual) }
        }
        SubjectWord::Label16 => SubjectRule::Label16,
    }
}

fn alternative_name(file: &CertificateFile, faults: &mut Faults) -> AlternativeNameRule {
    let max = file.alternative_name_max.unwrap_or(8);
    match file.alternative_name {
        AlternativeNameWord::DnsNames => return AlternativeNameRule::DnsNames { required: false, max },
        AlternativeNameWord::DnsNamesRequired => {
            return AlternativeNameRule::DnsNames { required: true, max };
        }
        AlternativeNameWord::Absent | AlternativeNameWord::UriOrEmail => {}
    }
    if file.alternative_name_max.is_some() {
        let (key, without) = ("alternative_name_max", "alternative_name = \"dns-names\"");
        faults.note(key, KeyFault::NoEffect { key, without });
    }
    if file.alternative_name == AlternativeNameWord::Absent {
        AlternativeNameRule::Absent
    } else {
        AlternativeNameRule::UriOrEmail
    }
}

fn extended_key_usage(file: &CertificateFile, faults: &mut Faults) -> Option<ExtendedKeyUsageRule> {
    let critical = file.extended_key_usage_critical;
    let Some(texts) = &file.extended_key_usage else {
        if critical {
            let (key, without) = ("extended_key_usage_critical", "extended_key_usage");
            faults.note(key, KeyFault::NoEffect { key, without });
        }
        return None;
    };
    let purposes = texts.iter().filter_map(|text| purpose(text, faults)).collect();
    Some(ExtendedKeyUsageRule { purposes, critical })
}

fn purpose(text: &str, faults: &mut Faults) -> Option<ObjectIdentifier> {
    let known = PURPOSES.iter().find_map(|(word, purpose)| (*word == text).then_some(*purpose));
    let purpose = known.or_else(|| ObjectIdentifier::new(text).ok());
    if purpose.is_none() {
        let fault = KeyFault::Identifier { text: text.to_owned(), known: &PURPOSE_WORDS };
        faults.note("extended_key_usage", fault);
    }
    purpose
}

/// Returns the word of profile files for an extended key usage, if there is one.
pub(crate) fn purpose_word(purpose: &ObjectIdentifier) -> Option<&'static str> {
    PURPOSES.iter().find_map(|(word, known)| (known == purpose).then_some(*word))
}

fn policy(text: &str, arc: &ObjectIdentifier, faults: &mut Faults) -> Option<ObjectIdentifier> {
    let number = POLICIES.iter().find_map(|(word, number)| (*word == text).then_some(*number));
    let policy = match number {
        Some(number) => arc.push_arc(number).ok(),
        None => ObjectIdentifier::new(text).ok(),
    };
    if policy.is_none() {
        faults.note("policy", KeyFault::Identifier { text: text.to_owned(), known: &POLICY_WORDS });
    }
    policy
}

fn validity(file: &CertificateFile, faults: &mut Faults) -> Option<ValidityRule> {
    let given = [
        ("validity_years", file.validity_years, YEAR),
        ("validity_days", file.validity_days, DAY),
        ("validity_hours", file.validity_hours, HOUR),
        ("validity_minutes", file.validity_minutes, MINUTE),
    ];
    let shortest = [
        ("validity_min_days", file.validity_min_days, DAY),
        ("validity_min_hours", file.validity_min_hours, HOUR),
        ("validity_min_minutes", file.validity_min_minutes, MINUTE),
    ];
    let longest = [
        ("validity_max_days", file.validity_max_days, DAY),
        ("validity_max_hours", file.validity_max_hours, HOUR),
    ];
    let bounds = (length(&shortest, faults), length(&longest, faults));
    let seconds = length(&given, faults);
    match (file.validity, seconds, bounds) {
        (Some(ValidityWord::NoExpiry), None, (None, None)) => Some(ValidityRule::NoExpiry),
        (Some(ValidityWord::AsCertified), None, (None, None)) => {
            Some(ValidityRule::AsCertified { bound: None })
        }
        (None, Some(seconds), (None, None)) => Some(ValidityRule::Fixed { seconds }),
        (None, Some(default_seconds), (shortest, longest)) => Some(ValidityRule::Range {
            min_seconds: shortest.unwrap_or(default_seconds),
            default_seconds,
            max_seconds: longest.unwrap_or(default_seconds),
        }),
        (Some(ValidityWord::NoExpiry | ValidityWord::AsCertified), ..) => {
            let said = given.iter().chain(&shortest).chain(&longest).find(|(_, value, _)| value.is_some());
            let key = said.map_or("validity", |(key, ..)| *key);
            faults.note(key, KeyFault::SaidTwice { key, other: "validity" });
            None
        }
        (None, None, _) => faults.required("validity", None),
    }
}

fn renewal(file: &CertificateFile, faults: &mut Faults) -> RenewalRule {
    let days = [("renewal_window_days", file.renewal_window_days, DAY)];
    let window = match (file.renewal_window, length(&days, faults)) {
        (None, None) => RenewalRule::DEFAULT.window,
        (None, Some(seconds)) => RenewalWindow::Last { seconds },
        (Some(RenewalWindowWord::AnyTime), None) => RenewalWindow::AnyTime,
        (Some(RenewalWindowWord::AnyTime), Some(_)) => {
            let (key, other) = ("renewal_window_days", "renewal_window");
            faults.note(key, KeyFault::SaidTwice { key, other });
            RenewalRule::DEFAULT.window
        }
    };
    let spread = match file.renewal_spread_days {
        Some(days) => RenewalSpread::First { seconds: i64::from(days).saturating_mul(DAY) },
        None => RenewalRule::DEFAULT.spread,
    };
    RenewalRule { window, spread, limit: file.renewal_limit.unwrap_or(RenewalRule::DEFAULT.limit) }
}

/// Returns the length in seconds that is given in one of several units.
fn length(given: &[(&'static str, Option<u32>, i64)], faults: &mut Faults) -> Option<i64> {
    let mut said = given.iter().filter_map(|(key, value, unit)| value.map(|value| (*key, value, *unit)));
    let (other, value, unit) = said.next()?;
    for (key, ..) in said {
        faults.note(key, KeyFault::SaidTwice { key, other });
    }
    Some(i64::from(value).saturating_mul(unit))
}

/// Reads a CRL profile file.
pub(crate) fn crl(file: &CrlFile) -> Result<(ProfileId, CrlProfile), Faults> {
    let mut faults = Faults::default();
    let id = faults.required("id", file.id.as_deref()).and_then(|id| faults.id("id", id));
    let validity =
        [("validity_days", file.validity_days, DAY), ("validity_hours", file.validity_hours, HOUR)];
    let reissue = [
        ("reissue_days", file.reissue_days, DAY),
        ("reissue_hours", file.reissue_hours, HOUR),
        ("reissue_minutes", file.reissue_minutes, MINUTE),
    ];
    let (validity, reissue) = (length(&validity, &mut faults), length(&reissue, &mut faults));
    let times = faults.required("validity", validity).zip(faults.required("reissue", reissue));
    let checked = if file.offline { CrlProfile::offline } else { CrlProfile::new };
    let deltas = deltas(file, &mut faults);
    let profile = times.and_then(|(validity, reissue)| sound(checked(validity, reissue), &mut faults));
    let profile = profile.and_then(|profile| match deltas {
        Some(times) => sound(profile.with_deltas(times), &mut faults),
        None => Some(profile),
    });
    match (id, profile) {
        (Some(id), Some(profile)) if faults.0.is_empty() => Ok((id, profile)),
        _ => Err(faults),
    }
}

/// Reads the times of delta CRLs: both or none.
fn deltas(file: &CrlFile, faults: &mut Faults) -> Option<DeltaTimes> {
    let validity = file.delta_validity_hours.map(|hours| i64::from(hours).saturating_mul(HOUR));
    let reissue = [
        ("delta_reissue_hours", file.delta_reissue_hours, HOUR),
        ("delta_reissue_minutes", file.delta_reissue_minutes, MINUTE),
    ];
    let reissue = length(&reissue, faults);
    if validity.is_none() && reissue.is_none() {
        return None;
    }
    let validity_seconds = faults.required("delta_validity_hours", validity)?;
    let reissue_seconds = faults.required("delta_reissue", reissue)?;
    Some(DeltaTimes { validity_seconds, reissue_seconds })
}

/// Reads a profile file of OCSP answers.
pub(crate) fn ocsp(file: &OcspFile) -> Result<(ProfileId, OcspProfile), Faults> {
    let mut faults = Faults::default();
    let id = faults.required("id", file.id.as_deref()).and_then(|id| faults.id("id", id));
    let validity = [
        ("validity_days", file.validity_days, DAY),
        ("validity_hours", file.validity_hours, HOUR),
        ("validity_minutes", file.validity_minutes, MINUTE),
    ];
    let validity = length(&validity, &mut faults);
    let bounds =
        faults.required("validity", validity).zip(faults.required("max_requests", file.max_requests));
    let never_issued = match file.never_issued {
        NeverIssuedWord::Unknown => NeverIssued::Unknown,
        NeverIssuedWord::ExtendedRevoked => NeverIssued::ExtendedRevoked,
    };
    let made = |(validity, max)| {
        let profile = OcspProfile::new(validity, max)?.saying(never_issued);
        file.expired_answered_days.map_or(Ok(profile), |days| profile.answering_expired_for(days))
    };
    let profile = bounds.and_then(|bounds| sound(made(bounds), &mut faults));
    match (id, profile) {
        (Some(id), Some(profile)) if faults.0.is_empty() => Ok((id, profile)),
        _ => Err(faults),
    }
}

fn sound<T>(profile: Result<T, ProfileFault>, faults: &mut Faults) -> Option<T> {
    profile.map_err(|fault| faults.note(key_of(&fault), KeyFault::Unsound(fault))).ok()
}

/// Returns the key that a fault of the whole profile is about.
pub(crate) const fn key_of(fault: &ProfileFault) -> &'static str {
    match fault {
        ProfileFault::Id => "id",
        ProfileFault::Version => "version",
        ProfileFault::KeyUsage => "key_usage",
        ProfileFault::BasicConstraints => "path_length",
        ProfileFault::Hierarchy => "hierarchy",
        ProfileFault::AuthorityName | ProfileFault::NoName | ProfileFault::HardwareModuleWithoutTitle => {
            "subject"
        }
        ProfileFault::IssuingWindow => "issuing_window_years",
        ProfileFault::OcspNoCheck => "ocsp_no_check",
        ProfileFault::ExtendedKeyUsageMissing | ProfileFault::ExtendedKeyUsage => "extended_key_usage",
        ProfileFault::Validity | ProfileFault::CrlTimes | ProfileFault::OcspTimes => "validity",
        ProfileFault::DeltaTimes => "delta_validity_hours",
        ProfileFault::OcspArchive => "expired_answered_days",
        ProfileFault::RenewalWindow => "renewal_window_days",
        ProfileFault::RenewalSpread => "renewal_spread_days",
        ProfileFault::RenewalLimit => "renewal_limit",
        ProfileFault::ApprovalOfAuthority => "approval",
        ProfileFault::PointersOnMeterFacing => "pointers",
        ProfileFault::CriticalExtendedKeyUsage => "extended_key_usage_critical",
        ProfileFault::ShortLived => "short_lived",
        ProfileFault::MaxOctets { .. } => "max_octets",
    }
}

//! Whether a drafted certificate is what its profile says: these extensions and no other, with these values.
//!
//! The drafter writes what the profile says, these rules read it back: neither uses the other's code. Two parts of a profile
//! are read elsewhere: the subject of devices by `dlms.06`, the extended key usage by `dlms.05`. Key identifiers are read by
//! the rules of RFC 5280, the signature by whoever makes it.

use ca_core::lint::{Examined, Rule, require};
use ca_core::oid;
use ca_core::profile::{AlternativeNameRule, KeyUsageBit, Pointers, SubjectRule, ValidityRule};
use ca_core::public_key::PublicKey;
use ca_core::scope::CrlScope;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;
use ca_core::validity::{UnixTime, Validity};
use const_oid::ObjectIdentifier;
use der::Encode;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName, HardwareModuleName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, BasicConstraints, CertificatePolicies, CrlDistributionPoints, KeyUsages,
    SubjectAltName,
};

/// What a certificate has beside its `TBSCertificate`: two headers, the algorithm, and the longest ECDSA signature, in octets.
const fn around_tbs(curve: Curve) -> usize {
    // SEQUENCE header 4; AlgorithmIdentifier 12; BIT STRING header 3 with its unused-bits octet;
    // ECDSA-Sig-Value header 2 (3 would take 128 octets); two INTEGERs of header 2 and a sign octet.
    4 + 12 + 3 + 2 + 2 * (2 + 1 + curve.field_octets())
}

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule::new("profile.extensions", "the profile, as a whole", extensions),
    Rule::new("profile.criticality", "RFC 5280 §4.2.1.4, §4.2.1.13; RFC 6960 §4.2.2.2.1", criticality),
    Rule::new("profile.serial-number", "the house: 16 octets", serial_number),
    Rule::new("profile.validity", "the profile: validity, backdate", validity),
    Rule::new("profile.subject", "the profile: subject", subject).only_if(distinguished),
    Rule::new("profile.suite", "the profile: suite, transition_issuer", suite),
    Rule::new("profile.basic-constraints", "the profile: path_length", basic_constraints),
    Rule::new("profile.key-usage", "the profile: key_usage", key_usage),
    Rule::new("profile.alternative-name", "the profile: alternative_name", alternative_name),
    Rule::new("profile.policy", "the profile: policy", policy),
    Rule::new("profile.pointers", "the profile: pointers", pointers),
    Rule::new("profile.max-octets", "the profile: max_octets", max_octets),
];

fn distinguished(examined: &Examined<'_>) -> bool {
    matches!(examined.input().profile.parts().subject, SubjectRule::DistinguishedName { .. })
}

/// Exactly the extensions that the profile names; those it leaves to the request may be missing.
fn extensions(examined: &Examined<'_>) -> Result<(), String> {
    let parts = examined.input().profile.parts();
    let issued = examined.issuer().is_some();
    let names = &parts.alternative_name;
    let on_request = matches!(
        names,
        AlternativeNameRule::DnsNames { required: false, .. } | AlternativeNameRule::UriOrEmail
    );
    let expected = [
        (oid::BASIC_CONSTRAINTS, parts.path_length.is_some()),
        (oid::KEY_USAGE, true),
        (oid::EXTENDED_KEY_USAGE, parts.extended_key_usage.is_some()),
        (oid::SUBJECT_KEY_IDENTIFIER, true),
        (oid::AUTHORITY_KEY_IDENTIFIER, issued),
        (oid::CERTIFICATE_POLICIES, parts.policy.is_some()),
        (oid::SUBJECT_ALT_NAME, *names != AlternativeNameRule::Absent),
        (oid::CRL_DISTRIBUTION_POINTS, issued && parts.pointers != Pointers::None),
        (oid::FRESHEST_CRL, freshest(examined).is_some()),
        (oid::AUTHORITY_INFO_ACCESS, issued && parts.pointers == Pointers::CrlAndAccess),
        (oid::OCSP_NO_CHECK, parts.ocsp_no_check),
    ];
    for (oid, present) in expected {
        let optional = on_request && oid == oid::SUBJECT_ALT_NAME;
        require(!present || optional || examined.has(oid), || format!("the extension {oid} is missing"))?;
    }
    for extension in examined.extensions() {
        let named = expected.contains(&(extension.extn_id, true));
        require(named, || format!("the profile has no extension {}", extension.extn_id))?;
    }
    Ok(())
}

/// What RFC 5280 leaves open is not critical.
fn criticality(examined: &Examined<'_>) -> Result<(), String> {
    for oid in
        [oid::CERTIFICATE_POLICIES, oid::CRL_DISTRIBUTION_POINTS, oid::FRESHEST_CRL, oid::OCSP_NO_CHECK]
    {
        let critical = examined.extension(oid).is_some_and(|extension| extension.critical);
        require(!critical, || format!("the extension {oid} is critical"))?;
    }
    Ok(())
}

/// The serial number is as long as those that we draw.
fn serial_number(examined: &Examined<'_>) -> Result<(), String> {
    let octets = examined.fields().serial_number().as_bytes().len();
    require(octets == SerialNumber::OWN_OCTETS, || {
        format!("the serial number has {octets} octets, and ours have {}", SerialNumber::OWN_OCTETS)
    })
}

/// The validity begins and ends when the profile says, counted from now, and begins no earlier than the issuer's.
fn validity(examined: &Examined<'_>) -> Result<(), String> {
    let parts = examined.input().profile.parts();
    if let ValidityRule::AsCertified { bound } = parts.validity {
        return as_certified(examined, bound);
    }
    let now = examined.input().now;
    let dated_back = now.plus_seconds(-i64::from(parts.backdate_seconds));
    let issuer_begins = examined.issuer().map(|issuer| issuer.certificate().validity().not_before());
    let expected = issuer_begins.map_or(dated_back, |begins| begins.max(dated_back));
    require(examined.not_before() == expected, || {
        format!("the validity begins at {}, and by the profile at {expected}", examined.not_before())
    })?;
    // RFC 5280 §4.1.2.5: notAfter is the last second of the period.
    let last = |seconds: i64| now.plus_seconds(seconds - 1);
    let (earliest, latest) = match parts.validity {
        ValidityRule::NoExpiry | ValidityRule::AsCertified { .. } => {
            (UnixTime::NO_EXPIRY, UnixTime::NO_EXPIRY)
        }
        ValidityRule::Fixed { seconds } => (last(seconds), last(seconds)),
        ValidityRule::Range { min_seconds, max_seconds, .. } => (last(min_seconds), last(max_seconds)),
    };
    let not_after = examined.not_after();
    require(earliest <= not_after && not_after <= latest, || {
        format!("the validity ends at {not_after}, and by the profile from {earliest} to {latest}")
    })
}

/// The validity is that to which the profile was bound.
fn as_certified(examined: &Examined<'_>, bound: Option<Validity>) -> Result<(), String> {
    let found = (examined.not_before(), examined.not_after());
    require(bound.is_some_and(|bound| found == (bound.not_before(), bound.not_after())), || {
        format!("the validity from {} to {} is not that of the certificate certified again", found.0, found.1)
    })
}

/// A distinguished name is of single-valued C, O, OU, CN and serialNumber, and not too long.
fn subject(examined: &Examined<'_>) -> Result<(), String> {
    let known = [
        oid::COUNTRY_NAME,
        oid::ORGANIZATION_NAME,
        oid::ORGANIZATIONAL_UNIT_NAME,
        oid::COMMON_NAME,
        oid::SERIAL_NUMBER,
    ];
    let name = examined.fields().subject();
    for rdn in name.iter_rdn() {
        require(rdn.iter().count() == 1, || format!("an RDN of {name} has several attributes"))?;
        for attribute in rdn.iter() {
            require(known.contains(&attribute.oid), || {
                format!("the subject has the attribute {}, which no profile has", attribute.oid)
            })?;
        }
    }
    let octets = name.to_der().map_or(usize::MAX, |der| der.len());
    let fits = match examined.input().profile.parts().subject {
        SubjectRule::DistinguishedName { max_octets } => octets <= usize::from(max_octets),
        SubjectRule::SystemTitle | SubjectRule::Empty | SubjectRule::Label16 => true,
    };
    require(fits, || format!("the subject has {octets} octets, more than the profile allows"))
}

/// The key is on the curve of the profile's suite, and so is the issuer's; a P-384 issuer for P-256 is a declared exception.
fn suite(examined: &Examined<'_>) -> Result<(), String> {
    let profile = examined.input().profile;
    let curve = profile.curve();
    let key = examined.public_key().map(PublicKey::curve);
    require(!key.is_ok_and(|key| key != curve), || format!("the key is not on {curve}"))?;
    // P-384 under P-256 is refused by dlms.01, whatever a profile says.
    let mixed = curve == Curve::P256 && examined.signing_curve() == Some(Curve::P384);
    require(!mixed || profile.parts().transition_issuer, || {
        "the issuer is of suite 2, and the profile declares no transition".to_owned()
    })
}

/// cA and pathLenConstraint are those of the profile.
fn basic_constraints(examined: &Examined<'_>) -> Result<(), String> {
    let expected = examined.input().profile.parts().path_length;
    let found = examined.decoded::<BasicConstraints>(oid::BASIC_CONSTRAINTS);
    let fits = match (&found, expected) {
        (Some(found), Some(_)) => found.ca && found.path_len_constraint == expected,
        // That the extension is there, or is not, is for the rule on extensions.
        (None, _) | (Some(_), None) => true,
    };
    require(fits, || format!("the path length is not {expected:?} as in the profile"))
}

/// The key usage bits are those of the profile.
fn key_usage(examined: &Examined<'_>) -> Result<(), String> {
    let mut expected = FlagSet::<KeyUsages>::default();
    for bit in &examined.input().profile.parts().key_usage {
        expected |= match bit {
            KeyUsageBit::DigitalSignature => KeyUsages::DigitalSignature,
            KeyUsageBit::KeyAgreement => KeyUsages::KeyAgreement,
            KeyUsageBit::KeyCertSign => KeyUsages::KeyCertSign,
            KeyUsageBit::CrlSign => KeyUsages::CRLSign,
        };
    }
    let found = examined.key_usage().0;
    require(found == expected, || format!("the key usage is {found:?}, and by the profile {expected:?}"))
}

/// The alternative names are of the kind and number that the profile allows; a hardwareModuleName repeats the subject.
fn alternative_name(examined: &Examined<'_>) -> Result<(), String> {
    let Some(names) = examined.decoded::<SubjectAltName>(oid::SUBJECT_ALT_NAME) else {
        return Ok(());
    };
    let fits = match &examined.input().profile.parts().alternative_name {
        AlternativeNameRule::Absent => true,
        AlternativeNameRule::HardwareModule { hw_type } => {
            matches!(names.0.as_slice(), [name] if is_module(examined, *hw_type, name))
        }
        AlternativeNameRule::DnsNames { max, .. } => {
            names.0.len() <= usize::from(*max)
                && names.0.iter().all(|name| matches!(name, GeneralName::DnsName(_)))
        }
        AlternativeNameRule::UriOrEmail => matches!(
            names.0.as_slice(),
            [GeneralName::UniformResourceIdentifier(_) | GeneralName::Rfc822Name(_)]
        ),
    };
    require(fits, || format!("the alternative names {:?} are not those of the profile", names.0))
}

fn is_module(examined: &Examined<'_>, hw_type: ObjectIdentifier, name: &GeneralName) -> bool {
    let GeneralName::OtherName(name) = name else { return false };
    let Ok(module) = name.value.decode_as::<HardwareModuleName>() else { return false };
    let octets: Option<[u8; 8]> = module.hw_serial_num.as_bytes().try_into().ok();
    let title = octets.map(SystemTitle::new);
    let common_name = examined.fields().subject().iter().next().map(|attribute| attribute.value.value());
    let repeats = |title: SystemTitle| common_name.is_none_or(|text| title.to_string().as_bytes() == text);
    name.type_id == oid::HARDWARE_MODULE_NAME && module.hw_type == hw_type && title.is_some_and(repeats)
}

/// The one certificate policy is that of the profile, without qualifiers.
fn policy(examined: &Examined<'_>) -> Result<(), String> {
    let Some(found) = examined.decoded::<CertificatePolicies>(oid::CERTIFICATE_POLICIES) else {
        return Ok(());
    };
    let expected = examined.input().profile.parts().policy;
    let fits = match (found.0.as_slice(), expected) {
        ([policy], Some(expected)) => {
            policy.policy_identifier == expected && policy.policy_qualifiers.is_none()
        }
        // Where the profile has none, the rule on extensions says so.
        (_, expected) => expected.is_none(),
    };
    require(fits, || format!("the certificate policies are not {expected:?} as in the profile"))
}

/// The scope that the certificate's own CRLs speak of.
fn scope(examined: &Examined<'_>) -> CrlScope {
    CrlScope::of(examined.input().shard)
}

/// Where the deltas are that a certificate with a distribution point names (RFC 5280 §4.2.1.15).
fn freshest(examined: &Examined<'_>) -> Option<String> {
    let pointed = examined.input().profile.parts().pointers != Pointers::None;
    examined.issuer().filter(|_| pointed)?.freshest_uri(&scope(examined))
}

/// The URIs are those of the issuer, and of the shard that will list the certificate.
fn pointers(examined: &Examined<'_>) -> Result<(), String> {
    let Some(issuer) = examined.issuer() else {
        return Ok(());
    };
    let points = issuer.points();
    for (oid, expected) in [
        (oid::CRL_DISTRIBUTION_POINTS, issuer.crl_uri(&scope(examined))),
        (oid::FRESHEST_CRL, freshest(examined)),
    ] {
        if let Some(found) = examined.decoded::<CrlDistributionPoints>(oid) {
            require(place(&found).as_deref() == expected.as_deref(), || {
                format!("the place in the extension {oid} is not the issuer's, or not that of the shard")
            })?;
        }
    }
    let Some(access) = examined.decoded::<AuthorityInfoAccessSyntax>(oid::AUTHORITY_INFO_ACCESS) else {
        return Ok(());
    };
    for (method, expected) in [(oid::ACCESS_OCSP, &points.ocsp), (oid::ACCESS_CA_ISSUERS, &points.ca_issuers)]
    {
        let found: Vec<_> = access
            .0
            .iter()
            .filter(|description| description.access_method == method)
            .map(|description| description.access_location.clone())
            .collect();
        let expected: Vec<_> = expected.as_deref().into_iter().collect();
        require(uris(&found).as_deref() == Some(&expected), || {
            format!("the access location {method} is not the issuer's")
        })?;
    }
    Ok(())
}

/// Returns the one URI of the one place, if there is no more than that.
fn place(points: &CrlDistributionPoints) -> Option<String> {
    let [point] = points.0.as_slice() else { return None };
    let plain = point.reasons.is_none() && point.crl_issuer.is_none();
    match point.distribution_point.as_ref().filter(|_| plain)? {
        DistributionPointName::FullName(names) => match uris(names)?.as_slice() {
            [uri] => Some((*uri).to_owned()),
            _ => None,
        },
        DistributionPointName::NameRelativeToCRLIssuer(_) => None,
    }
}

/// Returns the names if all of them are URIs.
fn uris(names: &[GeneralName]) -> Option<Vec<&str>> {
    names
        .iter()
        .map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
            GeneralName::OtherName(_)
            | GeneralName::Rfc822Name(_)
            | GeneralName::DnsName(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::IpAddress(_)
            | GeneralName::RegisteredId(_) => None,
        })
        .collect()
}

/// The certificate is not longer than the profile allows, whatever its signature turns out to be.
fn max_octets(examined: &Examined<'_>) -> Result<(), String> {
    let Some(curve) = examined.signing_curve() else { return Ok(()) };
    let octets = examined.input().tbs.len() + around_tbs(curve);
    let max_octets = examined.input().profile.parts().max_octets;
    require(octets <= usize::from(max_octets), || {
        format!("the certificate may have {octets} octets, and the profile allows {max_octets}")
    })
}

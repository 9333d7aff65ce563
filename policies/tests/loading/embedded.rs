//! The profiles that are compiled in, and the variants of them.

use std::collections::BTreeSet;
use std::path::Path;

use ca_core::profile::{
    AlternativeNameRule, CertificateProfile, DeltaTimes, KeyUsageBit, Pointers, ProfileParts, SubjectRule,
    ValidityRule,
};
use ca_core::public_key::KeyIdentifierMethod;
use ca_core::suite::SecuritySuite;
use const_oid::ObjectIdentifier;
use policies::{Origin, ProfileSet, Settings, Variant, VariantError};

/// Every certificate profile, without suite.
const CERTIFICATES: [&str; 41] = [
    "root",
    "root-30y",
    "root-link",
    "sub-factory",
    "sub-operational",
    "sub-maintenance",
    "sub-infra",
    "ocsp",
    "est-tls",
    "meter-factory-ds",
    "meter-factory-ka",
    "meter-factory-tls",
    "meter-op-ds",
    "meter-op-ka",
    "meter-op-tls",
    "gw-factory-ds",
    "gw-factory-ka",
    "gw-factory-tls",
    "gw-op-ds",
    "gw-op-ka",
    "gw-op-tls",
    "hes-ds",
    "hes-ka",
    "hes-tls",
    "hhu-device-tls",
    "hhu-op-ds",
    "hhu-op-ka",
    "hhu-op-tls",
    "hhu-op-offline",
    "fw-signer",
    "fw-signer-dlms",
    "ship-signer",
    "ship-recipient",
    "ra-operator",
    "ra-station",
    "cmp-signer",
    "kga-signer",
    "cross",
    "log-signer",
    "time-stamper",
    "recovery",
];

fn embedded() -> ProfileSet {
    ProfileSet::load_embedded(&Settings::default()).unwrap()
}

#[test]
fn every_profile_is_there_in_both_suites() {
    let expected: BTreeSet<String> =
        CERTIFICATES.iter().flat_map(|name| [format!("{name}-s1"), format!("{name}-s2")]).collect();
    let set = embedded();
    assert_eq!(set.ids().map(ToString::to_string).collect::<BTreeSet<_>>(), expected);
    let crls: Vec<_> = set.crl_ids().map(ToString::to_string).collect();
    assert_eq!(crls, ["crl-deltas", "crl-hourly", "crl-online", "crl-root"]);
    let ocsp: Vec<_> = set.ocsp_ids().map(ToString::to_string).collect();
    assert_eq!(ocsp, ["ocsp-hourly", "ocsp-online"]);
}

#[test]
fn the_suites_of_a_profile_differ_in_nothing_else() {
    let set = embedded();
    for name in CERTIFICATES {
        let parts = |suffix| set.certificate(&format!("{name}-{suffix}")).unwrap().parts().clone();
        let (one, two) = (parts("s1"), parts("s2"));
        assert_eq!((one.suite, two.suite), (SecuritySuite::Suite1, SecuritySuite::Suite2));
        assert_eq!(ProfileParts { id: two.id.clone(), suite: two.suite, ..one }, two);
    }
}

#[test]
fn every_file_of_the_directory_is_compiled_in() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let (loaded, embedded) = (ProfileSet::load_dir(&directory, &Settings::default()).unwrap(), embedded());
    let ids = |set: &ProfileSet| -> Vec<String> {
        set.ids().chain(set.crl_ids()).chain(set.ocsp_ids()).map(ToString::to_string).collect()
    };
    assert_eq!(ids(&loaded), ids(&embedded));
    for id in ids(&embedded) {
        assert_eq!(loaded.certificate(&id), embedded.certificate(&id));
        assert_eq!((loaded.crl(&id), loaded.ocsp(&id)), (embedded.crl(&id), embedded.ocsp(&id)), "{id}");
        let (file, compiled) = (loaded.file(&id).unwrap(), embedded.file(&id).unwrap());
        assert_eq!(file.text(), compiled.text(), "{id}");
        assert!(file.name().ends_with(compiled.name()), "{}", file.name());
        assert_eq!((file.origin(), compiled.origin()), (Origin::Directory, Origin::BuiltIn));
    }
}

#[test]
fn profiles_say_what_their_names_promise() {
    let set = embedded();
    let parts = |id| set.certificate(id).map(CertificateProfile::parts).unwrap();
    let meter = parts("meter-op-tls-s2");
    assert_eq!(meter.subject, SubjectRule::SystemTitle);
    assert_eq!(meter.alternative_name, AlternativeNameRule::Absent);
    assert_eq!(meter.key_usage, [KeyUsageBit::DigitalSignature, KeyUsageBit::KeyAgreement]);
    assert_eq!(meter.validity, ValidityRule::Fixed { seconds: 5 * 365 * 86_400 });
    assert_eq!(meter.pointers, Pointers::None);
    assert!(meter.full_length_signature);
    assert_eq!(parts("meter-factory-ds-s1").validity, ValidityRule::NoExpiry);
    let shift =
        ValidityRule::Range { min_seconds: 900, default_seconds: 12 * 3_600, max_seconds: 24 * 3_600 };
    assert_eq!(parts("hhu-op-ds-s1").validity, shift);
    let short_lived = set.ids().filter(|id| parts(id.as_str()).short_lived).map(ToString::to_string);
    let shifts =
        ["ds", "ka", "offline", "tls"].map(|key| [1, 2].map(|suite| format!("hhu-op-{key}-s{suite}")));
    assert_eq!(short_lived.collect::<BTreeSet<_>>(), shifts.into_iter().flatten().collect());
    assert_eq!(parts("sub-operational-s1").issuing_window_seconds, Some(5 * 365 * 86_400));
    assert!(!parts("est-tls-s1").full_length_signature);
    let issuers: Vec<_> = set.issuers("meter-op-ds-s2").iter().map(ToString::to_string).collect();
    assert_eq!(issuers, ["sub-operational-s2"]);
    let online = set.crl("crl-online").unwrap();
    assert_eq!((online.validity_seconds(), online.reissue_seconds()), (604_800, 86_400));
    assert!(!online.is_offline());
    assert!(set.crl("crl-root").unwrap().is_offline());
    assert_eq!(online.deltas(), None);
    let deltas = DeltaTimes { validity_seconds: 86_400, reissue_seconds: 3_600 };
    assert_eq!(set.crl("crl-deltas").unwrap().deltas(), Some(deltas));
    assert_eq!(set.ocsp("ocsp-online").unwrap().validity_seconds(), 43_200);
    assert!(set.certificate("meter-op-tls").is_none() && set.crl("root-s1").is_none());
}

#[test]
fn the_policy_arc_is_the_deployment_s() {
    let arc = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.7");
    let policy = |settings: &Settings| {
        let set = ProfileSet::load_embedded(settings).unwrap();
        set.certificate("hhu-op-ds-s1").unwrap().parts().policy.unwrap().to_string()
    };
    assert_eq!(policy(&Settings::default()), "1.3.6.1.4.1.32473.1.3");
    assert_eq!(policy(&Settings { policy_arc: arc, ..Settings::default() }), "1.3.6.1.4.1.99999.7.3");
}

#[test]
fn variants_change_what_devices_have_and_nothing_else() {
    let hw_type = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1");
    let set = |variant| ProfileSet::load_embedded(&Settings { variant, ..Settings::default() }).unwrap();
    let (plain, named) = (embedded(), set(Variant::GreenBookSan { hw_type }));
    let (empty, small) = (set(Variant::StrictEmpty { hw_type }), set(Variant::Small));
    for profile in plain.certificates() {
        let id = profile.id().as_str();
        let parts = |set: &ProfileSet| set.certificate(id).unwrap().parts().clone();
        let own = profile.parts().clone();
        let module = AlternativeNameRule::HardwareModule { hw_type };
        let (as_named, as_empty) = if own.subject == SubjectRule::SystemTitle {
            let named = ProfileParts { alternative_name: module, ..own.clone() };
            (named.clone(), ProfileParts { subject: SubjectRule::Empty, ..named })
        } else {
            (own.clone(), own.clone())
        };
        assert_eq!(parts(&named), as_named);
        assert_eq!(parts(&empty), as_empty);
        assert_eq!(parts(&small), ProfileParts { key_identifier: KeyIdentifierMethod::Sha1Short, ..own });
    }
}

#[test]
fn variants_are_named_and_take_a_hw_type_or_none() {
    let hw_type = Some(ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.2.1"));
    for name in Variant::NAMES {
        let needed = matches!(name, "greenbook-san" | "strict-empty");
        let (with, without) = (Variant::named(name, hw_type), Variant::named(name, None));
        let (good, bad, error) = if needed {
            (with, without, VariantError::HwTypeMissing)
        } else {
            (without, with, VariantError::HwTypeNotUsed)
        };
        assert_eq!(good.unwrap().name(), name);
        assert_eq!(bad, Err(error));
    }
    let name = "py-compat".to_owned();
    assert_eq!(Variant::named(&name, None), Err(VariantError::Unknown { name: name.clone() }));
}

//! Faults in profile files: all of them are reported, each with its file and line.

use std::path::Path;

use ca_core::profile::{Approval, RenewalRule, RenewalSpread, RenewalWindow};
use const_oid::ObjectIdentifier;
use policies::{LoadProfileError, ProfileSet, Settings};

use crate::samples::{CRL, METER, OCSP, ROOT};

fn load(files: &[(&str, &str)]) -> Result<ProfileSet, LoadProfileError> {
    ProfileSet::load_files(files.iter().copied(), &Settings::default())
}

/// Returns every fault as `file:line: text`.
fn faults(files: &[(&str, &str)]) -> Vec<String> {
    match load(files) {
        Ok(_) => Vec::new(),
        Err(LoadProfileError::Faulty { faults }) => faults.iter().map(ToString::to_string).collect(),
        Err(other) => vec![other.to_string()],
    }
}

/// Loads the root and the meter with one text in the place of another; returns every fault.
fn meter_with(old: &str, new: &str) -> Vec<String> {
    let meter = METER.replacen(old, new, 1);
    assert_ne!(meter, METER);
    faults(&[("root", ROOT), ("meter", &meter)])
}

#[test]
fn a_policy_and_a_purpose_may_be_given_by_number() {
    let meter = METER.replace("policy = \"operational\"", "policy = \"1.2.3.4\"")
        + "extended_key_usage = [\"1.3.6.1.5.5.7.3.17\", \"clientAuth\"]\n";
    let set = load(&[("root", ROOT), ("meter", &meter)]).unwrap();
    let parts = set.certificate("meter-s1").unwrap().parts();
    assert_eq!(parts.policy, Some(ObjectIdentifier::new_unwrap("1.2.3.4")));
    let purposes = &parts.extended_key_usage.as_ref().unwrap().purposes;
    assert_eq!(purposes[0], ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.17"));
    assert_eq!(purposes[1], ca_core::oid::CLIENT_AUTH);
}

#[test]
fn refuses_an_unknown_key() {
    let found = meter_with("policy =", "polcy = \"x\"\npolicy =");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("meter:11: unknown field `polcy`, expected one of `format`"), "{found:?}");
}

#[test]
fn refuses_a_value_of_the_wrong_type() {
    let found = meter_with("version = 1", "version = \"1\"");
    assert_eq!(found, ["meter:4: invalid type: string \"1\", expected u32"]);
    let found = meter_with("version = 1", "version = -1");
    assert_eq!(found, ["meter:4: invalid value: integer `-1`, expected u32"]);
}

#[test]
fn refuses_a_word_that_is_none() {
    let found = meter_with("system-title", "meter");
    let words = "expected one of `system-title`, `distinguished-name`, `label-16`";
    assert_eq!(found, [format!("meter:8: unknown variant `meter`, {words}")]);
}

#[test]
fn reports_every_fault_of_every_file_with_its_line() {
    let meter = METER
        .replace("version = 1", "version = true")
        .replace("[\"digitalSignature\"]", "[\"signing\", \"digitalSignature\", \"keyEncipherment\"]")
        .replace("\"operational\"\n", "\"operating\"\n")
        + "colour = \"red\"\nvalidity_days = 3\n";
    let found = faults(&[("a", &meter), ("b", &CRL.replace('7', "seven"))]);
    let starts = [
        "a:4: invalid type: boolean `true`, expected u32",
        "a:7: unknown variant `operating`",
        "a:9: unknown variant `signing`",
        "a:9: unknown variant `keyEncipherment`",
        "a:11: \"operating\" is neither a dotted object identifier nor one of factory, operational,",
        "a:12: unknown field `colour`",
        "a:13: `validity_days` says again what `validity_years` says",
        "b:4: ",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for start in starts {
        assert!(found.iter().any(|fault| fault.starts_with(start)), "{start}: {found:#?}");
    }
}

#[test]
fn reports_every_syntax_error() {
    let found = faults(&[("meter", "format = 1\nkind = \nid = \"x\nversion = 1\nversion = 2\n")]);
    for line in ["meter:2: ", "meter:3: ", "meter:5: "] {
        assert!(found.iter().any(|fault| fault.starts_with(line)), "{line}: {found:?}");
    }
}

#[test]
fn reports_every_missing_key() {
    let found = faults(&[
        ("a", "format = 1\nkind = \"certificate\"\n"),
        ("b", "format = 1\nkind = \"crl\"\n"),
        ("c", "format = 1\nkind = \"ocsp\"\n"),
    ]);
    let missing = |file: &str, keys: &[&str]| {
        keys.iter().map(|key| format!("{file}:1: the key `{key}` is missing")).collect::<Vec<_>>()
    };
    let keys = ["suites", "id", "version", "hierarchy", "subject", "key_usage", "validity", "issuers"];
    let expected = [
        missing("a", &keys),
        missing("b", &["id", "validity", "reissue"]),
        missing("c", &["id", "validity", "max_requests"]),
    ];
    assert_eq!(found, expected.concat());
}

#[test]
fn refuses_other_formats_and_kinds() {
    let format = "meter:1: this is not format 1, the only one known: write `format = 1`";
    assert_eq!(meter_with("format = 1", "format = 2"), [format]);
    assert_eq!(meter_with("format = 1", "format = \"1\""), [format]);
    assert_eq!(faults(&[("empty", "")]), [format.replace("meter", "empty")]);
    let found = meter_with("\"certificate\"", "\"key\"");
    assert!(found[0].starts_with("meter:2: a profile file is of a kind"), "{found:?}");
}

#[test]
fn refuses_two_profiles_of_one_name() {
    let taken = "b:3: there is a profile crl in a already";
    assert_eq!(faults(&[("a", CRL), ("b", CRL)]), [taken]);
    assert_eq!(faults(&[("a", CRL), ("b", &OCSP.replace("answers", "crl"))]), [taken]);
    let both = METER.replace("[1]", "[1, 2]");
    let found = faults(&[("root", ROOT), ("a", METER), ("b", &both)]);
    assert_eq!(found, ["b:3: there is a profile meter-s1 in a already"]);
}

#[test]
fn refuses_names_and_suites_that_are_none() {
    let found = meter_with("id = \"meter\"", "id = \"Meter 1\"");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("meter:3: a profile is named by"), "{found:?}");
    for suites in ["[]", "[0]", "[1, 1]", "[1, 3]"] {
        let found = meter_with("suites = [1]", &format!("suites = {suites}"));
        assert_eq!(found, ["meter:5: the suites are [1], [2] or [1, 2]"], "{suites}");
    }
}

#[test]
fn refuses_lengths_that_are_said_twice_or_contradict() {
    let said = |key, other| format!("meter:11: `{key}` says again what `{other}` says");
    let found = meter_with("policy =", "validity_days = 1\npolicy =");
    assert_eq!(found, [said("validity_days", "validity_years")]);
    let found = meter_with("validity_years = 10", "validity = \"no-expiry\"\nvalidity_max_days = 1");
    assert_eq!(found, [said("validity_max_days", "validity")]);
    let found = meter_with("validity_years = 10", "validity_min_days = 2\nvalidity_days = 1");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("meter:11: validity lengths are positive and in order"), "{found:?}");
}

#[test]
fn refuses_keys_that_have_no_effect() {
    for (key, without) in [
        ("subject_max_octets = 100", "subject = \"distinguished-name\""),
        ("alternative_name_max = 2", "alternative_name = \"dns-names\""),
        ("extended_key_usage_critical = true", "extended_key_usage"),
    ] {
        let name = key.split(' ').next().unwrap();
        let found = meter_with("policy =", &format!("{key}\npolicy ="));
        assert_eq!(found, [format!("meter:11: `{name}` has no effect without `{without}`")]);
    }
}

#[test]
fn refuses_a_profile_that_is_not_sound_once_for_both_suites() {
    let root = ROOT.replace("[1]", "[1, 2]");
    let meter = METER.replace("[1]", "[1, 2]") + "pointers = \"crl\"\nmax_octets = 200\n";
    let pointers = "carries no CRL distribution point and no authority information access";
    assert_eq!(
        faults(&[("root", &root), ("meter", &meter)]),
        [
            format!("meter:12: a meter-facing certificate {pointers}"),
            "meter:13: the longest certificate is 300 to 4096 octets, not 200".to_owned()
        ]
    );
}

#[test]
fn refuses_crl_and_ocsp_profiles_that_are_not_sound() {
    for crl in [CRL.replace("reissue_days = 1", "reissue_days = 4"), CRL.replace("= 7", "= 11")] {
        let found = faults(&[("crl", &crl)]);
        assert!(found[0].starts_with("crl:4: a CRL is replaced after"), "{found:?}");
    }
    let yearly = CRL.replace("= 7", "= 366") + "offline = true\n";
    assert!(faults(&[("crl", &yearly)]).is_empty());
    let found = faults(&[("ocsp", &OCSP.replace("16", "65"))]);
    assert!(found[0].starts_with("ocsp:4: OCSP answers are valid for"), "{found:?}");
    for days in ["0", "36526"] {
        let found = faults(&[("ocsp", &OCSP.replace("3650", days))]);
        assert!(found[0].starts_with("ocsp:7: expired certificates are answered for 1 to"), "{found:?}");
    }
    let found = faults(&[("ocsp", &OCSP.replace("extended-revoked", "good"))]);
    assert!(found[0].starts_with("ocsp:6:") && found.len() == 1, "{found:?}");
}

#[test]
fn refuses_issuers_that_are_not_there_or_are_no_ca() {
    let found = meter_with("[\"root\"]", "[\"root\", \"sub\"]");
    assert_eq!(found, ["meter:6: there is no CA profile sub-s1 that could issue meter-s1"]);
    let found = meter_with("[\"root\"]", "[\"meter\"]");
    assert_eq!(found, ["meter:6: there is no CA profile meter-s1 that could issue meter-s1"]);
    let found = meter_with("[\"root\"]", "[]");
    assert_eq!(found, ["meter:6: only a CA can be self-signed: `issuers` must name one"]);
}

// RFC 5280 §6.1.3 (a)(2): a path is valid only while each of its certificates is.
#[test]
fn refuses_a_profile_whose_certificates_could_outlive_their_issuer() {
    let outlives = ["meter:6: meter-s1 issued at the end of root-s1's issuing window would outlive it"];
    assert_eq!(meter_with("validity_years = 10", "validity = \"no-expiry\""), outlives);
    assert_eq!(meter_with("validity_years = 10", "validity_years = 31"), outlives);
    let window = |years: u8| format!("{ROOT}issuing_window_years = {years}\n");
    assert!(faults(&[("root", &window(20)), ("meter", METER)]).is_empty());
    assert_eq!(faults(&[("root", &window(21)), ("meter", METER)]), outlives);
}

#[test]
fn loads_a_directory_and_says_which_file_is_at_fault() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("root.toml"), ROOT).unwrap();
    std::fs::write(path("meter.toml"), METER).unwrap();
    std::fs::write(path("meter.toml~"), "not a profile").unwrap();
    let set = ProfileSet::load_dir(directory.path(), &Settings::default()).unwrap();
    assert_eq!(set.ids().count(), 2);
    std::fs::write(path("meter.toml"), METER.replace("10", "ten")).unwrap();
    let error = ProfileSet::load_dir(directory.path(), &Settings::default()).unwrap_err().to_string();
    assert!(error.contains(&format!("\n{}:10: ", path("meter.toml").display())), "{error}");
}

#[test]
fn refuses_a_directory_that_is_empty_missing_or_unreadable() {
    let directory = tempfile::tempdir().unwrap();
    let load = |path: &Path| ProfileSet::load_dir(path, &Settings::default());
    assert!(matches!(load(directory.path()), Err(LoadProfileError::Empty { .. })));
    assert!(matches!(load(&directory.path().join("none")), Err(LoadProfileError::Unreadable { .. })));
    let file = directory.path().join("latin-1.toml");
    std::fs::write(&file, b"# Z\xE4hler\n").unwrap();
    let Err(LoadProfileError::Unreadable { path, .. }) = load(directory.path()) else {
        panic!("a file that is not UTF-8 is refused");
    };
    assert_eq!(path, file);
}

#[test]
fn operators_approve_what_the_file_says_and_never_the_certificate_of_a_ca() {
    let approval = |lines: &str| {
        let meter = format!("{METER}{lines}");
        let set = load(&[("root", ROOT), ("meter", &meter)]).unwrap();
        set.certificate("meter-s1").unwrap().parts().approval
    };
    assert_eq!(approval(""), Approval::NotNeeded);
    assert_eq!(approval("approval = \"one\"\n"), Approval::One);
    assert_eq!(approval("approval = \"two\"\n"), Approval::Two);
    let root = format!("{ROOT}approval = \"two\"\n");
    let found = faults(&[("root", &root), ("meter", METER)]);
    let told = |fault: &String| fault.contains("the quorum of a ceremony approves certificates of CAs");
    assert!(!found.is_empty() && found.iter().all(told), "{found:?}");
}

#[test]
fn short_lived_is_an_end_entity_of_seven_days_at_most_without_pointers() {
    let short = METER.replace("validity_years = 10", "validity_days = 7") + "short_lived = true\n";
    let set = load(&[("root", ROOT), ("meter", &short)]).unwrap();
    assert!(set.certificate("meter-s1").unwrap().parts().short_lived);
    let told = "a short-lived certificate is an end entity's, valid for at most 7 days";
    let refused = |files: &[(&str, &str)], place: &str| {
        let found = faults(files);
        assert!(found.iter().any(|fault| fault.starts_with(place) && fault.contains(told)), "{found:?}");
    };
    refused(&[("root", ROOT), ("meter", &short.replace("= 7", "= 8"))], "meter:12: ");
    let server = short.replace("system-title", "distinguished-name") + "pointers = \"crl\"\n";
    refused(&[("root", ROOT), ("meter", &server)], "meter:12: ");
    let root = ROOT.replace("validity_years = 30", "validity_days = 7") + "short_lived = true\n";
    refused(&[("root", &root), ("meter", METER)], "root:12: ");
}

// E-10: what a profile says of renewal, and what it cannot say.
#[test]
fn e_10_the_renewal_window_is_the_second_half_unless_the_file_says_otherwise() {
    let rule = |lines: &str| {
        let meter = format!("{METER}{lines}");
        let set = load(&[("root", ROOT), ("meter", &meter)]).unwrap();
        set.certificate("meter-s1").unwrap().parts().renewal
    };
    assert_eq!(rule(""), RenewalRule::DEFAULT);
    let last = RenewalWindow::Last { seconds: 30 * 86_400 };
    assert_eq!(rule("renewal_window_days = 30\n").window, last);
    assert_eq!(
        rule("renewal_window = \"any-time\"\nrenewal_limit = 9\n"),
        RenewalRule { window: RenewalWindow::AnyTime, limit: 9, ..RenewalRule::DEFAULT }
    );
    assert_eq!(rule("").spread, RenewalSpread::TenthOfWindow);
    let days = |days: i64| RenewalSpread::First { seconds: days * 86_400 };
    assert_eq!(rule("renewal_window_days = 30\nrenewal_spread_days = 15\n").spread, days(15));
    assert_eq!(rule("renewal_window = \"any-time\"\nrenewal_spread_days = 0\n").spread, days(0));
    for (lines, told) in [
        ("renewal_window_days = 0\n", "meter:12: a renewal window is positive"),
        ("renewal_window_days = 40000\n", "meter:12: a renewal window is positive"),
        (
            "renewal_window_days = 30\nrenewal_spread_days = 16\n",
            "meter:13: a renewal spread leaves at least half",
        ),
        (
            "renewal_window = \"any-time\"\nrenewal_spread_days = 1\n",
            "meter:13: a renewal spread leaves at least half",
        ),
        ("renewal_limit = 0\n", "meter:12: a certificate may be renewed at least once"),
        (
            "renewal_window_days = 3\nrenewal_window = \"any-time\"\n",
            "meter:12: `renewal_window_days` says again what `renewal_window` says",
        ),
        ("renewal_window = \"never\"\n", "meter:12: unknown variant `never`"),
    ] {
        let meter = format!("{METER}{lines}");
        let found = faults(&[("root", ROOT), ("meter", &meter)]);
        assert!(found.iter().all(|fault| fault.starts_with(told)) && !found.is_empty(), "{found:?}");
    }
}

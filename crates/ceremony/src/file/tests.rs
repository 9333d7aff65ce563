//! Tests of reading ceremony files.

use super::act::{ActKind, Succession};
use super::*;
use crate::sample::{self, PEOPLE, ROOT_A};

fn faults(text: &str) -> Vec<String> {
    match CeremonyFile::parse(text.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(CeremonyFileError { faults }) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// Refused with one fault, in the line in which `at` begins, that says `what`.
fn refused(text: &str, at: &str, what: &str) {
    let line = 1 + text.split_at(text.rfind(at).unwrap()).0.matches('\n').count();
    let faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(
        faults[0].starts_with(&format!("line {line}: ")) && faults[0].contains(what),
        "{line}: {faults:#?}"
    );
}

#[test]
fn reads_every_kind_of_act() {
    let file = CeremonyFile::parse(sample::everything().as_bytes()).unwrap();
    let kinds: Vec<&str> = file.acts().iter().map(|act| act.kind.name()).collect();
    let all = "found-root crl sign-sub-ca sign-sub-ca sign-sub-ca cross-certificate revoke close-sub-ca \
               crl-series found-root link-certificates destroy-key";
    assert_eq!(kinds.join(" "), all);
    assert_eq!(file.acts().last().unwrap().number, 12);
    assert!(
        matches!(&file.acts()[3].kind, ActKind::SignSubCa(act) if matches!(act.succession, Succession::Renews(_)))
    );
    assert_eq!(file.quorum(), Some(Quorum { threshold: 3, holders: 5 }));
    assert_eq!(file.held().to_string(), "2026-11-28T09:00:00Z");
}

#[test]
fn a_series_has_each_period_begin_before_the_last_one_ends() {
    let file = CeremonyFile::parse(sample::everything().as_bytes()).unwrap();
    let Some(ActKind::CrlSeries(series)) = file.act(9).map(|act| &act.kind) else { panic!("no series") };
    assert_eq!(series.periods.len(), 4);
    let days = |from: UnixTime, to: UnixTime| (to.seconds() - from.seconds()) / 86_400;
    for pair in series.periods.windows(2) {
        assert_eq!(days(pair[0].this_update, pair[1].this_update), 91);
        assert_eq!(days(pair[1].this_update, pair[0].next_update), 30);
        assert_eq!(pair[1].release, pair[1].this_update);
    }
}

#[test]
fn r_01_the_fingerprint_is_that_of_the_octets_of_the_file() {
    let text = sample::everything();
    let file = CeremonyFile::parse(text.as_bytes()).unwrap();
    let other = CeremonyFile::parse(format!("{text}\n").as_bytes()).unwrap();
    assert_eq!(*file.fingerprint(), Fingerprint::of(text.as_bytes()));
    assert_ne!(file.fingerprint(), other.fingerprint());
}

#[test]
fn refuses_keys_that_it_does_not_know() {
    let text = sample::founding().replace("title =", "titel = 1\ntitle =");
    refused(&text, "titel", "unknown field `titel`");
    let text = sample::founding().replace("kind = \"found-root\"", "kind = \"found-root\"\nvalid_days = 3");
    assert!(faults(&text)[0].contains("unknown field `valid_days`"), "{:?}", faults(&text));
}

#[test]
fn r_13_refuses_one_person_in_two_roles() {
    let text = sample::founding().replace("name = \"Wim\"", "name = \"Olga\"");
    assert!(faults(&text)[0].contains("Olga has the name or the key of Olga"), "{:?}", faults(&text));
    let text = sample::founding().replace(&sample::key_of(2), &sample::key_of(1));
    assert!(faults(&text)[0].contains("Wim has the name or the key of Olga"), "{:?}", faults(&text));
}

#[test]
fn r_13_refuses_a_role_that_does_not_exist_and_a_ceremony_without_witness() {
    let text = sample::founding().replace("role = \"witness\"", "role = \"onlooker\"");
    assert!(faults(&text)[0].contains("there is no role \"onlooker\""), "{:?}", faults(&text));
    let text = sample::founding().replace("role = \"witness\"", "role = \"auditor\"");
    assert!(faults(&text)[0].contains("at least one witness"));
}

#[test]
fn r_02_refuses_a_quorum_that_cannot_be_had() {
    for impossible in [0, 1, 6] {
        let text = sample::founding().replace("threshold = 3", &format!("threshold = {impossible}"));
        refused(&text, "[quorum]", &format!("a quorum of {impossible} cannot be had of 5"));
    }
    let text = sample::founding().replace("role = \"share-holder\"", "role = \"auditor\"");
    refused(&text, "[quorum]", "of 0 share-holders");
}

#[test]
fn r_18_refuses_a_token_that_is_addressed_by_its_slot() {
    let token = |more: &str| {
        let keys = format!("keys = {{ store = \"token\", module = \"/m.so\", key_label = \"root\"{more} }}");
        sample::founding().replace("keys = { store = \"shared\" }", &keys)
    };
    assert_eq!(faults(&token(", label = \"A\", serial = \"01\"")), [""; 0]);
    for more in
        [", label = \"A\", serial = \"01\", slot = 0", ", slot = 0", ", label = \"A\"", ", serial = \"01\""]
    {
        refused(&token(more), "[[root]]", "never by slot");
    }
}

#[test]
fn refuses_acts_on_roots_that_are_not_there() {
    let text = format!("{}\n[[act]]\nkind = \"found-root\"\nroot = \"b\"\n", sample::founding());
    refused(&text, "[[act]]", "there is no root b in this file");
    let text = format!("{}\n[[act]]\nkind = \"found-root\"\nroot = \"{ROOT_A}\"\n", sample::founding());
    refused(&text, "[[act]]", "is there already");
    let text = sample::founding()
        .replace("kind = \"found-root\"", "kind = \"destroy-key\"\nkey = \"root\"\nwhy = \"x\"");
    let faults = faults(&text);
    assert!(faults.iter().all(|fault| fault.contains("neither founded by an earlier act")), "{faults:?}");
}

#[test]
fn refuses_acts_on_a_root_whose_key_is_destroyed() {
    let text = format!(
        "{}\n[[act]]\nkind = \"destroy-key\"\nroot = \"{ROOT_A}\"\nkey = \"root\"\nwhy = \"end\"\n{}",
        sample::founding(),
        sample::crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z")
    );
    refused(&text, "[[act]]", "is destroyed by an earlier act");
}

#[test]
fn r_03_refuses_times_that_cannot_be() {
    for (this_update, next_update, what) in [
        ("2026-11-28T09:00:00Z", "2026-11-28T09:00:00Z", "is not after"),
        ("2026-11-28T09:00:00Z", "2028-11-28T09:00:00Z", "366 days at most"),
        ("2027-11-28T09:00:00Z", "2028-01-28T09:00:00Z", "more than a day after the ceremony"),
    ] {
        let text = format!("{}{}", sample::founding(), sample::crl(this_update, next_update));
        refused(&text, "[[act]]", what);
    }
    let text = sample::founding().replace("held = \"2026-11-28T09:00:00Z\"", "held = \"now\"");
    refused(&text, "held", "a time is written as");
}

#[test]
fn refuses_series_that_lead_nowhere() {
    let series = |change: (&str, &str)| sample::everything().replace(change.0, change.1);
    for (from, to, what) in [
        ("every_days = 91", "every_days = 0", "every_days"),
        ("count = 4", "count = 0", "count"),
        ("overlap_days = 30", "overlap_days = 300", "366 days"),
        ("overlap_days = 30", "overlap_days = 30\nreleases = [\"2026-12-01T00:00:00Z\"]", "releases"),
    ] {
        let faults = faults(&series((from, to)));
        assert!(faults.len() == 1 && faults[0].contains(what), "{faults:?}");
    }
}

#[test]
fn refuses_to_link_roots_of_different_names() {
    let text = sample::everything().replace("common_name = \"Example Root a\"", "common_name = \"Another\"");
    // The first of the two is renamed back, so that they differ.
    let text = text.replacen("common_name = \"Another\"", "common_name = \"Example Root a\"", 1);
    let faults = faults(&text);
    assert!(faults.len() == 1 && faults[0].contains("a and next have different subjects"), "{faults:?}");
}

#[test]
fn refuses_profiles_that_are_not_a_roots() {
    let text = sample::founding().replace("profile = \"root\"", "profile = \"meter-op-ds\"");
    refused(&text, "[[root]]", "there is no profile meter-op-ds-s1 of a root");
}

#[test]
fn reports_every_fault_in_the_order_of_lines() {
    let text = sample::founding().replace("format = 1", "format = 2").replace("root = \"a\"", "root = \"c\"");
    let faults = faults(&text);
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults[0].contains("format is 2") && faults[1].contains("no root c"));
}

#[test]
fn r_04_an_input_that_is_absent_or_another_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = CeremonyFile::parse(sample::everything().as_bytes()).unwrap();
    let absent = file.read_inputs(folder.path()).unwrap_err();
    assert_eq!(absent.len(), 5);
    std::fs::write(folder.path().join("factory.request"), b"other").unwrap();
    let faults = file.read_inputs(folder.path()).unwrap_err();
    assert!(faults[0].to_string().starts_with("factory.request has the SHA-256 d9298a10"), "{}", faults[0]);
    std::fs::write(folder.path().join("factory.request"), b"request").unwrap();
    assert_eq!(file.read_inputs(folder.path()).unwrap_err().len(), 2, "three acts take it in");
}

#[test]
fn people_are_known_by_their_keys() {
    let file = CeremonyFile::parse(sample::founding().as_bytes()).unwrap();
    let witness = file.people().named(PEOPLE[2].0).unwrap();
    assert_eq!(file.people().by_key(&witness.fingerprint()), Some(witness));
    assert_eq!(file.people().iter().count(), PEOPLE.len());
}

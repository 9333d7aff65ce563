//! Ceremonies that took another course than the file and the rules say, although operator and witness signed every step.

use super::*;
use crate::file::act::RootKey;
use crate::sample::held::root_name;
use crate::sample::{PEOPLE, SoftKeys, person};
use crate::transcript::action::{KnownPerson, TokenKey, TokenName, TokenSeen};

/// The findings of a ceremony that was closed after these steps.
fn course(hold: impl FnOnce(&mut Held<'_>)) -> Vec<String> {
    let mut held = Held::open(&FILE, false);
    hold(&mut held);
    findings(&held.close())
}

fn says(found: &[String], what: &str) {
    assert!(found.iter().any(|finding| finding.contains(what)), "{found:#?}");
}

fn shares(root: &str, holders: &[&str]) -> Action {
    let holders = holders.iter().map(|name| person(&FILE, name).into()).collect();
    Action::SharesCombined { root: root_name(root), holders }
}

#[test]
fn r_02_too_few_share_holders_or_one_twice_or_somebody_else_is_found() {
    says(&course(|held| held.step(shares("a", &["Sara", "Samir"]))), "2 share-holders came, and 3 must");
    says(&course(|held| held.step(shares("a", &["Sara", "Sara", "Sven"]))), "named twice");
    says(&course(|held| held.step(shares("a", &["Sara", "Samir", "Wim"]))), "Wim is no share-holder");
}

#[test]
fn r_13_two_people_of_one_name_are_told_apart_by_their_keys() {
    let holder = |name: &str| KnownPerson::from(person(&FILE, name));
    let come_together = |key: Fingerprint| {
        let another = KnownPerson { person: "Sara".to_owned(), key };
        let holders = vec![holder("Samir"), holder("Sven"), another];
        course(|held| held.step(Action::SharesCombined { root: root_name("a"), holders }))
    };
    let what = "Sara is no share-holder known by this key";
    // Another Sara, of whom the ceremony file knows nothing; and the key of somebody else under this name.
    for key in [Fingerprint::new(SoftKeys::public(20).fingerprint()), holder("Simon").key, holder("Wim").key]
    {
        says(&come_together(key), what);
    }
    assert!(!come_together(holder("Sara").key).iter().any(|finding| finding.contains(what)));
}

#[test]
fn r_02_a_signature_without_the_share_holders_is_found() {
    let found = course(|held| held.found(1, "a", 10));
    says(&found, "it was signed before the share-holders of a came together");
}

#[test]
fn an_act_left_out_done_twice_or_out_of_turn_is_found() {
    let left_out = course(|held| {
        held.shares("a");
        held.found(1, "a", 10);
    });
    says(&left_out, "act 2 was not done");
    says(&course(|held| held.act(2, |_| {})), "act 2 does not come next");
    let twice = course(|held| {
        held.shares("a");
        held.found(1, "a", 10);
        held.act(1, |_| {});
    });
    says(&twice, "act 1 does not come next");
}

#[test]
fn an_act_that_makes_nothing_is_found() {
    says(&course(|held| held.act(1, |_| {})), "act 1 made 0 objects of the kind certificate");
}

#[test]
fn r_05_what_is_signed_although_its_draft_breaks_rules_is_found() {
    let found = course(|held| {
        held.shares("a");
        held.act(1, |held| {
            let object = crate::file::act::FileName::try_from("a.crt".to_owned()).unwrap();
            let (to_be_signed, lints) = (Fingerprint::of(b""), vec!["a rule".to_owned()]);
            held.step(Action::Drafted { act: 1, object: object.clone(), to_be_signed, lints });
            held.step(Action::Signed { act: 1, object, sha256: Fingerprint::of(b"") });
        });
    });
    says(&found, "signed although its draft breaks rules");
}

#[test]
fn r_01_r_12_r_13_what_must_come_first_does() {
    let file = CeremonyFile::parse(held::text().as_bytes()).unwrap();
    let mut held = Held::begin(&file);
    held.step(Action::Incident { what: "nobody opened it".to_owned() });
    held.step(Action::ActBegun { act: 1 });
    let found = findings(&held.close());
    says(&found, "a ceremony is opened once, at its first step");
    says(&found, "before the ceremony was opened");
    says(
        &course(|held| held.step(Action::InputReadAloud { sha256: Fingerprint::of(b"") })),
        "another ceremony file",
    );
    let present = vec!["Ada".to_owned(), "Olga".to_owned()];
    says(&course(|held| held.step(Action::PeopleConfirmed { present })), "no witness was present");
    let present = PEOPLE.iter().map(|(name, _)| (*name).to_owned()).chain(["Zoe".to_owned()]).collect();
    says(&course(|held| held.step(Action::PeopleConfirmed { present })), "Zoe was present");
}

#[test]
fn nothing_comes_after_the_end() {
    let found = course(|held| {
        held.step(Action::Closed);
        held.step(Action::Incident { what: "the door".to_owned() });
    });
    says(&found, "the ceremony was closed before");
}

#[test]
fn r_21_a_ceremony_broken_off_destroys_the_keys_that_it_did_not_use() {
    let key = Fingerprint::new(SoftKeys::public(10).fingerprint());
    let (root, purpose) = (root_name("a"), RootKey::Root);
    let broken_off = |held: &mut Held<'_>| {
        held.step(Action::ActBegun { act: 1 });
        held.step(Action::KeyMade { root: root.clone(), purpose, key });
        held.step(Action::Aborted { why: "the printer burns".to_owned() });
    };
    says(&course(broken_off), "an unused key of a was not destroyed");
    let destroyed = course(|held| {
        broken_off(held);
        held.step(Action::KeyDestroyed { root: root.clone(), purpose, key, how: "overwritten".to_owned() });
    });
    let of_course: Vec<_> = destroyed.iter().filter(|what| what.starts_with("transcript")).collect();
    assert!(of_course.is_empty(), "{destroyed:#?}");
    let went_on = course(|held| {
        broken_off(held);
        held.step(shares("a", &["Sara", "Samir", "Sven"]));
    });
    says(&went_on, "broken off before");
}

#[test]
fn r_07_a_ceremony_that_resumes_begins_its_act_once_more() {
    let mut held = Held::open(&FILE, false);
    held.shares("a");
    held.step(Action::ActBegun { act: 1 });
    held.step(Action::Resumed { why: "power cut".to_owned() });
    assert!(verify(&held.all_from_the_first().close()).is_intact());
    says(
        &course(|held| {
            held.step(Action::ActBegun { act: 1 });
            held.step(Action::ActBegun { act: 1 });
        }),
        "act 1 does not come next",
    );
}

/// The ceremony with the keys of its first root on a token.
fn on_a_token() -> CeremonyFile {
    let keys =
        "keys = { store = \"token\", module = \"/m.so\", label = \"A\", serial = \"01\", key_label = \"r\" }";
    CeremonyFile::parse(held::text().replacen("keys = { store = \"shared\" }", keys, 1).as_bytes()).unwrap()
}

#[test]
fn r_02_an_act_on_a_token_that_the_share_holders_did_not_sign_is_found() {
    let file = on_a_token();
    let mut held = Held::open(&file, false);
    held.step(Action::ActBegun { act: 1 });
    says(&findings(&held.close()), "0 of the 3 share-holders who are needed signed");
}

/// What a ceremony on a token is found to be, when this one was seen.
fn seen(rehearsal: bool, serial: &str, change: impl FnOnce(&mut TokenSeen)) -> Vec<String> {
    let key = TokenKey {
        label: "r".to_owned(),
        key: Fingerprint::of(b"k"),
        sensitive: true,
        always_sensitive: true,
        extractable: false,
        never_extractable: true,
        local: true,
    };
    let text = || "SoftHSM".to_owned();
    let mut seen = TokenSeen {
        root: root_name("a"),
        label: "A".to_owned(),
        serial: serial.to_owned(),
        manufacturer: text(),
        model: text(),
        firmware: text(),
        keys: vec![key],
        stands_for: None,
    };
    change(&mut seen);
    let file = on_a_token();
    let mut held = Held::open(&file, rehearsal);
    held.step(Action::TokenSeen(seen));
    held.shares("a");
    held.found(1, "a", 10);
    findings(&held.close())
}

#[test]
fn r_18_another_token_or_a_key_that_could_have_left_it_is_found() {
    let another = seen(false, "02", |_| {});
    says(&another, "the token A 02 is not the one of the ceremony file");
    says(&another, "it was signed before the token of a was seen");
    let extractable = seen(false, "01", |seen| {
        (seen.keys[0].extractable, seen.keys[0].never_extractable) = (true, false);
    });
    says(&extractable, "could have left the token");
    assert!(!seen(false, "01", |_| {}).iter().any(|what| what.contains("token")));
}

#[test]
fn a_soft_token_takes_the_place_of_the_named_one_in_a_rehearsal_and_only_there() {
    let stands_for = |serial: &'static str| {
        move |seen: &mut TokenSeen| {
            seen.stands_for = Some(TokenName { label: "A".to_owned(), serial: serial.to_owned() });
        }
    };
    assert!(!seen(true, "77", stands_for("01")).iter().any(|what| what.contains("token")));
    says(&seen(true, "77", stands_for("02")), "the token A 02 is not the one of the ceremony file");
    says(&seen(true, "01", stands_for("01")), "the rehearsal used the token of the ceremony file itself");
    for (rehearsal, serial, found) in
        [(true, "01", seen(true, "01", |_| {})), (false, "77", seen(false, "77", stands_for("01")))]
    {
        assert!(
            found.iter().any(|what| what.contains("in a rehearsal, and only there")),
            "{rehearsal} {serial} {found:?}"
        );
    }
}

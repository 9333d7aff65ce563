//! What profiles said: every version once, with one record of those that came together, over reopenings, copies and two who say so.

use ca_core::audit::Act;
use ca_core::ports::ProfileVersions;
use ca_core::profile::ProfileId;
use ca_core::record::{ProfileKind, ProfileStatement, ProfileVersion, ProfilesInForce};
use ca_core::validity::UnixTime;

use super::backup::{copied, restored};
use super::ground::{Ground, LedgerTold, NOW, tenant};
use crate::Store;

fn id(name: &str) -> ProfileId {
    ProfileId::parse(name).unwrap()
}

fn says(text: &str) -> ProfileStatement {
    ProfileStatement {
        kind: ProfileKind::Certificate,
        version: Some(1),
        file: "profile.toml".to_owned(),
        built_in: false,
        text: text.to_owned(),
        fields: vec![("validity".to_owned(), "10 years".to_owned())],
    }
}

fn enter(store: &Store, at: UnixTime, profiles: &[(&str, &ProfileStatement)]) -> Vec<ProfileVersion> {
    let profiles = profiles.iter().map(|(name, says)| (id(name), (*says).clone())).collect();
    let actor = "process:serve".to_owned();
    store.record_profiles(ProfilesInForce { at, tenant: tenant("dso"), actor, profiles }).unwrap()
}

fn numbers(versions: &[ProfileVersion]) -> Vec<(String, u32, u64)> {
    versions.iter().map(|one| (one.profile.to_string(), one.number, one.record)).collect()
}

fn records(store: &Store) -> usize {
    store.acts().iter().filter(|act| **act == Act::ProfilesInForce).count()
}

fn only_what_says_something_else_is_a_version_and_all_that_come_together_have_one_record(ground: &Ground) {
    let store = ground.open();
    let (one, other) = (says("one"), says("other"));
    let first = enter(&store, NOW, &[("one", &one), ("other", &other)]);
    let record = first.first().unwrap().record;
    assert_eq!(numbers(&first), [("one".to_owned(), 1, record), ("other".to_owned(), 1, record)]);
    assert_eq!(enter(&store, NOW.plus_seconds(1), &[("one", &one), ("other", &other)]), []);
    assert_eq!(records(&store), 1);

    let changed = says("one, and more");
    let second = enter(&store, NOW.plus_seconds(2), &[("one", &changed), ("other", &other)]);
    assert_eq!((second.len(), records(&store)), (1, 2));
    // Back to what it said at first: a version of its own, since certificates were issued meanwhile.
    enter(&store, NOW.plus_seconds(3), &[("one", &one), ("other", &other)]);
    drop(store);

    let store = ground.open();
    let versions = store.profile_versions(&id("one")).unwrap();
    let told: Vec<_> = versions.iter().map(|one| (one.number, one.since, one.says.text.as_str())).collect();
    let later = |seconds| NOW.plus_seconds(seconds);
    assert_eq!(told, [(1, NOW, "one"), (2, later(2), "one, and more"), (3, later(3), "one")]);
    assert_eq!(store.profile_versions(&id("other")).unwrap().len(), 1);
    assert_eq!(store.profile_versions(&id("on")).unwrap(), []);
}

fn texts_of_any_length_come_back_as_they_were(ground: &Ground) {
    let store = ground.open();
    let long = ProfileStatement {
        kind: ProfileKind::Ocsp,
        version: None,
        fields: (0..500).map(|place| (format!("key_{place}"), "value".repeat(place))).collect(),
        ..says(&"ä line of a file\n".repeat(10_000))
    };
    let entered = enter(&store, NOW, &[("long", &long), ("empty", &says(""))]);
    assert_eq!(store.profile_versions(&id("long")).unwrap(), &entered[..1]);
    assert_eq!(store.profile_versions(&id("long")).unwrap().first().unwrap().says, long);
    assert_eq!(store.profile_versions(&id("empty")).unwrap().first().unwrap().says.text, "");
}

fn a_copy_has_them(ground: &Ground) {
    let store = ground.open();
    enter(&store, NOW, &[("one", &says(&"text ".repeat(2_000)))]);
    let known = store.profile_versions(&id("one")).unwrap();
    let (rows, _) = copied(&store);
    let (_directory, copy) = restored(rows, ground.kind);
    assert_eq!(copy.profile_versions(&id("one")).unwrap(), known);
}

super::on_every_engine! {
    only_what_says_something_else_is_a_version_and_all_that_come_together_have_one_record,
    texts_of_any_length_come_back_as_they_were,
    a_copy_has_them,
}

//! Every subset of holders, every octet of a share, every way to hand in the wrong one.

use std::path::{Path, PathBuf};

use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use p256::elliptic_curve::Generate;
use proptest::prelude::*;
use signer_file::{Iterations, Passphrase};

use super::combining::{CombineSharesError, ShareSources, check, combine};
use super::dealing::{DealSharesError, DealWish, HolderWish, deal, split};
use super::holder::Holder;
use super::share::{ParseShareError, ReadShareError, Share};
use super::share_set::ShareSet;
use super::wrap_key::WrapKey;
use crate::explain::{Exit, Explained};
use crate::new_file::{self, Readers};

const NAMES: [&str; 6] = ["Anna", "Ben", "Clara", "Dora", "Emil", "Frida"];

/// A set, its shares in files, and the passphrases in files beside them.
struct Dealt {
    folder: tempfile::TempDir,
    wrap_key: WrapKey,
    set: ShareSet,
    shares: Vec<Share>,
}

fn passphrase(name: &str) -> Passphrase {
    Passphrase::new(format!("canary of {name}").into_bytes().into()).unwrap()
}

fn public_key() -> PublicKey {
    let key = p256::ecdsa::SigningKey::generate();
    PublicKey::from_point(Curve::P256, key.verifying_key().to_sec1_point(false).as_bytes()).unwrap()
}

fn dealt(threshold: u8, of: usize) -> Dealt {
    let holders = NAMES[..of].iter().map(|name| Holder::new(name, &public_key()).unwrap()).collect();
    let passphrases: Vec<_> = NAMES[..of].iter().map(|name| passphrase(name)).collect();
    let (wrap_key, set, shares) = split(threshold, holders, &passphrases, Iterations::LEAST).unwrap();
    let dealt = Dealt { folder: tempfile::tempdir().unwrap(), wrap_key, set, shares };
    for (share, name) in dealt.shares.iter().zip(NAMES) {
        dealt.put(name, share.to_text().as_bytes());
        let secret = format!("canary of {name}\n");
        new_file::create(&dealt.pass(name), secret.as_bytes(), Readers::Owner).unwrap();
    }
    dealt
}

impl Dealt {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn pass(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.pass"))
    }

    fn put(&self, name: &str, octets: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), octets).unwrap();
        self.path(name)
    }

    /// Combines share files under the passphrases of these holders.
    fn combine(&self, given: &[(&str, &str)]) -> Result<Vec<String>, CombineSharesError> {
        let files = given.iter().map(|(file, _)| self.path(file)).collect();
        let passphrase_files = given.iter().map(|(_, holder)| self.pass(holder)).collect();
        let combined = combine(&self.set, &ShareSources { files, passphrase_files })?;
        assert_eq!(combined.wrap_key.commitment(self.set.id), self.wrap_key.commitment(self.set.id));
        Ok(combined.holders.iter().map(ToString::to_string).collect())
    }

    fn combine_own(&self, names: &[&str]) -> Result<Vec<String>, CombineSharesError> {
        self.combine(&names.iter().map(|name| (*name, *name)).collect::<Vec<_>>())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn every_subset_of_at_least_m_gives_the_key_and_no_smaller_one_does(
        (threshold, of) in (2_usize..=6).prop_flat_map(|of| (2..=u8::try_from(of).unwrap(), Just(of)))
    ) {
        let dealt = dealt(threshold, of);
        for chosen in 0_u32..1 << of {
            let names: Vec<&str> =
                NAMES[..of].iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, name)| *name).collect();
            let needed = usize::from(threshold);
            match dealt.combine_own(&names) {
                Ok(holders) => prop_assert!(names.len() >= needed && holders == names),
                Err(CombineSharesError::TooFew { given, needed: wanted, absent }) => {
                    prop_assert!(names.len() < needed && given == names.len() && wanted == needed);
                    prop_assert_eq!(absent.len(), of - names.len());
                }
                Err(other) => return Err(TestCaseError::fail(other.to_string())),
            }
        }
    }
}

#[test]
fn r_02_one_share_less_than_needed_says_how_many_are_missing_and_whose_would_do() {
    let refusal = dealt(3, 5).combine_own(&["Anna", "Dora"]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "2 of the 3 shares that are needed are given: 1 missing, of Ben, Clara, Emil"
    );
    assert_eq!((refusal.exit(), refusal.code()), (Exit::Permission, "share.too-few"));
}

#[test]
fn r_02_the_same_share_twice_is_named_be_it_under_another_file_name() {
    let dealt = dealt(3, 5);
    dealt.put("copy", dealt.shares[1].to_text().as_bytes());
    for second in ["Ben", "copy"] {
        let refusal = dealt.combine(&[("Anna", "Anna"), ("Ben", "Ben"), (second, "Ben")]).unwrap_err();
        assert!(refusal.to_string().starts_with("share 2, of Ben, is given twice"), "{refusal}");
        assert_eq!((refusal.exit(), refusal.code()), (Exit::Permission, "share.repeated"));
    }
}

#[test]
fn r_02_every_octet_of_a_share_that_is_altered_is_found_and_its_holder_named() {
    let dealt = dealt(2, 3);
    let whole = dealt.shares[1].to_text().into_bytes();
    for place in 0..whole.len() {
        let line = 1 + whole[..place].iter().filter(|octet| **octet == b'\n').count();
        for turned in [0x01, 0x20, 0x80, 0xff] {
            let mut octets = whole.clone();
            octets[place] ^= turned;
            dealt.put("altered", &octets);
            let refusal = dealt.combine(&[("Anna", "Anna"), ("altered", "Ben")]).unwrap_err();
            let said = refusal.to_string();
            assert!(said.starts_with("share 2, of Ben ("), "{place}: {said}");
            assert!(said.contains("altered or mistyped"), "{place}: {said}");
            assert_eq!((refusal.exit(), refusal.code()), (Exit::Permission, "share.altered"));
            // A line that was joined to the next or cut in two is told by its number too.
            assert!(
                said.contains(&format!("in line {line}")) || said.contains("lines are"),
                "{place}: {said}"
            );
        }
    }
}

#[test]
fn r_02_lines_that_are_missing_doubled_or_in_another_order_are_found() {
    let dealt = dealt(2, 3);
    let text = dealt.shares[0].to_text();
    let lines: Vec<&str> = text.lines().collect();
    let written = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(Share::parse(&written(&lines)).unwrap(), dealt.shares[0]);
    for place in 0..lines.len() {
        let (mut missing, mut doubled) = (lines.clone(), lines.clone());
        missing.remove(place);
        doubled.insert(place, lines[place]);
        for text in [written(&missing), written(&doubled)] {
            assert!(matches!(Share::parse(&text), Err(ParseShareError::Altered { .. })), "{text}");
        }
        if place > 0 {
            let mut swapped = lines.clone();
            swapped.swap(place - 1, place);
            assert!(matches!(
                Share::parse(&written(&swapped)),
                Err(ParseShareError::Altered { line: None, .. })
            ));
        }
    }
    assert!(Share::parse(text.trim_end()).is_err() && Share::parse(&format!("{text}\n")).is_err());
    for other in ["", "\n", "-----BEGIN CERTIFICATE-----\n"] {
        assert_eq!(Share::parse(other).unwrap_err(), ParseShareError::NoShare);
    }
}

#[test]
fn r_02_a_share_of_another_set_is_named_with_its_holder() {
    let (dealt, other) = (dealt(2, 3), dealt(2, 3));
    dealt.put("foreign", other.shares[1].to_text().as_bytes());
    let refusal = dealt.combine(&[("Anna", "Anna"), ("foreign", "Ben")]).unwrap_err();
    assert!(refusal.to_string().starts_with("share 2, of Ben ("), "{refusal}");
    assert!(refusal.to_string().contains(&other.set.id.to_string()), "{refusal}");
    assert_eq!((refusal.exit(), refusal.code()), (Exit::Permission, "share.foreign"));
}

#[test]
fn r_02_a_forged_share_that_opens_and_names_the_set_is_named_before_any_key_is_made() {
    let dealt = dealt(2, 3);
    let holder = |number| dealt.set.member(number).unwrap().holder.clone();
    let (_, mut forged_set, _) = split(
        2,
        vec![holder(1), holder(2), holder(3)],
        &["Anna", "Ben", "Clara"].map(passphrase),
        Iterations::LEAST,
    )
    .unwrap();
    forged_set.id = dealt.set.id;
    let points = WrapKey::draw().unwrap().split(2, 3);
    let head = dealt.shares[1].head().clone();
    let forged = Share::seal(head, &points[1], &passphrase("Ben"), Iterations::LEAST).unwrap();
    dealt.put("forged", forged.to_text().as_bytes());
    let refusal = dealt.combine(&[("Anna", "Anna"), ("forged", "Ben")]).unwrap_err();
    assert!(refusal.to_string().starts_with("share 2, of Ben ("), "{refusal}");
    assert_eq!((refusal.exit(), refusal.code()), (Exit::Integrity, "share.forged"));
    // And one that names somebody else as its holder.
    let mut head = dealt.shares[1].head().clone();
    head.holder = holder(3);
    let forged = Share::seal(head, &points[1], &passphrase("Ben"), Iterations::LEAST).unwrap();
    dealt.put("forged", forged.to_text().as_bytes());
    let refusal = dealt.combine(&[("Anna", "Anna"), ("forged", "Ben")]).unwrap_err();
    assert_eq!(refusal.code(), "share.forged");
    // A description that is wrong in itself gives no key either.
    let mut wrong = Dealt { set: dealt.set.clone(), ..dealt };
    wrong.set.wrap_key[0] ^= 1;
    let sources = ShareSources {
        files: ["Anna", "Ben"].map(|name| wrong.path(name)).to_vec(),
        passphrase_files: ["Anna", "Ben"].map(|name| wrong.pass(name)).to_vec(),
    };
    assert!(matches!(combine(&wrong.set, &sources), Err(CombineSharesError::WrongKey)));
}

#[test]
fn a_wrong_passphrase_names_whose_share_it_does_not_open() {
    let dealt = dealt(2, 3);
    let refusal = dealt.combine(&[("Anna", "Anna"), ("Clara", "Ben")]).unwrap_err();
    assert!(refusal.to_string().starts_with("the passphrase does not open share 3, of Clara"), "{refusal}");
    assert_eq!((refusal.exit(), refusal.code()), (Exit::Permission, "secret.wrong"));
    let alone = |name: &str, pass: &str| check(None, &dealt.path(name), Some(&dealt.pass(pass))).map(drop);
    alone("Clara", "Clara").unwrap();
    assert_eq!(alone("Clara", "Ben").unwrap_err().code(), "secret.wrong");
}

#[test]
fn a_share_says_nothing_without_its_passphrase() {
    let dealt = dealt(2, 3);
    for share in &dealt.shares {
        let text = format!("{}{share:?}{:?}", share.to_text(), dealt.wrap_key).replace([' ', '\n'], "");
        let point = share.open(&passphrase(share.head().holder.name())).unwrap();
        assert!(!text.contains(&hex::encode(point.octets())), "{text}");
    }
    assert_eq!(format!("{:?}", dealt.wrap_key), "WrapKey(not shown)");
}

/// A wish for holders with the public keys in these files.
fn wish(folder: &Path, threshold: u8, holders: &[(&str, &str)]) -> DealWish {
    let holder = |(place, (name, key)): (usize, &(&str, &str))| HolderWish {
        name: (*name).to_owned(),
        key: folder.join(key),
        out: folder.join(format!("out-{place}")),
    };
    let passphrase_files = vec![folder.join("pass"); holders.len()];
    DealWish { holders: holders.iter().enumerate().map(holder).collect(), threshold, passphrase_files }
}

fn folder_with_keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    new_file::create(&folder.path().join("pass"), b"canary", Readers::Owner).unwrap();
    for name in ["a", "b", "c"] {
        let spki = public_key().spki_der().to_vec();
        let pem = der::pem::encode_string("PUBLIC KEY", der::pem::LineEnding::LF, &spki).unwrap();
        new_file::create(&folder.path().join(name), pem.as_bytes(), Readers::Everybody).unwrap();
    }
    folder
}

#[test]
fn r_02_two_shares_for_one_person_are_refused_at_creation() {
    let folder = folder_with_keys();
    for twice in [[("Anna", "a"), ("Ben", "a")], [("Anna", "a"), ("anna", "b")]] {
        let refusal = deal(&wish(folder.path(), 2, &twice)).unwrap_err();
        assert!(matches!(refusal, DealSharesError::SamePerson { .. }), "{refusal}");
        assert_eq!((refusal.exit(), refusal.code()), (Exit::Usage, "share.same-person"));
    }
    deal(&wish(folder.path(), 2, &[("Anna", "a"), ("Ben", "b")])).unwrap();
}

#[test]
fn quorums_that_protect_nothing_or_cannot_be_met_are_refused() {
    let folder = folder_with_keys();
    let three = [("Anna", "a"), ("Ben", "b"), ("Clara", "c")];
    for (threshold, of) in [(0, 3), (1, 3), (4, 3), (2, 1), (2, 0)] {
        let refusal = deal(&wish(folder.path(), threshold, &three[..of])).unwrap_err();
        assert_eq!(refusal.code(), "share.quorum", "{threshold} of {of}");
    }
    let many: Vec<String> = (0..17).map(|number| format!("Person {number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "a")).collect();
    assert_eq!(deal(&wish(folder.path(), 2, &many)).unwrap_err().code(), "share.quorum");
}

#[test]
fn nothing_is_dealt_to_a_file_that_exists_or_for_a_key_that_is_none() {
    let folder = folder_with_keys();
    let two = [("Anna", "a"), ("Ben", "b")];
    let code = |wish: &DealWish| deal(wish).unwrap_err().code();
    assert_eq!(code(&wish(folder.path(), 2, &[("Anna", "a"), ("Ben", "pass")])), "person.public-key");
    assert_eq!(code(&wish(folder.path(), 2, &[("Anna", "a"), ("Ben", "absent")])), "person.public-key");
    assert_eq!(code(&wish(folder.path(), 2, &[("Anna", "a"), ("B\nen", "b")])), "share.name");
    let mut one_file = wish(folder.path(), 2, &two);
    one_file.holders[1].out = one_file.holders[0].out.clone();
    assert_eq!(code(&one_file), "file.exists");
    let mut one_passphrase = wish(folder.path(), 2, &two);
    one_passphrase.passphrase_files.pop();
    assert_eq!(code(&one_passphrase), "secret.unusable");
    new_file::create(&folder.path().join("out-1"), b"", Readers::Owner).unwrap();
    assert_eq!(code(&wish(folder.path(), 2, &two)), "file.exists");
}

#[test]
fn a_description_is_read_as_it_was_written_and_not_otherwise() {
    let set = dealt(2, 3).set;
    let text = set.to_text().unwrap();
    assert_eq!(ShareSet::from_text(&text).unwrap(), set);
    for (from, to) in [
        ("\"format\": 1", "\"format\": 2"),
        ("\"number\": 2", "\"number\": 3"),
        ("\"threshold\"", "\"other\""),
        ("Ben", ""),
    ] {
        assert!(ShareSet::from_text(&text.replacen(from, to, 1)).is_none(), "{from}");
    }
}

#[test]
fn whose_share_it_was_is_told_even_when_two_lines_became_one() {
    let dealt = dealt(2, 3);
    let text = dealt.shares[1].to_text();
    let joined = text.replacen("\nholder", " holder", 1);
    dealt.put("altered", joined.as_bytes());
    let refusal = dealt.combine(&[("altered", "Ben")]).unwrap_err();
    assert!(refusal.to_string().starts_with("share 2, of Ben ("), "{refusal}");
    let without_set = Share::load(&dealt.path("altered")).unwrap_err();
    assert!(matches!(without_set, ReadShareError::Altered { line: Some(3), .. }), "{without_set}");
    assert!(without_set.to_string().starts_with("the share of the holder of the key "), "{without_set}");
}

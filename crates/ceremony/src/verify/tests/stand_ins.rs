//! Rehearsals of ceremonies on roots of earlier ones, in which a stand-in takes the place of each.

use super::*;
use crate::file::act::RootKey;
use crate::sample::SoftKeys;
use crate::sample::held::root_name;
use ca_core::certificate::Certificate;
use ca_core::issuance::draft::{DraftInput, draft};
use ca_core::issuer::SignedBy;
use ca_core::ports::Signer;
use ca_core::serial_number::SerialNumber;
use ca_core::signing::assemble;
use ca_core::subject::Subject;
use ca_core::validity::{UnixTime, Validity};

/// The key of root `a`.
const KEY: u8 = 10;

/// The text of a ceremony with a root of an earlier one: only a CRL is signed.
fn file(root: &Certificate) -> CeremonyFile {
    let plan = "keys = { store = \"shared\" }";
    let text = crate::sample::founding()
        .replace(plan, &format!("{plan}\ncertificate = \"{}\"", Fingerprint::of(root.der())))
        .replace("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "")
        + &crate::sample::crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z");
    CeremonyFile::parse(text.as_bytes()).unwrap()
}

/// The root that the file names.
fn original() -> Certificate {
    Certificate::from_der(bundle().file("outputs/a.crt").unwrap()).unwrap()
}

fn stood_in(root: &str, certificate: &Certificate, stands_for: &Certificate) -> Action {
    let sum = |certificate: &Certificate| Fingerprint::of(certificate.der());
    Action::StoodIn { root: root_name(root), certificate: sum(certificate), stands_for: sum(stands_for) }
}

/// What is done before the file is read aloud in a rehearsal that is in order; returns the certificate of the stand-in.
fn stand_in(held: &mut Held<'_>) -> Certificate {
    held.key_made("a", RootKey::Root, KEY);
    let certificate = held.stand_in("a");
    held.step(stood_in("a", &certificate, &original()));
    certificate
}

/// A ceremony which began in this way, under the certificate that is returned, and then signed a CRL.
fn signed(rehearsal: bool, revoked: bool, before: impl FnOnce(&mut Held<'_>) -> Certificate) -> Bundle {
    let file = file(&original());
    let mut root = None;
    let mut held = Held::open_with(&file, rehearsal, None, |held| root = Some(before(held)));
    let root = root.unwrap();
    held.shares("a");
    held.take_in("a.crt", root.der());
    held.root_from_before("a", root.der());
    let period = held.periods(1)[0];
    held.act(1, |held| held.crl(1, "a-1.crl", period, revoked));
    held.close()
}

/// What such a ceremony is found to be.
fn held(rehearsal: bool, before: impl FnOnce(&mut Held<'_>) -> Certificate) -> Report {
    verify(&signed(rehearsal, false, before))
}

/// A rehearsal that was opened, and nothing more.
fn opened(file: &CeremonyFile) -> Held<'_> {
    let mut held = Held::begin(file);
    let title = file.title().to_owned();
    held.step(Action::Opened { title, rehearsal: true, tool: held::tool() });
    held
}

#[track_caller]
fn says(report: &Report, what: &str) {
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|finding| finding.contains(what)), "{found:#?}");
}

#[test]
fn a_rehearsal_on_a_root_from_before_is_held_on_its_stand_in_and_says_so() {
    let report = held(true, stand_in);
    assert_eq!(report.findings, []);
    assert_eq!(report.checked.crls, 1);
    assert!(report.remarks.iter().any(|remark| remark.contains("a stand-in took the place of the root a")));
    assert!(report.rehearsal && report.to_string().contains("list nothing from before"));
}

#[test]
fn a_forged_stand_in_in_a_ceremony_is_found() {
    says(&held(false, stand_in), "in a rehearsal, and only there");
    // Nor does one that nobody uses pass.
    let unused = held(false, |held| {
        let certificate = held.stand_in("a");
        held.step(stood_in("a", &certificate, &original()));
        original()
    });
    says(&unused, "in a rehearsal, and only there");
}

#[test]
fn a_rehearsal_in_which_nothing_stands_in_is_found_before_its_first_act() {
    says(&held(true, |_| original()), "nothing stands in for the root a");
    // Also with a certificate of its own that no step tells of.
    says(&held(true, |held| held.stand_in("a")), "not the certificate of the root a that was reviewed");
}

#[test]
fn a_stand_in_is_another_root_than_the_one_that_it_stands_for() {
    let itself = held(true, |held| {
        held.key_made("a", RootKey::Root, KEY);
        held.step(stood_in("a", &original(), &original()));
        original()
    });
    says(&itself, "the rehearsal used the root a itself");
    let without_a_key = held(true, |held| {
        let certificate = held.stand_in("a");
        held.step(stood_in("a", &certificate, &original()));
        certificate
    });
    says(&without_a_key, "its key was not made in this rehearsal");
}

#[test]
fn a_stand_in_for_another_root_or_of_another_name_is_found() {
    let another = held(true, |held| {
        held.key_made("a", RootKey::Root, KEY);
        let certificate = held.stand_in("a");
        held.step(stood_in("a", &certificate, &certificate));
        certificate
    });
    says(&another, "stands for another certificate than the ceremony file names");
    let unknown = held(true, |held| {
        let certificate = stand_in(held);
        held.step(stood_in("b", &certificate, &original()));
        certificate
    });
    says(&unknown, "there is no root b in the ceremony file");
    let renamed = named_otherwise("Example Root z");
    says(&renamed, "it is not what the ceremony file says of the root a");
}

/// A rehearsal whose stand-in has another name than the root of the file.
fn named_otherwise(name: &str) -> Report {
    let own = file(&original());
    let text = String::from_utf8(own.octets().to_vec()).unwrap().replace("Example Root a", name);
    let other = CeremonyFile::parse(text.as_bytes()).unwrap();
    let certificate = Held::begin(&other).stand_in("a");
    held(true, |held| {
        held.key_made("a", RootKey::Root, KEY);
        held.step(stood_in("a", &certificate, &original()));
        certificate
    })
}

/// A certificate that a key signs for itself, under a profile of the file and for so many seconds, or for ever.
fn drafted(key: u8, profile: &str, seconds: Option<i64>) -> Certificate {
    let file = file(&original());
    let (plan, key) = (&file.roots()[0], SoftKeys::public(key));
    let profile = plan.loaded.certificate(profile).unwrap();
    let end = seconds.map_or(UnixTime::NO_EXPIRY, |seconds| file.held().plus_seconds(seconds));
    let tbs = draft(&DraftInput {
        signed_by: SignedBy::Itself,
        profile,
        subject: &Subject::distinguished(plan.subject.distinguished_name().unwrap()),
        public_key: &key,
        serial: &SerialNumber::parse("4711").unwrap(),
        validity: Validity::new(file.held(), end).unwrap(),
        shard: None,
    });
    let tbs = tbs.unwrap();
    let signature = SoftKeys.sign(&key.key_ref(), &tbs).unwrap();
    Certificate::from_der(&assemble(&tbs, &signature).unwrap()).unwrap()
}

#[test]
fn a_stand_in_of_another_profile_validity_or_suite_is_found() {
    let file = file(&original());
    // Nothing is signed with it.
    let taken_in = |key: u8, profile, seconds| {
        let certificate = drafted(key, profile, seconds);
        let mut held = Held::open_with(&file, true, None, |held| {
            held.key_made("a", RootKey::Root, key);
            held.step(stood_in("a", &certificate, &original()));
        });
        held.take_in("a.crt", certificate.der());
        verify(&held.close()).findings
    };
    let amiss = |finding: &BundleFinding| finding.file.as_deref() == Some("inputs/a.crt");
    assert!(!taken_in(KEY, "root-s1", None).iter().any(amiss));
    let wrong =
        [(KEY, "root-s1", Some(86_400)), (KEY, "sub-operational-s1", None), (KEY + 1, "root-s1", None)];
    for (key, profile, seconds) in wrong {
        let found = taken_in(key, profile, seconds);
        let found = found.iter().find(|finding| amiss(finding)).unwrap();
        assert_eq!(found.what, "it is not what the ceremony file says of the root a");
    }
}

#[test]
fn a_stand_in_is_made_once_and_before_the_file_is_read_aloud() {
    let twice = held(true, |held| {
        let certificate = stand_in(held);
        held.step(stood_in("a", &certificate, &original()));
        certificate
    });
    says(&twice, "a has two stand-ins");
    let file = file(&original());
    let mut late = Held::open(&file, true);
    stand_in(&mut late);
    says(&verify(&late.close()), "before the file is read aloud");
    let mut unknown = opened(&file);
    stand_in(&mut unknown);
    says(&verify(&unknown.close()), "after people confirmed who they are");
}

#[test]
fn a_stand_in_has_one_key_and_it_is_made_in_a_rehearsal() {
    let more = held(true, |held| {
        let certificate = stand_in(held);
        held.key_made("a", RootKey::Root, KEY + 2);
        certificate
    });
    says(&more, "no act is under way that makes a key of a");
    let real = held(false, |held| {
        held.key_made("a", RootKey::Root, KEY);
        original()
    });
    says(&real, "no act is under way that makes a key of a");
}

#[test]
fn r_21_a_rehearsal_broken_off_destroys_the_key_of_a_stand_in_that_never_was_one() {
    let file = file(&original());
    let broken_off = |destroys: bool| {
        let mut held = opened(&file);
        let present = file.people().iter().map(|person| person.name.clone()).collect();
        held.step(Action::PeopleConfirmed { present });
        held.key_made("a", RootKey::Root, KEY);
        held.step(Action::Aborted { why: "the printer burns".to_owned() });
        let key = Fingerprint::new(SoftKeys::public(KEY).fingerprint());
        if destroys {
            let (root, how) = (root_name("a"), "overwritten".to_owned());
            held.step(Action::KeyDestroyed { root, purpose: RootKey::Root, key, how });
        }
        verify(&held.close())
    };
    says(&broken_off(false), "an unused key of a was not destroyed");
    assert_eq!(broken_off(true).findings, []);
}

#[test]
fn a_crl_of_a_stand_in_lists_nothing_that_the_rehearsal_did_not_revoke() {
    says(&verify(&signed(true, true, stand_in)), "stands on it, and nobody revoked it");
}

#[test]
fn r_08_r_14_a_changed_octet_of_a_rehearsal_on_a_stand_in_is_found() {
    mutate(&signed(true, false, stand_in), 997);
}

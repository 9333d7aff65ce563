//! From one ceremony to the next, held in memory.

use super::*;
use crate::earlier::{EarlierError, HeldRehearsal, PreviousCeremony};
use crate::file::act::RootKey;
use crate::sample::held::root_name;

/// The text of a second ceremony, which signs one CRL with the root of the first.
fn text(previous: &str, root: &Fingerprint) -> String {
    let plan = format!("keys = {{ store = \"shared\" }}\ncertificate = \"{root}\"");
    crate::sample::founding()
        .replace("\n[quorum]", &format!("previous = \"{previous}\"\n\n[quorum]"))
        .replace("keys = { store = \"shared\" }", &plan)
        .replace("\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n", "")
        + &crate::sample::crl("2026-11-28T09:00:00Z", "2027-05-28T09:00:00Z")
}

fn manifest(bundle: &Bundle) -> String {
    Fingerprint::of(bundle.file(MANIFEST).unwrap()).to_string()
}

/// A second ceremony; `taken_in` is the CRL from before, the CRL signed has `number`, and the revoked entry if `revoked`.
fn second(first: &Bundle, taken_in: Option<&str>, number: u64, revoked: bool) -> Bundle {
    let root = first.file("outputs/a.crt").unwrap();
    let file = CeremonyFile::parse(text(&manifest(first), &Fingerprint::of(root)).as_bytes()).unwrap();
    let mut held = Held::open(&file, false);
    held.shares("a");
    held.take_in("a.crt", root);
    held.root_from_before("a", root);
    if let Some(name) = taken_in {
        held.take_in("a.crl", first.file(name).unwrap());
    }
    held.number = number;
    let period = held.periods(1)[0];
    held.act(1, |held| held.crl(1, "a-4.crl", period, revoked));
    held.close()
}

fn says(report: &Report, file: &str, what: &str) {
    let found: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(|finding| finding.starts_with(file) && finding.contains(what)), "{found:#?}");
}

#[test]
fn a_ceremony_goes_on_where_the_one_before_ended() {
    let first = bundle();
    for taken_in in [Some("outputs/a-3.crl"), None] {
        let report = verify_after(&second(&first, taken_in, 4, true), first.clone());
        assert_eq!(report.findings, []);
        assert_eq!(report.previous.map(|value| value.to_string()), Some(manifest(&first)));
        assert!(report.to_string().contains("Follows"));
    }
}

// RFC 5280 §5.2.3: the numbers of the CRLs of one issuer increase, also from one ceremony to the next.
#[test]
fn a_crl_that_does_not_follow_the_last_one_of_the_ceremony_before_is_found() {
    let first = bundle();
    let older = second(&first, Some("outputs/a-2.crl"), 3, true);
    assert!(verify(&older).is_intact(), "the bundle alone does not tell");
    says(&verify_after(&older, first.clone()), "inputs/a.crl", "its number 2 does not follow 3");
    let same_number = second(&first, None, 3, true);
    assert!(verify(&same_number).is_intact(), "the bundle alone does not tell");
    says(&verify_after(&same_number, first.clone()), "outputs/a-4.crl", "its number 3 does not follow 3");
    let vanished = second(&first, None, 4, false);
    says(
        &verify_after(&vanished, first),
        "outputs/a-4.crl",
        "0123 stood on the last CRL of the previous ceremony",
    );
}

// What a stand-in signs is worth nothing: neither numbers nor entries go on.
#[test]
fn a_rehearsal_on_a_stand_in_goes_on_from_nothing_and_that_is_remarked() {
    let first = bundle();
    let root = first.file("outputs/a.crt").unwrap();
    let file = CeremonyFile::parse(text(&manifest(&first), &Fingerprint::of(root)).as_bytes()).unwrap();
    let mut stand_in = None;
    let mut held = Held::open_with(&file, true, file.previous(), |held| {
        held.key_made("a", RootKey::Root, 10);
        let der = held.stand_in("a").der().to_vec();
        let (root, certificate, stands_for) =
            (root_name("a"), Fingerprint::of(&der), *file.roots()[0].certificate.as_ref().unwrap());
        held.step(Action::StoodIn { root, certificate, stands_for });
        stand_in = Some(der);
    });
    let stand_in = stand_in.unwrap();
    held.shares("a");
    held.take_in("a.crt", &stand_in);
    held.root_from_before("a", &stand_in);
    let period = held.periods(1)[0];
    held.act(1, |held| held.crl(1, "a-1.crl", period, false));
    let report = verify_after(&held.close(), first);
    assert_eq!(report.findings, []);
    assert!(
        report
            .remarks
            .iter()
            .any(|remark| remark.contains("are not held against 3 of the previous ceremony"))
    );
}

#[test]
fn another_bundle_or_one_that_does_not_verify_is_not_the_ceremony_before() {
    let first = bundle();
    let then = second(&first, Some("outputs/a-3.crl"), 4, true);
    says(&verify_after(&then, then.clone()), "ceremony.toml", "it names the previous ceremony");
    let mut changed = files(&first);
    *changed.get_mut("outputs/a.crt").unwrap().last_mut().unwrap() ^= 1;
    says(
        &verify_after(&then, Bundle::new(changed.clone())),
        "the previous bundle is not as its ceremony left it",
        "",
    );

    let file = CeremonyFile::parse(then.file(CEREMONY).unwrap()).unwrap();
    assert!(PreviousCeremony::of(&file, first.clone()).is_ok());
    let refused = |bundle| PreviousCeremony::of(&file, bundle).unwrap_err();
    assert!(matches!(refused(then), EarlierError::AnotherCeremony { .. }));
    // The manifest is the one that is named, and what it lists was changed.
    assert!(matches!(refused(Bundle::new(changed)), EarlierError::Altered(_)));
    assert!(matches!(PreviousCeremony::of(&FILE, first), Err(EarlierError::NoneNamed)));
}

#[test]
fn a_root_that_changed_its_certificate_between_ceremonies_is_found() {
    let first = bundle();
    let root = Fingerprint::of(first.file("outputs/b.crt").unwrap());
    let file = CeremonyFile::parse(text(&manifest(&first), &root).as_bytes()).unwrap();
    let report = verify_after(&Held::open(&file, false).close(), first.clone());
    says(&report, "ceremony.toml", "the root a had the certificate");
    let founds = text(&manifest(&first), &root).replace(&format!("\ncertificate = \"{root}\""), "").replacen(
        "\n[[act]]",
        "\n[[act]]\nkind = \"found-root\"\nroot = \"a\"\n\n[[act]]",
        1,
    );
    let file = CeremonyFile::parse(founds.as_bytes()).unwrap();
    let report = verify_after(&Held::open(&file, false).close(), first);
    says(&report, "ceremony.toml", "the root a is founded, and the previous ceremony had one of this name");
}

#[test]
fn an_act_before_the_previous_bundle_was_verified_is_found() {
    let first = bundle();
    let root = Fingerprint::of(first.file("outputs/a.crt").unwrap());
    let file = CeremonyFile::parse(text(&manifest(&first), &root).as_bytes()).unwrap();
    let opened_after = |previous: Option<&Fingerprint>| {
        let mut held = Held::open_after(&file, false, previous);
        held.step(Action::ActBegun { act: 1 });
        let found = findings(&held.close());
        move |what: &str| found.iter().any(|finding| finding.contains(what))
    };
    let never = "an act begins before the bundle of the previous ceremony was verified";
    let another = "another ceremony was before than the file names";
    assert!(!opened_after(file.previous())(never) && !opened_after(file.previous())(another));
    assert!(opened_after(None)(never));
    assert!(opened_after(Some(&root))(another));
}

#[test]
fn a_rehearsal_is_one_of_the_same_file_octet_for_octet() {
    let rehearsed = Held::open(&FILE, true).all().close();
    assert_eq!(
        HeldRehearsal::of(&FILE, rehearsed.clone()).unwrap().manifest().to_string(),
        manifest(&rehearsed)
    );
    assert!(matches!(HeldRehearsal::of(&FILE, bundle()), Err(EarlierError::NotARehearsal)));
    let other = held::text().replace("The first ceremony", "The same under another title");
    let other = CeremonyFile::parse(other.as_bytes()).unwrap();
    assert!(matches!(HeldRehearsal::of(&other, rehearsed), Err(EarlierError::AnotherFile { .. })));
}

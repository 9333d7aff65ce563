//! The chapter on coming from another program, step by step as it stands in `docs/operate/migrate.md`, on the records of real
//! `openssl ca` and real CFSSL.

use std::fs;
use std::process::Command;

use e2e::chapter::steps;
use e2e::judged::is_sound;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl, run};
use serde_json::Value;

use crate::elsewhere::{
    CHAPTER, FIRST_CRL, NAME, OldAuthority, adopted, crl_text, entry, number, ocsp, published, shell,
};

/// One certificate for each way in which `openssl ca` revokes: name, options, what a CRL says of it.
const REVOKED: [(&str, &[&str], &str); 5] = [
    ("plain", &[], ""),
    ("superseded", &["-crl_reason", "superseded"], "Superseded"),
    ("key", &["-crl_compromise", "20260301120000Z"], "Key Compromise"),
    ("held", &["-crl_hold", "holdInstructionReject"], "Certificate Hold"),
    ("moved", &["-crl_reason", "affiliationChanged"], "Affiliation Changed"),
];

#[test]
fn the_chapter_on_coming_from_another_program_works_as_it_stands() {
    let [_adopt, look, apply, check, cfssl] = steps(CHAPTER);
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    let good = old.issue("good", "/CN=server.example", "server", &[]);
    let meter = old.issue("meter", "/CN=4D504B01000000F1", "device", &[]);
    // What it issued may have any key.
    drop(openssl(["genrsa", "-out", &old.text("rsa.key"), "2048"]).ok());
    let rsa = old.certify("rsa", "/CN=rsa.example", "server", &[]);
    let over = ["-startdate", "20200101000000Z", "-enddate", "20210101000000Z"];
    drop(old.issue("over", "/CN=over.example", "server", &over));
    for (name, how, _) in REVOKED {
        drop(old.issue(name, &format!("/CN={name}.example"), "server", &[]));
        old.revoke(name, how);
    }
    old.crl();
    adopted(&old, &mut rehearsal);
    let shell = shell(&old, &rehearsal);

    // Looking changes nothing.
    let before = rehearsal.audited();
    let looked = shell.run(look).ok().out;
    assert!(looked.contains("9 rows, 9 certificates"), "{looked}");
    assert!(
        looked.contains("5 are revoked, 1 of them for no reason that is told; 1 have expired"),
        "{looked}"
    );
    assert!(
        looked.contains(&format!("the last one was {FIRST_CRL}, the next is {} or more", FIRST_CRL + 1)),
        "{looked}"
    );
    assert!(looked.contains("nothing was changed"), "{looked}");
    assert_eq!(rehearsal.audited(), before, "a look leaves no record");
    assert!(ocsp(&rehearsal, &old, &good).contains(": unknown"));
    for draft in ["1", "2", "server", "device", "crl-old"] {
        let draft = format!("drafts/taken-over-{draft}.toml");
        assert!(rehearsal.state(&draft).exists(), "{draft}: {looked}");
    }
    assert!(
        looked.contains("no draft: openssl.cnf: [authority] is of certificates of authorities"),
        "{looked}"
    );

    let applied = shell.run(apply).ok().out;
    assert!(applied.contains("9 were taken over"), "{applied}");
    drop(shell.run(check).ok());
    of_openssl(&rehearsal, &old);
    for file in [&meter, &rsa] {
        assert!(ocsp(&rehearsal, &old, file).contains(": good"));
    }
    one_is_shown(&rehearsal, &old);

    // Typed again, it doubles nothing.
    let again = shell.run(apply).ok().out;
    assert!(
        again.contains("0 were taken over, 0 that were on record are revoked now, 9 stand as they did"),
        "{again}"
    );
    // What the old program did meanwhile comes with the next run.
    old.revoke("good", &["-crl_reason", "cessationOfOperation"]);
    drop(shell.run(&apply.replace("--crl \"$OLD/last.crl\" ", "")).ok());
    let said = ocsp(&rehearsal, &old, &good);
    assert!(said.contains(": revoked") && said.contains("Reason: cessationOfOperation"), "{said}");

    of_cfssl(&rehearsal, &old, cfssl);
    drop(rehearsal.operator(&["crl", "publish", NAME]).ok());
    is_sound(&mut rehearsal, true);
}

/// What `openssl ca` issued is good or revoked with its reason and its dates, by OCSP and by the CRL that goes on.
fn of_openssl(rehearsal: &Rehearsal, old: &OldAuthority) {
    let crl = published(rehearsal);
    assert!(number(&crl) > FIRST_CRL, "{}", number(&crl));
    let (ours, theirs) = (crl_text(&crl), crl_text(&old.file("last.crl")));
    for (name, _, reason) in REVOKED {
        let serial = old.serial(name);
        let (ours, theirs) = (entry(&ours, &serial).expect(name), entry(&theirs, &serial).expect(name));
        let date =
            |entry: &str| entry.lines().find(|line| line.contains("Revocation Date")).map(str::to_owned);
        assert_eq!(date(ours), date(theirs), "{name}");
        assert_eq!(reason.is_empty(), !ours.contains("Reason Code"), "{name}: {ours}");
        assert!(ours.contains(reason), "{name}: {ours}");
        let said = ocsp(rehearsal, old, &old.file(&format!("{name}.pem")));
        assert!(said.contains(": revoked"), "{name}: {said}");
    }
    let key = entry(&ours, &old.serial("key")).expect("it is listed");
    assert!(key.contains("Invalidity Date") && key.contains("Mar  1 12:00:00 2026 GMT"), "{key}");
    // A relying party that has the root and the CRL decides alike.
    let verified = |name: &str| {
        let (root, ca, crl) = (old.text("root.pem"), old.text("ca.pem"), path(&crl));
        let whom = ["verify", "-CAfile", &root, "-untrusted", &ca, "-CRLfile", &crl, "-crl_check"];
        openssl(whom.iter().chain(&[old.text(&format!("{name}.pem")).as_str()])).success
    };
    assert!(verified("good") && !verified("superseded") && !verified("held"));
}

/// What a certificate that was taken over says of itself, and what the audit trail says of it.
fn one_is_shown(rehearsal: &Rehearsal, old: &OldAuthority) {
    let serial = old.serial("superseded");
    let shown = rehearsal.operator_json(&["cert", "show", &serial, "--issuer", NAME]);
    assert_eq!((&shown["taken_over"], &shown["reason"]), (&Value::from(true), &Value::from("superseded")));
    let records = rehearsal.audit_after(0);
    let of = |act: &str| {
        let found =
            records.iter().filter(|record| record["act"] == act && record["serial"] == serial.as_str());
        found.cloned().collect::<Vec<Value>>()
    };
    let [taken] = &of("certificate-taken-over")[..] else { panic!("one record: {records:?}") };
    assert!(taken["detail"].as_str().is_some_and(|text| text.contains("from openssl-ca, list ")), "{taken}");
    assert!(of("intent-recorded").is_empty() && of("certificate-issued").is_empty());
    let [revoked] = &of("certificate-revoked")[..] else { panic!("one record") };
    assert_eq!(revoked["reason"], "superseded");
    let numbers = records.iter().filter(|record| record["act"] == "crl-numbers-taken-over").count();
    assert_eq!(numbers, 1);
    // A released hold is good again, as any other.
    let held = old.serial("held");
    drop(rehearsal.operator(&["cert", "release", &held, "--issuer", NAME]).ok());
    assert!(ocsp(rehearsal, old, &old.file("held.pem")).contains(": good"));
    drop(
        rehearsal.operator(&["cert", "revoke", &held, "--issuer", NAME, "--reason", "certificateHold"]).ok(),
    );
}

/// The records of CFSSL, under the same key, by the block of the chapter.
fn of_cfssl(rehearsal: &Rehearsal, old: &OldAuthority, block: &str) {
    let (database, settings) = (rehearsal.scratch("certs.db"), rehearsal.scratch("cfssl"));
    fs::create_dir(&settings).expect("a directory");
    // As CFSSL's own first migration makes it.
    let table = "CREATE TABLE certificates (serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, \
                 ca_label blob, status blob NOT NULL, reason int, expiry timestamp, revoked_at timestamp, \
                 pem blob NOT NULL, PRIMARY KEY(serial_number, authority_key_identifier));";
    let sql = |sql: &str| run("sqlite3", [&path(&database), sql]).ok().out.trim().to_owned();
    sql(table);
    let (db, config) = (path(&settings.join("db.json")), path(&settings.join("config.json")));
    let source = serde_json::json!({"driver": "sqlite3", "data_source": path(&database)});
    fs::write(&db, source.to_string()).expect("a file");
    let signing =
        r#"{"signing":{"default":{"usages":["digital signature","server auth"],"expiry":"8760h"}}}"#;
    fs::write(&config, signing).expect("a file");
    for name in ["one", "two"] {
        old.key(name);
        let request = old.request(name, &format!("/CN={name}.example"));
        let (ca, key) = (old.text("ca.pem"), old.text("ca.key"));
        let by = ["sign", "-ca", &ca, "-ca-key", &key, "-config", &config, "-db-config", &db];
        let host = format!("{name}.example");
        drop(finish(Command::new("cfssl").args(by).args(["-hostname", &host, &request])).ok());
    }
    // This version records no key identifier, and revokes nothing without one.
    sql("UPDATE certificates SET authority_key_identifier = 'aa'");
    let serial = sql("SELECT serial_number FROM certificates WHERE rowid = 2");
    let what = ["revoke", "-db-config", &db, "-serial", &serial, "-aki", "aa", "-reason", "superseded"];
    drop(run("cfssl", what).ok());

    let shell = shell(old, rehearsal).with("CERTDB", &database);
    let looked = shell.run(block).ok().out;
    assert!(looked.contains("cfssl of cfssl.csv: 2 rows, 2 certificates"), "{looked}");
    let applied = shell.run(&format!("{} --apply", block.trim_end())).ok().out;
    assert!(applied.contains("2 were taken over"), "{applied}");
    for (row, status) in [(1, ": good"), (2, ": revoked")] {
        let pem = sql(&format!("SELECT pem FROM certificates WHERE rowid = {row}"));
        let file = rehearsal.unique("cfssl.pem");
        fs::write(&file, format!("{pem}\n")).expect("a file");
        let said = ocsp(rehearsal, old, &file);
        assert!(said.contains(status), "{said}");
        assert_eq!(row == 2, said.contains("Reason: superseded"), "{said}");
    }
}

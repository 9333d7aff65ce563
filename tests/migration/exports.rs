//! Exports of databases that no test can have the program of: the tables as step-ca and EJBCA define them, in a real PostgreSQL, and the
//! statements of the chapter.

use std::fs;
use std::process::Command;

use e2e::chapter::blocks;
use e2e::judged::is_sound;
use e2e::peer::{path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;
use postgres_peer::Server;

use crate::elsewhere::{CHAPTER, NAME, OldAuthority, adopted, ocsp};

/// Writes what a statement of the chapter exports.
fn export(server: &Server, database: &str, statement: &str, file: &std::path::Path) {
    let directory = path(server.directory());
    let port = server.port().to_string();
    let whom = ["-X", "-q", "-h", &directory, "-p", &port, "-U", "postgres", "-d", database, "-c", statement];
    let said = finish(Command::new("psql").args(whom)).ok();
    fs::write(file, said.octets).expect("it can be written");
}

#[test]
fn exports_of_step_ca_and_ejbca_by_the_statements_of_the_chapter() {
    let [step, ejbca] = blocks(CHAPTER, "sql")[..] else { panic!("the chapter has two statements") };
    let server = Server::shared();
    let database = server.database();
    let mut rehearsal = Rehearsal::start(1);
    let old = OldAuthority::found(&rehearsal.scratch("old"));
    for name in ["s1", "s2", "e1", "e2", "e3", "e4"] {
        drop(old.issue(name, &format!("/CN={name}.example"), "server", &[]));
    }
    adopted(&old, &mut rehearsal);
    let hex_of = |name: &str| hex::encode(to_der(&old.file(&format!("{name}.pem"))));
    let migrated = |program: &str, statement: &str, count: &str| {
        let file = rehearsal.scratch(&format!("{program}.csv"));
        export(&server, database.name(), statement, &file);
        let arguments = ["migrate", "from", program, &path(&file), "--issuer", NAME, "--apply"];
        let said = rehearsal.operator(&arguments).ok();
        assert!(said.out.contains(count), "{}", said.all());
    };
    let says = |name: &str, expected: &[&str]| {
        let said = ocsp(&rehearsal, &old, &old.file(&format!("{name}.pem")));
        assert!(expected.iter().all(|text| said.contains(text)), "{name}: {said}");
    };

    // As smallstep's nosql makes tables, and step-ca fills them.
    let table = "(nkey BYTEA CHECK (octet_length(nkey) <= 255), nvalue BYTEA, PRIMARY KEY (nkey))";
    drop(database.sql(&format!("CREATE TABLE x509_certs {table}")));
    drop(database.sql(&format!("CREATE TABLE revoked_x509_certs {table}")));
    for name in ["s1", "s2"] {
        let value = hex_of(name);
        drop(database.sql(&format!("INSERT INTO x509_certs VALUES ('{name}', decode('{value}', 'hex'))")));
    }
    let info = r#"{"Serial":"s2","ProvisionerID":"p","ReasonCode":5,"Reason":"it, was \"old\"","RevokedAt":"2026-02-03T04:05:06.789Z","TokenID":"","MTLS":false,"ACME":false}"#;
    drop(
        database.sql(&format!("INSERT INTO revoked_x509_certs VALUES ('s2', convert_to('{info}', 'UTF8'))")),
    );
    migrated("step-ca", step, "2 were taken over");
    says("s1", &[": good"]);
    says("s2", &[": revoked", "Reason: cessationOfOperation", "Revocation Time: Feb  3 04:05:06 2026 GMT"]);

    // As EJBCA's create-tables script has it, as far as is read.
    let columns = "fingerprint TEXT PRIMARY KEY, base64Cert TEXT, status INT4 NOT NULL, revocationReason INT4 NOT NULL, \
                   revocationDate INT8 NOT NULL, serialNumber TEXT";
    drop(database.sql(&format!("CREATE TABLE CertificateData ({columns})")));
    for (name, rest) in [
        ("e1", "20, -1, -1"),
        ("e2", "40, 1, 1767225600000"),
        ("e3", "60, 4, 1767225600000"),
        ("e4", "20, 8, 1767225600000"),
    ] {
        // EJBCA breaks base64 into lines.
        let octets = hex_of(name);
        let value = format!("encode(decode('{octets}', 'hex'), 'base64')");
        drop(database.sql(&format!("INSERT INTO CertificateData VALUES ('{name}', {value}, {rest}, '1')")));
    }
    migrated("ejbca", ejbca, "4 were taken over");
    says("e1", &[": good"]);
    says("e2", &[": revoked", "Reason: keyCompromise", "Revocation Time: Jan  1 00:00:00 2026 GMT"]);
    says("e3", &[": revoked", "Reason: superseded"]);
    says("e4", &[": good"]);
    drop(rehearsal.operator(&["crl", "publish", NAME]).ok());
    is_sound(&mut rehearsal, true);
}

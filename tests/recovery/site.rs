//! A rehearsed installation with a recovery key and an exported audit log, and what is done to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Meter, Suite};
use e2e::peer::{Answer, Shown, certificate_of, curl, path, serial};
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl, run};
use serde_json::Value;

/// A meter that enrols after the fleet.
pub(crate) const LATE: &str = "4D504B01000000D1";

/// Another.
pub(crate) const LATER: &str = "4D504B01000000D2";

/// An installation that serves.
pub(crate) struct Site {
    pub(crate) rehearsal: Rehearsal,
}

impl Site {
    /// Founds an installation whose log is exported and whose backups two of three people can open.
    pub(crate) fn found() -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let keys = path(&rehearsal.state("recovery"));
        drop(rehearsal.operator(&["backup", "keygen", "--shares", "2-of-3", &keys]).ok());
        std::fs::create_dir(rehearsal.state("export")).expect("a directory for the log");
        rehearsal.configure("guarded.toml", |text| {
            let more = "[audit]\nexport_directory = \"export\"\n\n[backup]\nrecovery_key_file = \"recovery/recovery.pub\"\n\n";
            text.replacen("[operator]", &format!("{more}[operator]"), 1)
        });
        rehearsal.serve();
        let site = Self { rehearsal };
        site.rehearsal.expect_devices("dso", &[LATE, LATER]);
        site
    }

    /// Makes a backup; returns its file.
    pub(crate) fn back_up(&self, name: &str) -> PathBuf {
        let file = self.rehearsal.scratch(name);
        drop(self.rehearsal.operator(&["backup", "create", &path(&file)]).ok());
        file
    }

    /// Returns the file of a share.
    pub(crate) fn share(&self, number: u8) -> String {
        path(&self.rehearsal.state(&format!("recovery/share-{number}")))
    }

    /// Runs a verb with two shares behind it.
    pub(crate) fn with_shares(&self, verb: &[&str]) -> Said {
        let shares = [self.share(1), self.share(3)];
        self.rehearsal.operator(&[verb, &["--share", &shares[0], "--share", &shares[1]]].concat())
    }

    /// Takes the ledger away, as a disk does that fails.
    pub(crate) fn lose_the_ledger(&mut self) {
        self.rehearsal.kill();
        std::fs::remove_dir_all(self.rehearsal.state("store")).expect("it was there");
    }

    /// Restores a backup in the place of the ledger.
    pub(crate) fn begin(&self, backup: &Path) {
        drop(self.with_shares(&["restore", "begin", &path(backup)]).ok());
    }

    /// Enrols a meter by a one-time token; returns the serial number of its certificate.
    pub(crate) fn enrol(&self, title: &str) -> String {
        serial(&certificate_of(&self.rehearsal, &self.try_enrol(title)))
    }

    /// Tries to enrol a meter by a one-time token.
    pub(crate) fn try_enrol(&self, title: &str) -> Answer {
        let token: Shown = self.rehearsal.token(title, "meter-op-tls-s1").into();
        Meter::new(&self.rehearsal, title, Suite::One).try_enrol("meter-op-tls", &token)
    }

    /// Returns what the status server says of its readiness.
    pub(crate) fn readiness(&self) -> u16 {
        curl::<&str>(&self.rehearsal, &format!("{}/readyz", self.rehearsal.status()), &[]).status
    }

    /// Returns the status of a certificate.
    pub(crate) fn status_of(&self, serial: &str) -> Value {
        self.rehearsal.operator_json(&["cert", "show", serial])["status"].clone()
    }

    /// Returns the name of an authority's key, by which its CRL is published.
    pub(crate) fn authority_key(&self, name: &str) -> String {
        let pem = path(&self.rehearsal.authority(name));
        let said = openssl(["x509", "-in", &pem, "-noout", "-ext", "subjectKeyIdentifier"]).ok().out;
        said.lines().last().expect("a key identifier").trim().replace(':', "").to_lowercase()
    }

    /// Returns where the exported log is.
    pub(crate) fn export(&self) -> PathBuf {
        self.rehearsal.state("export")
    }

    /// Exports everything on record.
    pub(crate) fn exported(&self) {
        let socket = path(&self.rehearsal.state("operator.sock"));
        let page =
            run("curl", ["-sS", "--unix-socket", &socket, "http://meter-pki/v1/audit?after=0&limit=10000"])
                .ok();
        let page: Value = serde_json::from_str(&page.out).expect("a page");
        let mut log = String::new();
        for (record, told) in
            page["records"].as_array().expect("records").iter().zip(self.rehearsal.audit_after(0))
        {
            log.push_str(&format!("{} {}", told["sequence"], record.as_str().expect("base64")));
            if told["act"] == "certificate-issued" {
                let serial = told["serial"].as_str().expect("a number");
                let shown = self.rehearsal.operator_json(&["cert", "show", serial]);
                let pem: String = shown["pem"]
                    .as_str()
                    .expect("PEM")
                    .lines()
                    .filter(|line| !line.starts_with('-'))
                    .collect();
                log.push_str(&format!(" {pem}"));
            }
            log.push('\n');
        }
        std::fs::write(self.export().join("records"), log).expect("it can be written");
    }

    /// Asserts that an enrolment is refused as long as the ledger is in recovery, and that what only reads goes on.
    pub(crate) fn assert_in_recovery(&mut self, why: &str) {
        let rehearsal = &self.rehearsal;
        let shown = rehearsal.operator_json(&["store", "show"]);
        let reason = shown["recovery_reason"].as_str().expect("it is in recovery");
        assert!(reason.contains(why), "{reason}");
        assert_eq!(self.readiness(), 503);
        // RFC 7030 §4.2.3: an answer that comes later, or not, is told by 503 and Retry-After.
        let meter = Meter::new(rehearsal, "4D504B0100000000", Suite::One);
        let answer = meter.try_enrol("meter-op-tls", &Shown::Nothing);
        assert!([401, 503].contains(&answer.status), "{}", answer.status);
        let refused = rehearsal.operator(&["device", "token", LATE, "--profile", "meter-op-tls-s1"]);
        assert_eq!(refused.code, Some(8), "{}", refused.all());
        assert!(refused.err.contains("store.in-recovery"), "{}", refused.err);
        assert!(refused.err.contains("meter-pki restore reconcile"), "it says what to type: {}", refused.err);
        assert!(rehearsal.operator(&["cert", "list"]).success);
        assert!(rehearsal.operator(&["crl", "list"]).success);
        assert!(self.rehearsal.log().contains("in recovery"), "the log says so");
    }
}

/// Runs a verb of a state directory that is not a rehearsal's own.
pub(crate) fn operator_of(state: &Path, arguments: &[&str]) -> Said {
    let configuration = state.join("guarded.toml");
    finish(Command::new(program("meter-pki")).arg("--config").arg(configuration).args(arguments))
}

/// Copies a directory with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    drop(run("cp", ["-a", &path(from), &path(to)]).ok());
}

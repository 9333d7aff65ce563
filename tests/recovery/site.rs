//! A rehearsed installation with a recovery key and an exported audit log, and what is done to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Meter, Suite};
use e2e::patience::eventually;
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
    /// A one-time token that was made before anything else happened, and that nobody spends.
    kept: Shown,
}

impl Site {
    /// Founds an installation whose log is exported and whose backups two of three people can open.
    pub(crate) fn found() -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let keys = path(&rehearsal.state("recovery"));
        drop(rehearsal.operator(&["backup", "keygen", "--shares", "2-of-3", &keys]).ok());
        rehearsal.configure("guarded.toml", |text| {
            let more = "[backup]\nrecovery_key_file = \"recovery/recovery.pub\"\n\n";
            text.replacen("[operator]", &format!("{more}[operator]"), 1)
        });
        rehearsal.serve();
        rehearsal.expect_devices("dso", &[LATE, LATER]);
        let kept = rehearsal.token(LATER, "meter-op-tls-s1").into();
        Self { rehearsal, kept }
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

    /// Tries to enrol with the token that nobody spent.
    pub(crate) fn try_kept_token(&self) -> Answer {
        Meter::new(&self.rehearsal, LATER, Suite::One).try_enrol("meter-op-tls", &self.kept)
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
        self.rehearsal.state("audit")
    }

    /// Waits until everything on record is exported.
    pub(crate) fn exported(&self) {
        exported(&self.rehearsal);
    }

    /// Asserts that an enrolment is refused as long as the ledger is in recovery, and that what only reads goes on.
    pub(crate) fn assert_in_recovery(&mut self, why: &str) {
        let rehearsal = &self.rehearsal;
        let shown = rehearsal.operator_json(&["store", "show"]);
        let reason = shown["recovery_reason"].as_str().expect("it is in recovery");
        assert!(reason.contains(why), "{reason}");
        assert_eq!(self.readiness(), 503);
        let meter = Meter::new(rehearsal, LATER, Suite::One);
        let answer = meter.try_enrol("meter-op-tls", &self.kept);
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.field("Retry-After").is_some(), "{}", answer.head);
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

/// Waits until everything on record is exported.
pub(crate) fn exported(rehearsal: &Rehearsal) {
    let sequence = rehearsal.operator_json(&["store", "show"])["sequence"].as_u64().expect("a number");
    eventually("the audit log is exported", || {
        let records = std::fs::read_to_string(rehearsal.state("audit/records")).unwrap_or_default();
        let last = records.lines().last()?.split(' ').next()?.parse::<u64>().ok()?;
        (last >= sequence && records.ends_with('\n')).then_some(())
    });
}

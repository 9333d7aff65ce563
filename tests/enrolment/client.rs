//! The EST client of `meter-pki est`: its chapter as it stands, and what becomes of a request whose answer is lost.
//!
//! The client knows nothing of the server's code; OpenSSL and SoftHSM2 check what it wrote.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::fleet::{Meter, Suite};
use e2e::peer::{field, path, public_key};
use e2e::process::program;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, finish, openssl, softhsm};

/// A gateway: a directory with what it was given at manufacture, and a token.
struct Gateway<'a> {
    rehearsal: &'a Rehearsal,
    directory: PathBuf,
}

impl<'a> Gateway<'a> {
    fn new(rehearsal: &'a Rehearsal) -> Self {
        let directory = rehearsal.unique("gateway");
        for folder in ["", "tokens", "programs"] {
            std::fs::create_dir(directory.join(folder)).expect("a directory");
        }
        symlink(program("meter-pki"), directory.join("programs/meter-pki")).expect("a link");
        std::fs::copy(rehearsal.authority("dso-root-s1"), directory.join("root.pem")).expect("a root");
        let gateway = Self { rehearsal, directory };
        gateway.give("pin", "user-1234");
        let settings = format!("directories.tokendir = {}\n", path(&gateway.at("tokens")));
        std::fs::write(gateway.at("softhsm2.conf"), settings).expect("a configuration");
        let init = "softhsm2-util --init-token --free --label device --so-pin so-1234 --pin user-1234";
        drop(gateway.run(init));
        gateway
    }

    fn at(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// Writes a secret, mode 0600.
    fn give(&self, file: &str, secret: &str) {
        std::fs::write(self.at(file), secret).expect("a secret");
        std::fs::set_permissions(self.at(file), PermissionsExt::from_mode(0o600)).expect("its mode");
    }

    /// Gives the secret of a one-time token for a device that is expected.
    fn one_time_token(&self, file: &str, title: &str) {
        self.rehearsal.expect_devices("dso", &[title]);
        self.give(file, &self.rehearsal.token(title, "meter-op-tls-s1").1);
    }

    fn try_run(&self, block: &str) -> Said {
        let mut search = self.at("programs").into_os_string();
        search.push(":");
        search.push(std::env::var_os("PATH").expect("there is a path"));
        let module = softhsm();
        let pin = path(&self.at("pin"));
        let mut command = Command::new("bash");
        command
            .args(["-euo", "pipefail", "-c", block])
            .current_dir(&self.directory)
            .env("PATH", search)
            .env("SOFTHSM2_CONF", self.at("softhsm2.conf"))
            .env("EST", self.rehearsal.est("meter-op-tls-s1"))
            .env("TOKEN", format!("pkcs11:token=device?module-path={module}&pin-source=file:{pin}"));
        finish(&mut command)
    }

    #[track_caller]
    fn run(&self, block: &str) -> String {
        self.try_run(block).ok().out
    }
}

fn with_a_gateway(test: impl FnOnce(&Gateway<'_>)) {
    let rehearsal = Rehearsal::renewing_at_any_time(1, |text| text);
    test(&Gateway::new(&rehearsal));
}

fn key_of(credential: &Path) -> String {
    openssl(["pkey", "-in", &path(credential), "-pubout"]).ok().out
}

#[test]
fn the_chapter_on_the_est_client_works_as_it_stands() {
    with_a_gateway(|gateway| {
        let chapter = include_str!("../../docs/operate/est-client.md");
        let [trust, first, renewal, on_token] = e2e::chapter::steps(chapter);
        assert!(gateway.run(trust).contains("certificates are in ca.pem"));

        gateway.one_time_token("token", "4D504B0100EC0001");
        let said = gateway.run(first);
        assert!(said.contains("subject: CN=4D504B0100EC0001") && said.contains("gateway.pem: OK"), "{said}");
        let credential = gateway.at("gateway.pem");
        let mode = std::fs::metadata(&credential).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let first_key = public_key(&credential);
        assert_eq!(key_of(&credential), first_key, "certificate and key belong together");

        let said = gateway.run(renewal);
        assert!(said.contains("nothing to do: renewal is due at"), "{said}");
        assert_eq!(key_of(&credential), public_key(&credential));
        assert_ne!(public_key(&credential), first_key, "a new key");
        assert!(!gateway.at("gateway.pem.request").exists(), "nothing waits any more");

        gateway.one_time_token("token2", "4D504B0100EC0002");
        drop(gateway.run(on_token));
        let on_token = gateway.at("on-token.pem");
        assert_eq!(field(&on_token, "-subject"), "CN=4D504B0100EC0002");
        assert!(!std::fs::read_to_string(&on_token).expect("PEM").contains("PRIVATE"));
        // SoftHSM2 keeps an object a file: one key pair, and what the token itself is.
        let files = gateway.run("find tokens -name '*.object' | grep -vc token.object");
        assert_eq!(files.trim(), "2", "the former key is destroyed");
    });
}

#[test]
fn a_factory_certificate_is_swapped_and_the_lost_answer_is_fetched_with_the_same_key() {
    with_a_gateway(|gateway| {
        let meter = Meter::new(gateway.rehearsal, "4D504B0100EC0003", Suite::One);
        meter.deliver();
        let factory = meter.manufacture();
        let [certificate, key] = [&factory.certificate, &factory.key].map(|file| path(file));
        drop(gateway.run(&format!("cat {certificate} {key} > factory.pem")));
        let enrol =
            "meter-pki est enrol --url $EST --trust root.pem --credential factory.pem --out operational.pem";
        drop(gateway.run(enrol));
        let held = std::fs::read(gateway.at("operational.pem")).expect("a credential");

        // The answer is lost: the file is gone, and what waited for it is there again, key and all.
        let request =
            "openssl req -new -key operational.pem -subj /CN=4D504B0100EC0003 -out operational.pem.request";
        let key = "openssl pkey -in operational.pem >> operational.pem.request; mv operational.pem lost.pem";
        drop(gateway.run(&format!("{request}; {key}; {enrol}")));
        let fetched = std::fs::read(gateway.at("operational.pem")).expect("a credential");
        assert_eq!(fetched, held, "the same certificate, and its key");
        assert!(!gateway.at("operational.pem.request").exists());
        // Whoever lost the key too has no second first certificate.
        let refused = gateway.try_run(&format!("rm operational.pem; {enrol}"));
        assert_eq!(refused.code, Some(4), "{}", refused.all());
        assert!(refused.err.contains("slot.taken"), "{}", refused.all());
    });
}

// RFC 7030 §4.1.3: the label of the manufacturer's PKI, behind a server certificate of the operator's.
#[test]
fn ca_certificates_that_lead_to_no_trusted_root_are_left_out() {
    with_a_gateway(|gateway| {
        let factory = gateway.rehearsal.est("meter-factory-ds-s1");
        let fetch =
            |trust| format!("meter-pki est cacerts --url {factory} --trust {trust} --out factory-ca.pem");
        let refused = gateway.try_run(&fetch("root.pem"));
        assert_eq!(refused.code, Some(9), "{}", refused.all());
        assert!(refused.err.contains("cacerts.no-path"), "{}", refused.all());
        assert!(!gateway.at("factory-ca.pem").exists());
        let maker = path(&gateway.rehearsal.authority("maker-root-s1"));
        let said = gateway.run(&format!("cat root.pem {maker} > both.pem; {}", fetch("both.pem")));
        assert!(
            said.contains("2 certificates are in factory-ca.pem") && !said.contains("left out"),
            "{said}"
        );
    });
}

#[test]
fn what_cannot_be_done_is_told_with_what_to_type_next() {
    with_a_gateway(|gateway| {
        let other = "00".repeat(32);
        let trust = format!("meter-pki est cacerts --url $EST --fingerprint {other} --out ca.pem");
        gateway.give("wrong", "not the secret");
        drop(gateway.run("echo there > there.pem; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj /CN=Other -out other.pem 2>/dev/null"));
        for (block, code, reason) in [
            (trust.as_str(), 9, "fingerprint.other"),
            ("meter-pki est cacerts --url $EST --trust other.pem --out ca.pem", 8, "est.unreachable"),
            ("meter-pki est cacerts --url http://localhost --trust root.pem --out ca.pem", 2, "url.faulty"),
            (
                "meter-pki est enrol --url $EST --trust root.pem --password-file wrong --common-name X --out new.pem",
                4,
                "est.refused",
            ),
            (
                "meter-pki est enrol --url $EST --trust root.pem --password-file wrong --out there.pem",
                7,
                "file.exists",
            ),
            (
                "meter-pki est re-enrol --url $EST --trust root.pem --credential there.pem",
                2,
                "credential.faulty",
            ),
            ("meter-pki est re-enrol --url $EST --trust root.pem", 2, "credential.missing"),
            ("meter-pki est re-enrol --url $EST --trust root.pem --credential root.pem", 2, "key.not-found"),
        ] {
            let said = gateway.try_run(block);
            assert_eq!(said.code, Some(code), "{block}: {}", said.all());
            assert!(said.err.contains(reason), "{block}: {}", said.all());
            assert!(!said.all().contains("not the secret"));
        }
        assert!(!gateway.at("ca.pem").exists() && !gateway.at("new.pem").exists());
    });
}

//! Client certificates that open nothing: from nowhere, out of their time, of another kind, signed behind the ledger's back.

use std::path::{Path, PathBuf};

use e2e::fleet::{Credential, Meter, Suite};
use e2e::ground::directory;
use e2e::peer::{Shown, make_key, make_request, path, to_der};
use e2e::rehearsal::Rehearsal;
use e2e::tool::openssl;

use crate::refused::refused;

/// A meter on the owner's list.
const EXPECTED: &str = "4D504B01000000E1";

/// As the manufacturer's own profile has them.
const DEVICE: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyAgreement\n\
                      extendedKeyUsage=serverAuth,clientAuth\nauthorityKeyIdentifier=keyid\n";

/// A certification authority in the hands of OpenSSL.
pub(crate) struct Authority<'a> {
    rehearsal: &'a Rehearsal,
    certificate: PathBuf,
    key: PathBuf,
}

impl<'a> Authority<'a> {
    /// One that nobody trusts, with the very name of the rehearsed manufacturer's.
    pub(crate) fn stranger(rehearsal: &'a Rehearsal) -> Self {
        let folder = rehearsal.unique("stranger");
        std::fs::create_dir(&folder).unwrap();
        let [certificate, key] = found(&folder);
        Self { rehearsal, certificate, key }
    }

    /// The rehearsed manufacturer's own, whose key OpenSSL opens with the passphrase of the rehearsal.
    fn factory(rehearsal: &'a Rehearsal) -> Self {
        let list = rehearsal.operator_json(&["ca", "show", "maker-factory-s1"]);
        let file = rehearsal.state(&format!("keys/{}.pem", list["key"].as_str().unwrap()));
        let key = rehearsal.unique("factory.key");
        let passphrase = format!("file:{}", rehearsal.state("passphrase").display());
        drop(openssl(["pkey", "-in", &path(&file), "-passin", &passphrase, "-out", &path(&key)]).ok());
        Self { rehearsal, certificate: rehearsal.authority("maker-factory-s1"), key }
    }

    /// Signs a certificate for a meter, valid from and to the given times (`YYYYMMDDHHMMSSZ`).
    pub(crate) fn sign(&self, title: &str, times: (&str, &str)) -> Shown {
        self.sign_with(DEVICE, title, times)
    }

    /// As [`Self::sign`], with other extensions.
    fn sign_with(&self, extensions: &str, title: &str, (from, to): (&str, &str)) -> Shown {
        let (key, request) = (self.rehearsal.unique("device.key"), self.rehearsal.unique("device.csr"));
        make_key(&key, "P-256");
        let der = make_request(&key, &format!("/CN={title}"), "sha256", &[]);
        std::fs::write(&request, der).unwrap();
        let folder = self.rehearsal.unique("openssl-ca");
        std::fs::create_dir(&folder).unwrap();
        let settings = format!(
            "[ca]\ndefault_ca=one\n[one]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n\
             default_md=sha256\npolicy=any\nx509_extensions=device\n[any]\ncommonName=supplied\n[device]\n{extensions}",
            folder = folder.display()
        );
        for (file, text) in [("settings", settings.as_str()), ("index", ""), ("serial", "7777\n")] {
            std::fs::write(folder.join(file), text).unwrap();
        }
        let (settings, certificate) = (path(&folder.join("settings")), folder.join("device.pem"));
        let (ca, ca_key) = (path(&self.certificate), path(&self.key));
        let who = ["ca", "-batch", "-notext", "-config", &settings, "-cert", &ca, "-keyfile", &ca_key];
        let (input, out) = (path(&request), path(&certificate));
        let what = ["-inform", "DER", "-in", &input, "-out", &out, "-startdate", from, "-enddate", to];
        drop(openssl(who.iter().chain(&what)).ok());
        Shown::Certificate { certificates: certificate, key }
    }
}

/// Makes the key and the certificate, PEM, of an authority with the very name of the rehearsed manufacturer's.
fn found(folder: &Path) -> [PathBuf; 2] {
    let [certificate, key] = ["stranger.pem", "stranger.key"].map(|name| folder.join(name));
    make_key(&key, "P-256");
    let subject = "/C=DE/O=Example Meters/CN=Example Meters Factory CA S1 G1";
    let (file, out) = (path(&key), path(&certificate));
    let fixed = ["req", "-x509", "-new", "-key", &file, "-subj", subject, "-days", "30", "-out", &out];
    drop(openssl(fixed.iter().chain(&["-addext", "keyUsage=critical,keyCertSign"])).ok());
    [certificate, key]
}

const NOW: (&str, &str) = ("20260101000000Z", "20990101000000Z");

fn rehearsed() -> Rehearsal {
    let rehearsal = Rehearsal::start(1);
    rehearsal.expect_devices("dso", &[EXPECTED]);
    rehearsal
}

#[track_caller]
fn opens_nothing(rehearsal: &Rehearsal, shown: &Shown, code: &str) {
    let meter = Meter::new(rehearsal, EXPECTED, Suite::One);
    refused(rehearsal, EXPECTED, (403, code), || meter.try_enrol("meter-op-ds", shown));
}

#[test]
fn a_factory_certificate_of_an_unknown_manufacturer_opens_nothing() {
    let rehearsal = rehearsed();
    opens_nothing(&rehearsal, &Authority::stranger(&rehearsal).sign(EXPECTED, NOW), "authn.no-path");
}

#[test]
fn a_manufacturer_that_the_owner_does_not_trust_opens_nothing() {
    let trusts_nobody = |text: String| text.replace("manufacturers = [\"maker\"]", "manufacturers = []");
    let rehearsal = Rehearsal::start_with(1, trusts_nobody);
    let meter = Meter::new(&rehearsal, EXPECTED, Suite::One);
    meter.deliver();
    let factory: Credential = meter.manufacture();
    opens_nothing(&rehearsal, &factory.shown(), "authn.no-path");
}

/// Rehearses with a further manufacturer, whose CA is its own and whose certificates nothing but their path vouches for.
fn with_a_manufacturer(offers: &str, test: impl FnOnce(&Authority<'_>)) {
    let folder = directory();
    let [certificate, key] = found(folder.path());
    let anchor = folder.path().join("stranger.cer");
    std::fs::write(&anchor, to_der(&certificate)).unwrap();
    let rehearsal = Rehearsal::start_with(1, |text| {
        text.replace("grace_minutes = 60", &format!("grace_minutes = 60\n{offers}"))
            .replace("anchor_files = [", &format!("anchor_files = [\"{}\", ", anchor.display()))
    });
    rehearsal.expect_devices("dso", &[EXPECTED]);
    test(&Authority { rehearsal: &rehearsal, certificate, key });
}

const FUTURE: (&str, &str) = ("20980101000000Z", "20990101000000Z");
const PAST: (&str, &str) = ("20200101000000Z", "20210101000000Z");
const LONG_AGO: (&str, &str) = ("19700102000000Z", "19710101000000Z");

// Case E-03.
#[test]
fn e_03_a_factory_certificate_out_of_its_time_opens_nothing() {
    with_a_manufacturer("", |maker| {
        opens_nothing(maker.rehearsal, &maker.sign(EXPECTED, PAST), "authn.expired");
        opens_nothing(maker.rehearsal, &maker.sign(EXPECTED, FUTURE), "authn.not-yet-valid");
    });
}

// RFC 9148 §3, §9: a policy may look past the end of a factory certificate, and past nothing else; each use is on record.
#[test]
fn e_03_a_meter_that_lay_in_store_too_long_is_let_in_where_the_offer_says_so() {
    with_a_manufacturer("accept_expired_days = 20000", |maker| {
        let rehearsal = maker.rehearsal;
        opens_nothing(rehearsal, &maker.sign(EXPECTED, FUTURE), "authn.not-yet-valid");
        opens_nothing(rehearsal, &maker.sign(EXPECTED, LONG_AGO), "authn.expired");
        let stored = maker.sign(EXPECTED, PAST);
        drop(Meter::new(rehearsal, EXPECTED, Suite::One).enrol("meter-op-ds", &stored));
        let records = rehearsal.operator_json(&["audit", "list"]).to_string();
        let told = "by a factory certificate that expired at 2021-01-01";
        assert_eq!(records.matches(told).count(), 2, "the intent and the certificate: {records}");
    });
}

#[test]
fn a_certificate_that_the_factory_key_signed_behind_the_ledgers_back_opens_nothing() {
    let rehearsal = rehearsed();
    opens_nothing(&rehearsal, &Authority::factory(&rehearsal).sign(EXPECTED, NOW), "authn.unknown");
}

#[test]
fn a_certificate_for_another_use_or_with_something_critical_that_is_not_understood_opens_nothing() {
    let rehearsal = rehearsed();
    let factory = Authority::factory(&rehearsal);
    let server_only = DEVICE.replace("serverAuth,clientAuth", "serverAuth");
    opens_nothing(&rehearsal, &factory.sign_with(&server_only, EXPECTED, NOW), "authn.usage");
    let agreement_only = DEVICE.replace("digitalSignature,keyAgreement", "keyAgreement");
    opens_nothing(&rehearsal, &factory.sign_with(&agreement_only, EXPECTED, NOW), "authn.usage");
    let unknown = format!("{DEVICE}1.2.3.4=critical,DER:0500\n");
    opens_nothing(&rehearsal, &factory.sign_with(&unknown, EXPECTED, NOW), "authn.critical-extension");
}

#[test]
fn a_self_signed_certificate_opens_nothing() {
    let rehearsal = rehearsed();
    let (certificate, key) = (rehearsal.scratch("self.pem"), rehearsal.scratch("self.key"));
    make_key(&key, "P-256");
    let (file, out, subject) = (path(&key), path(&certificate), format!("/CN={EXPECTED}"));
    let fixed = ["req", "-x509", "-new", "-key", &file, "-subj", &subject, "-days", "30", "-out", &out];
    let device = ["basicConstraints=CA:FALSE", "keyUsage=digitalSignature", "extendedKeyUsage=clientAuth"];
    let extensions = device.iter().flat_map(|extension| ["-addext", extension]);
    drop(openssl(fixed.into_iter().chain(extensions)).ok());
    opens_nothing(&rehearsal, &Shown::Certificate { certificates: certificate, key }, "authn.no-path");
}

#[test]
fn a_certificate_with_an_rsa_key_opens_nothing() {
    let rehearsal = rehearsed();
    let (certificate, key) = (rehearsal.scratch("rsa.pem"), rehearsal.scratch("rsa.key"));
    let (file, out, subject) = (path(&key), path(&certificate), format!("/CN={EXPECTED}"));
    let made =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", &file, "-subj", &subject, "-out", &out];
    drop(openssl(made).ok());
    // The server asks for ECDSA, and OpenSSL then shows nothing.
    let shown = Shown::Certificate { certificates: certificate, key };
    let meter = Meter::new(&rehearsal, EXPECTED, Suite::One);
    refused(&rehearsal, EXPECTED, (401, "authn.none"), || meter.try_enrol("meter-op-ds", &shown));
}

#[test]
fn the_certificate_of_the_est_server_itself_opens_nothing() {
    let rehearsal = rehearsed();
    let (certificates, key) = (rehearsal.state("tls/server.pem"), rehearsal.state("tls/server.key"));
    opens_nothing(&rehearsal, &Shown::Certificate { certificates, key }, "authn.usage");
}

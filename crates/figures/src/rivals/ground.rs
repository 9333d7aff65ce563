//! A CA made by `openssl`, as the programs of others want it: with a delegated responder and a few certificates for responders,
//! with a configuration and an index for those that issue.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use ca_core::certificate::Certificate;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::{Curve, SecuritySuite};
use ca_core::system_title::SystemTitle;
use hyper::body::Bytes;

use crate::applicants::applicants;
use crate::est_ground::pem;
use crate::ocsp_request::request;
use crate::process::Process;

/// How many certificates are asked for in turn.
const CERTIFICATES: u8 = 16;

/// Where `openssl ca` writes each certificate.
const ISSUED: &str = "issued";

/// How many processes answer for `openssl ocsp`.
pub(super) const PROCESSES: usize = 2;

/// The files.
pub(super) struct Ground {
    place: PathBuf,
    pub(super) curve: Curve,
}

impl Ground {
    /// Has the CA made.
    pub(super) fn found(place: &Path, curve: Curve) -> anyhow::Result<Self> {
        std::fs::create_dir(place)?;
        let ground = Self { place: place.to_owned(), curve };
        let hash = ground.hash();
        ground
            .write("ca.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")?;
        ground.request("ca")?;
        ground.openssl_run(&format!(
            "x509 -req -{hash} -in ca.csr -signkey ca.key -days 30 -extfile ca.ext -out ca.pem"
        ))?;
        Ok(ground)
    }

    /// Writes a file that something else reads.
    pub(super) fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.place.join(file), text)?)
    }

    /// Has the responder and some meters certified.
    pub(super) fn certify_meters(&self) -> anyhow::Result<()> {
        self.write("responder.ext", "extendedKeyUsage=OCSPSigning\n")?;
        self.write("meter.ext", "keyUsage=critical,digitalSignature\n")?;
        self.openssl_run("x509 -in ca.pem -outform DER -out ca.der")?;
        self.certify("responder", "responder", 0x40)?;
        self.request("meter")?;
        let (hash, mut index) = (self.hash(), String::new());
        for number in 1..=CERTIFICATES {
            self.openssl_run(&format!(
                "x509 -req -{hash} -in meter.csr -CA ca.pem -CAkey ca.key -set_serial {number} -days 30 -extfile meter.ext -out {number}.pem"
            ))?;
            writeln!(index, "V\t361231235959Z\t\t{number:02X}\tunknown\t/CN=meter {number}")?;
        }
        self.write("index.txt", &index)
    }

    fn request(&self, name: &str) -> anyhow::Result<()> {
        let curve = match self.curve {
            Curve::P256 => "prime256v1",
            Curve::P384 => "secp384r1",
        };
        // Go's tools of that time read keys of SEC 1 only.
        self.openssl_run(&format!("ecparam -name {curve} -genkey -noout -out {name}.key"))?;
        self.openssl_run(&format!("req -new -key {name}.key -subj /CN={name} -out {name}.csr"))
    }

    const fn hash(&self) -> &'static str {
        match self.curve {
            Curve::P256 => "sha256",
            Curve::P384 => "sha384",
        }
    }

    fn certify(&self, name: &str, extensions: &str, serial: u8) -> anyhow::Result<()> {
        self.request(name)?;
        self.openssl_run(&format!(
            "x509 -req -{} -in {name}.csr -CA ca.pem -CAkey ca.key -set_serial {serial} -days 30 -extfile {extensions}.ext -out {name}.pem",
            self.hash(),
        ))
    }

    /// `OCSPRequest`s for the certificates, without a nonce.
    pub(super) fn requests(&self) -> anyhow::Result<Vec<Bytes>> {
        let issuer = Certificate::from_der(&std::fs::read(self.place.join("ca.der"))?)?;
        let asked = (1..=CERTIFICATES).map(|number| {
            let serial = SerialNumber::from_octets(&[number])?;
            Ok(Bytes::from(request(&issuer, &serial, None)?))
        });
        asked.collect()
    }

    /// Writes what `openssl ca` is told.
    pub(super) fn configure_ca(&self) -> anyhow::Result<()> {
        let hash = self.hash();
        let text = format!(
            "[ca]\ndefault_ca = one\n[one]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = {ISSUED}\n\
             certificate = ca.pem\nprivate_key = ca.key\ndefault_md = {hash}\ndefault_days = 30\nunique_subject = no\n\
             policy = named\nx509_extensions = meter\n[named]\ncommonName = supplied\n\
             [meter]\nkeyUsage = critical,digitalSignature\n"
        );
        self.write("ca.cnf", &text)?;
        Ok(std::fs::create_dir(self.place.join(ISSUED))?)
    }

    /// Forgets what `openssl ca` has issued.
    pub(super) fn empty_index(&self) -> anyhow::Result<()> {
        let issued = self.place.join(ISSUED);
        std::fs::remove_dir_all(&issued)?;
        std::fs::create_dir(&issued)?;
        self.write("index.txt", "")?;
        self.write("serial", "1000\n")
    }

    /// Has `openssl ca` certify these requests.
    pub(super) fn openssl_ca(&self, files: &[String]) -> anyhow::Result<()> {
        let line = "ca -batch -config ca.cnf -notext -out issued.pem -infiles";
        self.run("openssl", line.split(' ').chain(files.iter().map(String::as_str))).map(drop)
    }

    /// How many certificates the index names that are there as files.
    pub(super) fn indexed(&self) -> anyhow::Result<usize> {
        let index = std::fs::read_to_string(self.place.join("index.txt"))?;
        let serials = index.lines().filter_map(|line| line.split('\t').nth(3));
        let file = |serial: &str| self.place.join(ISSUED).join(serial).with_extension("pem");
        Ok(serials.filter(|serial| file(serial).exists()).count())
    }

    /// Starts `cfssl serve`.
    pub(super) fn cfssl_serve(&self, port: u16) -> anyhow::Result<Process> {
        let text = r#"{"signing":{"default":{"usages":["digital signature"],"expiry":"720h"}}}"#;
        self.write("cfssl.json", text)?;
        let line = "-ca ca.pem -ca-key ca.key -config cfssl.json";
        self.start("cfssl", &format!("serve -loglevel 5 -address 127.0.0.1 -port {port} {line}"))
    }

    /// Starts `openssl ocsp`.
    pub(super) fn openssl_ocsp(&self, port: u16) -> anyhow::Result<Process> {
        let line = format!(
            "ocsp -index index.txt -port {port} -rsigner responder.pem -rkey responder.key -CA ca.pem -ndays 1 -multi {PROCESSES}"
        );
        self.start("openssl", &line)
    }

    /// Has `cfssl` sign its answers, and starts it with them.
    pub(super) fn cfssl_ocsp(&self, port: u16) -> anyhow::Result<Process> {
        let mut responses = Vec::new();
        for number in 1..=CERTIFICATES {
            let line = format!(
                "ocspsign -loglevel 5 -ca ca.pem -responder responder.pem -responder-key responder.key -cert {number}.pem"
            );
            let signed = self.run("cfssl", line.split(' '))?;
            let signed: serde_json::Value = serde_json::from_slice(&signed)?;
            let response = signed.get("ocspResponse").and_then(serde_json::Value::as_str);
            responses.extend(response.unwrap_or_default().bytes().chain([b'\n']));
        }
        std::fs::write(self.place.join("responses"), responses)?;
        self.start("cfssl", &format!("ocspserve -loglevel 5 -port {port} -responses responses"))
    }

    fn openssl_run(&self, line: &str) -> anyhow::Result<()> {
        self.run("openssl", line.split(' ')).map(drop).with_context(|| format!("openssl {line}"))
    }

    fn run<'a>(&self, program: &str, line: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<u8>> {
        let output = Command::new(program).args(line).current_dir(&self.place).output()?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    }

    fn start(&self, program: &str, line: &str) -> anyhow::Result<Process> {
        let mut command = Command::new(program);
        command.args(line.split(' ')).current_dir(&self.place);
        Process::start(command.stdout(Stdio::null()).stderr(Stdio::null()))
    }
}

/// Certification requests of devices, in PEM.
pub(super) fn requests(suite: SecuritySuite, count: usize) -> anyhow::Result<Vec<String>> {
    let title = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        SystemTitle::new([b'M', b'P', b'K', suite.number(), a, b, c, d])
    };
    let titles = (0..u32::try_from(count)?).map(title).collect();
    applicants(suite, titles)?.iter().map(|one| pem("CERTIFICATE REQUEST", &one.csr)).collect()
}

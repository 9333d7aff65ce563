//! A CA made by `openssl`, a delegated responder and a few certificates, as the responders of others want them.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::ensure;
use ca_core::certificate::Certificate;
use ca_core::serial_number::SerialNumber;
use ca_core::suite::Curve;
use hyper::body::Bytes;

use crate::ocsp_request::request;

/// How many certificates are asked for in turn.
const CERTIFICATES: u8 = 16;

/// How many processes answer for `openssl ocsp`.
pub(super) const PROCESSES: usize = 2;

/// The files.
pub(super) struct Ground {
    place: PathBuf,
    pub(super) curve: Curve,
}

impl Ground {
    /// Has all of it made.
    pub(super) fn found(place: &Path, curve: Curve) -> anyhow::Result<Self> {
        std::fs::create_dir(place)?;
        let ground = Self { place: place.to_owned(), curve };
        let hash = ground.hash();
        let usage = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
        std::fs::write(ground.place.join("ca.ext"), usage)?;
        std::fs::write(ground.place.join("responder.ext"), "extendedKeyUsage=OCSPSigning\n")?;
        std::fs::write(ground.place.join("meter.ext"), "keyUsage=critical,digitalSignature\n")?;
        ground.request("ca")?;
        ground.openssl_run(&format!(
            "x509 -req -{hash} -in ca.csr -signkey ca.key -days 30 -extfile ca.ext -out ca.pem"
        ))?;
        ground.openssl_run("x509 -in ca.pem -outform DER -out ca.der")?;
        ground.certify("responder", "responder", 0x40)?;
        ground.request("meter")?;
        let mut index = String::new();
        for number in 1..=CERTIFICATES {
            ground.openssl_run(&format!(
                "x509 -req -{hash} -in meter.csr -CA ca.pem -CAkey ca.key -set_serial {number} -days 30 -extfile meter.ext -out {number}.pem"
            ))?;
            writeln!(index, "V\t361231235959Z\t\t{number:02X}\tunknown\t/CN=meter {number}")?;
        }
        std::fs::write(ground.place.join("index.txt"), index)?;
        Ok(ground)
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

    /// Starts `openssl ocsp`.
    pub(super) fn openssl(&self, port: u16) -> anyhow::Result<Child> {
        let line = format!(
            "ocsp -index index.txt -port {port} -rsigner responder.pem -rkey responder.key -CA ca.pem -ndays 1 -multi {PROCESSES}"
        );
        self.start("openssl", &line)
    }

    /// Has `cfssl` sign its answers, and starts it with them.
    pub(super) fn cfssl(&self, port: u16) -> anyhow::Result<Child> {
        let mut responses = Vec::new();
        for number in 1..=CERTIFICATES {
            let line = format!(
                "ocspsign -loglevel 5 -ca ca.pem -responder responder.pem -responder-key responder.key -cert {number}.pem"
            );
            let signed = self.run("cfssl", &line)?;
            let signed: serde_json::Value = serde_json::from_slice(&signed)?;
            let response = signed.get("ocspResponse").and_then(serde_json::Value::as_str);
            responses.extend(response.unwrap_or_default().bytes().chain([b'\n']));
        }
        std::fs::write(self.place.join("responses"), responses)?;
        self.start("cfssl", &format!("ocspserve -loglevel 5 -port {port} -responses responses"))
    }

    fn openssl_run(&self, line: &str) -> anyhow::Result<()> {
        self.run("openssl", line).map(drop)
    }

    fn run(&self, program: &str, line: &str) -> anyhow::Result<Vec<u8>> {
        let output = Command::new(program).args(line.split(' ')).current_dir(&self.place).output()?;
        ensure!(output.status.success(), "{program} {line}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    }

    fn start(&self, program: &str, line: &str) -> anyhow::Result<Child> {
        let mut command = Command::new(program);
        command.args(line.split(' ')).current_dir(&self.place).process_group(0);
        Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)
    }
}

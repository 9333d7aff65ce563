//! An identity provider that others wrote, glewlwyd of Debian: `OpenID` Connect over TLS, its database made of the package's own
//! SQL; and a browser before it. The script beside this file speaks to it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey as _;
use serde_json::Value;

use crate::patience::eventually;
use crate::peer::path;
use crate::rehearsal::Rehearsal;
use crate::tool::{Said, glewlwyd, openssl, run};

/// The password of Tim.
pub const WORD: &str = "a long word that nobody else knows";

/// A provider with its pages, one person, Tim, and the clients `meter-pki`, `meter-pki-console` and `other`.
#[derive(Debug)]
pub struct Provider {
    directory: PathBuf,
    port: String,
    serving: Option<Child>,
}

impl Provider {
    /// Makes one and starts it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(rehearsal: &Rehearsal) -> Self {
        let directory = rehearsal.scratch("provider");
        std::fs::create_dir(&directory).expect("a directory");
        let mut provider = Self { directory, port: String::new(), serving: None };
        let made = provider.script("make", &[&path(&home())]).ok();
        made.out.trim().clone_into(&mut provider.port);
        provider.serve();
        drop(provider.script("settle", &[WORD]).ok());
        provider
    }

    /// Starts it again, on the port that it had.
    ///
    /// # Panics
    /// When it does not start.
    pub fn serve(&mut self) {
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(glewlwyd())
            .arg(format!("--config-file={}", path(&self.directory.join("provider.conf"))))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv of util-linux starts glewlwyd");
        self.serving = Some(child);
        let address = format!("127.0.0.1:{}", self.port);
        eventually("the identity provider listens", || TcpStream::connect(&address).ok().map(drop));
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.serving.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Returns the issuer.
    #[must_use]
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}/api/oidc", self.port)
    }

    /// Returns its root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.join("root.pem")
    }

    /// Tim opens an address in his browser and signs in.
    pub fn browse(&self, address: &str) -> Said {
        self.script("browse", &[address])
    }

    /// Tim signs in at an address to which his browser was sent; returns where it is sent from there.
    pub fn consent(&self, address: &str) -> String {
        self.script("consent", &[address]).ok().out.trim().to_owned()
    }

    /// Has whoever signs in at an address to which a browser was sent be sent to where the address says.
    pub fn admit(&self, address: &str) {
        drop(self.script("admit", &[address]).ok());
    }

    /// Tim types a code on another machine and signs in.
    pub fn type_code(&self, code: &str) -> Said {
        self.script("device", &[code])
    }

    /// Signs a token with the provider's own key: what it would be were the provider wrong, or its key stolen.
    ///
    /// # Panics
    /// When the key cannot be read.
    #[must_use]
    pub fn forge(&self, header: &Value, claims: &Value) -> String {
        let der = self.directory.join("sign.der");
        let key = path(&self.directory.join("sign.key"));
        drop(
            openssl(["pkcs8", "-topk8", "-nocrypt", "-in", &key, "-outform", "DER", "-out", &path(&der)])
                .ok(),
        );
        let key = SigningKey::from_pkcs8_der(&std::fs::read(der).expect("a key")).expect("PKCS#8");
        let signed = format!("{}.{}", part(header), part(claims));
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", encoded(&signature.to_bytes()))
    }

    fn script(&self, verb: &str, more: &[&str]) -> Said {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness/provider.py");
        let (script, directory) = (path(&script), path(&self.directory));
        run("/usr/bin/python3", [&[script.as_str(), verb, &directory], more].concat())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Where the package is unpacked: beside `bin`, as `/usr` is.
fn home() -> PathBuf {
    let program = glewlwyd();
    let unpacked = program.parent().and_then(Path::parent).map(|home| home.join("usr"));
    unpacked.filter(|home| home.exists()).unwrap_or_else(|| "/usr".into())
}

/// Writes a part of a token (RFC 7515 §3.1).
#[must_use]
pub fn part(value: &Value) -> String {
    encoded(value.to_string().as_bytes())
}

/// Reads a part of a token.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn read_part(token: &str, number: usize) -> Value {
    use base64::Engine as _;
    let text = token.split('.').nth(number).expect("a part");
    let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url");
    serde_json::from_slice(&octets).expect("JSON")
}

fn encoded(octets: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(octets)
}

/// A program that waits until somebody does something, and says what on standard error.
#[derive(Debug)]
pub struct Waiting {
    child: Child,
    line: String,
}

impl Waiting {
    /// Starts it, and reads the first line.
    ///
    /// # Panics
    /// When it says nothing.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let mut line = String::new();
        let mut said = BufReader::new(child.stderr.as_mut().expect("standard error"));
        assert!(said.read_line(&mut line).expect("a line") > 0, "it says what is to be done");
        Self { child, line: line.trim().to_owned() }
    }

    /// Returns what it said.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Waits for its end; returns whether it went well, and what it wrote.
    ///
    /// # Panics
    /// When it cannot be waited for.
    #[must_use]
    pub fn end(self) -> (bool, String) {
        let ended = self.child.wait_with_output().expect("it can be waited for");
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

//! An authority that `openssl ca` runs, and its going on under `meter-pki serve`: its key, its table in the configuration.

use std::fs;
use std::path::{Path, PathBuf};

use e2e::chapter::{Shell, blocks};
use e2e::peer::{curl, path};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl, run};

/// The chapter that operators read.
pub(crate) const CHAPTER: &str = include_str!("../../docs/operate/migrate.md");

/// What the configuration calls the authority.
pub(crate) const NAME: &str = "old";

/// The number of its first CRL: beyond the present in seconds, so that numbers can go on only from it.
pub(crate) const FIRST_CRL: u64 = 9_000_000_000;

const CONFIGURATION: &str = "\
[ca]
default_ca = old

[old]
database = $dir/index.txt
new_certs_dir = $dir/newcerts
serial = $dir/serial
crlnumber = $dir/crlnumber
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
default_days = 365
default_crl_days = 30
policy = any
unique_subject = no
crl_extensions = crl

[any]
commonName = supplied

[req]
distinguished_name = asked

[asked]

[crl]
authorityKeyIdentifier = keyid:always

[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash

[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[server]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:server.example
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid

[device]
keyUsage = critical,digitalSignature
authorityKeyIdentifier = keyid
";

/// An authority that `openssl ca` runs in a directory.
#[derive(Debug)]
pub(crate) struct OldAuthority {
    pub(crate) place: PathBuf,
}

impl OldAuthority {
    /// Founds it, below a root of its own.
    pub(crate) fn found(place: &Path) -> Self {
        let old = Self { place: place.to_owned() };
        fs::create_dir(place).expect("a directory");
        fs::create_dir(old.file("newcerts")).expect("a directory");
        fs::write(old.file("openssl.cnf"), CONFIGURATION.replace("$dir", &path(place))).expect("a file");
        fs::write(old.file("index.txt"), "").expect("a file");
        fs::write(old.file("serial"), "1000\n").expect("a file");
        fs::write(old.file("crlnumber"), format!("{FIRST_CRL:010X}\n")).expect("a file");
        for name in ["root", "ca"] {
            old.key(name);
        }
        let (configuration, root) = (old.text("openssl.cnf"), old.text("root.pem"));
        let common = ["-config", &configuration, "-key", &old.text("root.key"), "-subj", "/CN=Old Root"];
        let selfsigned = ["req", "-x509", "-new", "-days", "7300", "-extensions", "root", "-out", &root];
        drop(openssl(selfsigned.iter().chain(&common)).ok());
        let request = old.request("ca", "/CN=Old CA");
        let (serial, certificate) = ("0x55", old.text("ca.pem"));
        let signing = ["x509", "-req", "-in", &request, "-days", "3650", "-extensions", "authority"];
        let by = ["-CA", &root, "-CAkey", &old.text("root.key"), "-set_serial", serial];
        let how = ["-extfile", &configuration, "-out", &certificate];
        drop(openssl(signing.iter().chain(&by).chain(&how)).ok());
        old
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        path(&self.file(name))
    }

    /// Makes a key of P-256.
    pub(crate) fn key(&self, name: &str) {
        let file = self.text(&format!("{name}.key"));
        drop(openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &file]).ok());
    }

    /// Makes a request of a key that is there.
    pub(crate) fn request(&self, name: &str, subject: &str) -> String {
        let (key, file) = (self.text(&format!("{name}.key")), self.text(&format!("{name}.csr")));
        let configuration = self.text("openssl.cnf");
        let arguments = ["-config", &configuration, "-key", &key, "-subj", subject, "-out", &file];
        drop(openssl(["req", "-new"].iter().chain(&arguments)).ok());
        file
    }

    fn ca(&self, arguments: &[&str]) -> Said {
        openssl(["ca", "-config", &self.text("openssl.cnf"), "-batch"].iter().chain(arguments))
    }

    /// Issues a certificate, and returns its file.
    pub(crate) fn issue(&self, name: &str, subject: &str, extensions: &str, more: &[&str]) -> PathBuf {
        self.key(name);
        self.certify(name, subject, extensions, more)
    }

    /// The same for a key that is there.
    pub(crate) fn certify(&self, name: &str, subject: &str, extensions: &str, more: &[&str]) -> PathBuf {
        let (request, out) = (self.request(name, subject), self.text(&format!("{name}.pem")));
        let arguments = ["-in", &request, "-out", &out, "-notext", "-extensions", extensions];
        drop(self.ca(&[&arguments, more].concat()).ok());
        self.file(&format!("{name}.pem"))
    }

    /// Signs a certificate beside the index, under a serial number that is given.
    pub(crate) fn sign(&self, name: &str, serial: &str, out: &Path) {
        let (request, ca, key) =
            (self.text(&format!("{name}.csr")), self.text("ca.pem"), self.text("ca.key"));
        let (configuration, out) = (self.text("openssl.cnf"), path(out));
        let signing = ["x509", "-req", "-in", &request, "-days", "30", "-set_serial", serial, "-out", &out];
        let by = ["-CA", &ca, "-CAkey", &key, "-extfile", &configuration, "-extensions", "device"];
        drop(openssl(signing.iter().chain(&by)).ok());
    }

    /// Revokes a certificate that was issued under this name.
    pub(crate) fn revoke(&self, name: &str, how: &[&str]) {
        let file = self.text(&format!("{name}.pem"));
        drop(self.ca(&[&["-revoke", &file], how].concat()).ok());
    }

    /// Makes the next CRL.
    pub(crate) fn crl(&self) {
        drop(self.ca(&["-gencrl", "-out", &self.text("last.crl")]).ok());
    }

    /// The serial number of a certificate, as OpenSSL writes it.
    pub(crate) fn serial(&self, name: &str) -> String {
        e2e::peer::serial(&self.file(&format!("{name}.pem")))
    }
}

/// Brings the key of the old authority into a rehearsed system, as the chapter says, and serves it.
pub(crate) fn adopted(old: &OldAuthority, rehearsal: &mut Rehearsal) {
    rehearsal.stop();
    let [adopt, ..] = blocks(CHAPTER, "sh")[..] else { panic!("the chapter has blocks") };
    drop(shell(old, rehearsal).run(adopt).ok());
    let responder = fs::read_to_string(rehearsal.state("responder.name")).expect("its name");
    let table = blocks(CHAPTER, "toml").concat().replace("$RESPONDER", responder.trim());
    rehearsal.configure("meter-pki.toml", |text| format!("{text}\n{table}"));
    rehearsal.serve();
}

/// A shell in the state directory, which knows where the old authority is.
pub(crate) fn shell(old: &OldAuthority, rehearsal: &Rehearsal) -> Shell {
    Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs")).with("OLD", &old.place)
}

/// What OCSP says of a certificate: the whole of what `openssl ocsp` prints.
pub(crate) fn ocsp(rehearsal: &Rehearsal, old: &OldAuthority, certificate: &Path) -> String {
    let (root, issuer) = (old.text("root.pem"), old.text("ca.pem"));
    let (url, certificate) = (format!("{}/ocsp", rehearsal.status()), path(certificate));
    let whom = ["ocsp", "-url", &url, "-CAfile", &root, "-verify_other", &issuer, "-issuer", &issuer];
    let said = openssl(whom.iter().chain(&["-cert", &certificate])).ok();
    assert!(said.err.contains("Response verify OK"), "{}", said.all());
    said.out
}

/// Fetches the CRL of the authority, as PEM.
pub(crate) fn published(rehearsal: &Rehearsal) -> PathBuf {
    let key = rehearsal.operator_json(&["ca", "show", NAME])["key"].as_str().expect("a key").to_owned();
    let answer = curl(rehearsal, &format!("{}/crl/{key}.crl", rehearsal.status()), &[] as &[&str]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (der, pem) = (rehearsal.unique("crl.der"), rehearsal.unique("crl.pem"));
    fs::write(&der, answer.body).expect("it can be written");
    let (der, out) = (path(&der), path(&pem));
    drop(run("openssl", ["crl", "-inform", "DER", "-in", &der, "-out", &out]).ok());
    pem
}

/// What OpenSSL prints of a CRL.
pub(crate) fn crl_text(file: &Path) -> String {
    openssl(["crl", "-noout", "-text", "-in", &path(file)]).ok().out
}

/// The entry of a serial number in what OpenSSL prints of a CRL.
pub(crate) fn entry<'a>(text: &'a str, serial: &str) -> Option<&'a str> {
    let entry = text.split("Serial Number: ").find(|entry| entry.starts_with(&format!("{serial}\n")))?;
    Some(entry.split("Signature Algorithm").next().unwrap_or(entry))
}

/// The number of a CRL.
pub(crate) fn number(file: &Path) -> u64 {
    let said = openssl(["crl", "-noout", "-crlnumber", "-in", &path(file)]).ok().out;
    let digits = said.trim().rsplit(['=', 'x']).next().expect("a number");
    u64::from_str_radix(digits, 16).expect("a number in digits")
}

//! Tokens of SoftHSM2 behind the module that fails by plan, each with every key of a rehearsed system.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::{finish, openssl, softhsm};
use pkcs11_faults::Plan;

/// The token that has the key of CMP messages, and that key alone.
pub(crate) const MESSAGES: &str = "messages";

pub(crate) struct Tokens {
    state: PathBuf,
}

impl Tokens {
    /// Makes tokens with these labels, and brings every key onto each of them, as restored backups would be; the files go. The key of
    /// messages is on [`MESSAGES`] alone, where there is such a token, and that has no other.
    pub(crate) fn make(rehearsal: &Rehearsal, labels: &[&str]) -> Self {
        let tokens = Self { state: rehearsal.state("") };
        std::fs::create_dir(tokens.at("tokens")).expect("a directory");
        let place = path(&tokens.at("tokens"));
        let settings = format!("directories.tokendir = {place}\nobjectstore.backend = file\n");
        std::fs::write(tokens.at("softhsm2.conf"), settings).expect("its configuration");
        tokens.write_pin("user-1234");
        tokens.plan(&Plan::new());
        let secrets = ["--so-pin", "so-1234", "--pin", "user-1234"];
        for label in labels {
            tokens.util(&[&["--init-token", "--free", "--label", label][..], &secrets].concat());
        }
        for file in std::fs::read_dir(tokens.at("keys")).expect("the keys") {
            let file = file.expect("a key").path();
            let plain = decrypted(rehearsal, &file);
            let of_messages =
                labels.contains(&MESSAGES).then(|| path(&file).contains(&message_key(rehearsal)));
            let takes =
                |label: &&&str| of_messages.is_none_or(|of_messages| of_messages == (**label == MESSAGES));
            labels.iter().filter(takes).for_each(|label| tokens.import(&plain, label));
        }
        std::fs::remove_dir_all(tokens.at("keys")).expect("the files go");
        tokens
    }

    fn at(&self, place: &str) -> PathBuf {
        self.state.join(place)
    }

    fn util(&self, arguments: &[&str]) {
        let mut command = Command::new("softhsm2-util");
        drop(finish(command.env("SOFTHSM2_CONF", self.at("softhsm2.conf")).args(arguments)).ok());
    }

    fn import(&self, plain: &Path, token: &str) {
        let name = plain.file_name().expect("its name").to_string_lossy().into_owned();
        let plain = path(plain);
        let import = ["--import", &plain, "--token", token, "--label", &name, "--id", &name];
        self.util(&[&import[..], &["--pin", "user-1234"]].concat());
    }

    /// Writes what the URIs say is the PIN.
    pub(crate) fn write_pin(&self, pin: &str) {
        std::fs::write(self.at("pin"), pin).expect("the PIN");
        drop(finish(Command::new("chmod").arg("600").arg(self.at("pin"))).ok());
    }

    /// The URI of a token, through the module that fails by plan.
    pub(crate) fn uri(&self, label: &str) -> String {
        let module = path(&pkcs11_faults::file_of_module().expect("the test knows where it is"));
        format!("pkcs11:token={label}?module-path={module}&pin-source=file:{}", path(&self.at("pin")))
    }

    /// What a program that loads the module has in its environment.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("SOFTHSM2_CONF", self.at("softhsm2.conf")),
            (pkcs11_faults::MODULE, softhsm().into()),
            (pkcs11_faults::PLAN, self.at("plan")),
        ]
    }

    /// Puts a plan into force.
    pub(crate) fn plan(&self, plan: &Plan) {
        plan.write(&self.at("plan")).expect("the plan");
    }

    /// How often a function was called since the plan was made.
    pub(crate) fn calls(&self, function: &str) -> usize {
        pkcs11_faults::calls(&self.at("plan"), function).expect("the calls")
    }
}

/// The name of the key that protects CMP messages, as its certificate has it.
fn message_key(rehearsal: &Rehearsal) -> String {
    let certificate = path(&rehearsal.state("tls/cmp-signer.cer"));
    let told =
        openssl(["x509", "-inform", "DER", "-in", &certificate, "-noout", "-ext", "subjectKeyIdentifier"]);
    let line = told.ok().out.lines().nth(1).expect("its identifier").to_owned();
    line.trim().replace(':', "").to_lowercase()
}

/// The key of a file, in the clear, under its name.
pub(crate) fn decrypted(rehearsal: &Rehearsal, file: &Path) -> PathBuf {
    let name = file.file_stem().expect("its name").to_string_lossy().into_owned();
    let plain = rehearsal.unique("plain").with_file_name(&name);
    let passphrase = format!("file:{}", path(&rehearsal.state("passphrase")));
    let (from, to) = (path(file), path(&plain));
    let arguments = ["pkcs8", "-topk8", "-nocrypt", "-passin", &passphrase, "-in", &from, "-out", &to];
    drop(openssl(arguments).ok());
    plain
}

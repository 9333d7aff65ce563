//! A rehearsed authority in an installed root: founded by the installed program as the user of the package, and configured as an
//! operator does it.

use e2e::tool::finish;
use serde_json::Value;
use toml::Value as Toml;

use crate::root::PrivateRoot;

/// Where the ledger is.
pub(crate) const LEDGER: &str = "/var/lib/meter-pki/rehearsal/store";

/// Where the rehearsal lies.
const STATE: &str = "/var/lib/meter-pki/rehearsal";

/// Founds an authority; returns its configuration, which is that of the package from now on. Its passphrase is a credential.
pub(crate) fn found(root: &PrivateRoot) -> String {
    let quickstart = ["/usr/bin/meter-pki", "quickstart", "--exit", "--meters", "1", "--state", STATE];
    drop(finish(&mut root.program("meter-pki", &quickstart)).ok());
    let written = root.read(&format!("{STATE}/meter-pki.toml"));
    let mut configuration: toml::Table = toml::from_str(&written).expect("a configuration");
    for (key, value) in &mut configuration {
        lead_to_state(key, value);
    }
    let unit = "/run/credentials/meter-pki.service/meter-pki.passphrase";
    configuration["keys"]["passphrase_file"] = Toml::String(unit.to_owned());
    configuration["operator"]["socket"] = Toml::String("/run/meter-pki/operator.sock".to_owned());
    let passphrase = root.read(&format!("{STATE}/passphrase"));
    root.put("/etc/credstore/meter-pki.passphrase", passphrase.as_bytes(), ("0:0", 0o600));
    let text = toml::to_string(&configuration).expect("a configuration");
    root.put("/etc/meter-pki/meter-pki.toml", text.as_bytes(), ("0:0", 0o644));
    text
}

/// Paths are relative to the file, which lies elsewhere now.
fn lead_to_state(key: &str, value: &mut Toml) {
    match value {
        Toml::Table(table) => table.iter_mut().for_each(|(key, value)| lead_to_state(key, value)),
        Toml::Array(values) => values.iter_mut().for_each(|value| lead_to_state(key, value)),
        Toml::String(text) => {
            let names_a_path = ["_file", "_files", "directory"].iter().any(|end| key.ends_with(end));
            if names_a_path && !text.starts_with('/') {
                *text = format!("{STATE}/{text}");
            }
        }
        Toml::Integer(_) | Toml::Float(_) | Toml::Boolean(_) | Toml::Datetime(_) => {}
    }
}

/// Enrols a device over EST by a one-time token, with the installed client.
pub(crate) fn enrol(root: &PrivateRoot, title: &str) {
    let owner = root.user("meter-pki");
    let list = format!("system_title,manufacturer\n{title},maker\n");
    root.put("/var/lib/meter-pki/devices.csv", list.as_bytes(), (&owner, 0o600));
    drop(root.meter_pki(&["device", "import", "/var/lib/meter-pki/devices.csv", "--tenant", "dso"]).ok());
    let token = root.meter_pki(&["--json", "device", "token", title, "--profile", "meter-op-tls-s1"]).ok();
    let token: Value = serde_json::from_str(&token.out).expect("a token");
    let secret = token["secret"].as_str().expect("a secret");
    root.put("/var/lib/meter-pki/secret", secret.as_bytes(), (&owner, 0o600));
    let configuration: toml::Table =
        toml::from_str(&root.read("/etc/meter-pki/meter-pki.toml")).expect("a configuration");
    let listen = configuration["est"]["listen"].as_str().expect("an address");
    let port = listen.rsplit_once(':').expect("a port").1;
    let url = format!("https://localhost:{port}/.well-known/est/meter-op-tls-s1");
    let trust = format!("{STATE}/authorities/dso-root-s1.cer");
    let user = token["user"].as_str().expect("a user");
    let said = root.meter_pki(&[
        "est",
        "enrol",
        "--url",
        &url,
        "--trust",
        &trust,
        "--user",
        user,
        "--password-file",
        "/var/lib/meter-pki/secret",
        "--common-name",
        title,
        "--out",
        &format!("/var/lib/meter-pki/{title}.pem"),
    ]);
    drop(said.ok());
}

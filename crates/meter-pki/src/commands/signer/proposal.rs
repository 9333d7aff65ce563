//! `meter-pki signer propose`: the signer's configuration that fits that of an authority, to be read by people before it is used.

use std::path::{Path, absolute};
use std::time::Duration;

use signer_pkcs11::TokenOptions;

use crate::commands::config::faulty;
use crate::commands::printer::Printer;
use crate::config::{Config, KeySource, RawAuthority, beside};
use crate::exit::Failure;

/// Prints the file for the authority whose configuration this is, with socket and log where they are to be.
pub(super) fn print(file: &Path, (socket, log): (&Path, &Path), printer: &Printer) -> Result<(), Failure> {
    let config = Config::load(file).map_err(|error| faulty(&error))?;
    let mut text = format!(
        "# For the keys of {}, by `meter-pki signer propose`.\n\
         socket = {}\n# The user ids that may ask, beside whoever runs the signer, and root.\nusers = []\nlog = {}\n\n",
        file.display(),
        quoted(&beside(file, socket)),
        quoted(&beside(file, log)),
    );
    text.push_str(&keys(&config.keys));
    let raw = Config::raw(file).map_err(|error| faulty(&error))?;
    for one in &raw.authorities {
        text.push_str(&authority(file, one.get_ref()));
    }
    if let Some((key, origin)) = &config.audit.notary {
        text.push_str(&format!(
            "[[key]]\nkey = \"{key}\"\npurposes = [\"checkpoint\"]\norigin = {}\n\n",
            string(origin)
        ));
    }
    for key in message_keys(&config) {
        text.push_str(&format!("[[key]]\nkey = \"{key}\"\npurposes = [\"message\"]\n\n"));
    }
    printer.script(&text);
    Ok(())
}

fn keys(source: &KeySource) -> String {
    match source {
        KeySource::Files { directory, passphrase_file } => format!(
            "[keys]\nallow_software_key = true\ndirectory = {}\npassphrase_file = {}\n\n",
            quoted(directory),
            quoted(passphrase_file)
        ),
        KeySource::Tokens { uris, options } => tokens(uris, options),
        KeySource::Signer { .. } => {
            "# [keys] is to name the token or the directory where the keys are.\n\n".to_owned()
        }
    }
}

fn tokens(uris: &[String], options: &TokenOptions) -> String {
    let named = match uris {
        [uri] => format!("token_uri = {}", string(uri)),
        several => {
            let uris: Vec<String> = several.iter().map(|uri| format!("  {},\n", string(uri))).collect();
            format!("token_uris = [\n{}]", uris.concat())
        }
    };
    let mut text = format!("[keys]\n{named}\n\n");
    if *options != TokenOptions::default() {
        let TokenOptions { sessions, longest_queue, longest_call, shortest_rest, longest_rest, .. } = options;
        let seconds = [longest_queue, longest_call, shortest_rest, longest_rest].map(Duration::as_secs);
        let [queue, call, shortest, longest] = seconds;
        text.push_str(&format!(
            "[keys.token]\nsessions = {sessions}\nlongest_queue_seconds = {queue}\nlongest_call_seconds = {call}\n\
             shortest_rest_seconds = {shortest}\nlongest_rest_seconds = {longest}\n\n"
        ));
    }
    text
}

fn authority(file: &Path, one: &RawAuthority) -> String {
    let certificate = quoted(&beside(file, &one.certificate_file));
    let offered = one.offers.iter().map(|offer| &offer.get_ref().profile).chain([&one.responder_profile]);
    let profiles: Vec<String> = offered.map(|name| string(name)).collect();
    let mut text = format!(
        "# {}\n[[key]]\ncertificate_file = {certificate}\npurposes = [\"certificate\", \"crl\"]\nprofiles = [{}]\n\
         crl_profiles = [{}]\n",
        one.name,
        profiles.join(", "),
        string(&one.crl_profile),
    );
    for (field, value) in [
        ("issues_until", &one.issues_until),
        ("crl_uri", &one.crl_uri),
        ("ca_issuers_uri", &one.ca_issuers_uri),
        ("ocsp_uri", &one.ocsp_uri),
        ("crl_grid", &one.crl_grid),
    ] {
        if let Some(value) = value {
            text.push_str(&format!("{field} = {}\n", string(value)));
        }
    }
    if let Some(shards) = one.crl_shards {
        text.push_str(&format!("crl_shards = {shards}\n"));
    }
    text.push_str(&format!(
        "\n[[key]]\nkey = \"{}\"\ncertificate_file = {certificate}\npurposes = [\"ocsp\"]\n\n",
        one.responder_key
    ));
    text
}

/// The keys that sign messages and are in `[keys]`, by their certificates.
pub(in crate::commands) fn message_keys(config: &Config) -> Vec<String> {
    let cmp = config.cmp.iter();
    let of_cmp =
        cmp.clone().filter(|cmp| cmp.message_key_file.is_none()).map(|cmp| &cmp.message_certificate_file);
    let central = cmp.filter_map(|cmp| cmp.central_keys.as_ref());
    let of_central = central.filter(|keys| keys.key_file.is_none()).map(|keys| &keys.certificate_file);
    let of_est = config.est.message_certificate_file.iter().filter(|_| config.est.message_key_file.is_none());
    let certificates = of_cmp.chain(of_central).chain(of_est).filter_map(|file| std::fs::read(file).ok());
    let parsed = certificates.filter_map(|der| ca_core::certificate::Certificate::from_der(&der).ok());
    let mut keys: Vec<String> = parsed.map(|one| one.public_key().key_ref().to_string()).collect();
    keys.sort();
    keys.dedup();
    keys
}

/// A path from the root, since the file may be put elsewhere.
fn quoted(path: &Path) -> String {
    string(&absolute(path).unwrap_or_else(|_| path.to_path_buf()).to_string_lossy())
}

/// A string of JSON is one of TOML.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

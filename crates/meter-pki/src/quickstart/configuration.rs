//! Writes the configuration file of a quickstart: the same file that a person would write, read back by the same code.

use std::net::SocketAddr;

use status_server::repository::{certificate_path, crl_path};

use super::ceremony::Founded;

/// The common name of the line station, by which the configuration knows it.
pub(super) const LINE_STATION: &str = "Line Station 1";

/// What the file says beside the authorities.
pub(super) struct Settings<'a> {
    pub est: SocketAddr,
    pub cmp: SocketAddr,
    pub status: SocketAddr,
    /// Where operators come with client certificates.
    pub operator: SocketAddr,
    /// Signs the checkpoints of the audit log, and nothing else.
    pub checkpoint_key: ca_core::key_ref::KeyRef,
    /// Each authority with its responder's key.
    pub authorities: &'a [(Founded, ca_core::key_ref::KeyRef)],
}

/// Returns the text of the file.
pub(super) fn text(settings: &Settings<'_>) -> String {
    let mut text = String::from(
        "# Written by `meter-pki quickstart`. A rehearsal: its keys are files, its passphrase lies beside them.\n\n\
         [store]\ndirectory = \"store\"\nengine = \"fjall\"\ntenant = \"dso\"\n\n\
         [keys]\nallow_software_key = true\ndirectory = \"keys\"\npassphrase_file = \"passphrase\"\n\n\
         [operator]\nsocket = \"operator.sock\"\n",
    );
    text.push_str(&format!("listen = \"{}\"\n\n", settings.operator));
    let (est, cmp, status) = (settings.est, settings.cmp, settings.status);
    let sections = format!(
        "[est]\nlisten = \"{est}\"\ncertificate_file = \"tls/server.pem\"\nkey_file = \"tls/server.key\"\n\
         default_label = \"meter-op-ds-s1\"\n\n\
         [cmp]\nlisten = \"{cmp}\"\nlabels = [{}]\nmessage_certificate_file = \"tls/cmp-signer.cer\"\n\
         message_chain_files = [\"authorities/dso-infra-s1.cer\"]\n\n[status]\nlisten = \"{status}\"\ndirectory = \"published\"\n\
         releases_directory = \"releases\"\n\n",
        cmp_labels()
    );
    text.push_str(&sections);
    text.push_str(&format!(
        "[audit]\ncheckpoint_key = \"{}\"\norigin = \"rehearsal.example/meter-pki\"\nexport_directory = \"audit\"\n\n",
        settings.checkpoint_key
    ));
    for (founded, responder_key) in settings.authorities {
        text.push_str(&authority(founded, &responder_key.to_string(), status));
    }
    text.push_str(&manufacturer(settings.authorities));
    for suite in ["s1", "s2"] {
        text.push_str(&station(suite));
    }
    text
}

/// What the owner of meters issues.
fn cmp_labels() -> String {
    let labels = ["s1", "s2"]
        .iter()
        .flat_map(|suite| ["ds", "ka", "tls"].map(|purpose| format!("\"meter-op-{purpose}-{suite}\"")));
    labels.collect::<Vec<_>>().join(", ")
}

fn authority(founded: &Founded, responder_key: &str, status: SocketAddr) -> String {
    let Founded { name, tenant, root, suite, key } = founded;
    let suite = suite.suffix();
    let mut text = format!(
        "[[authority]]\nname = \"{name}\"\ntenant = \"{tenant}\"\ncertificate_file = \"authorities/{name}.cer\"\n\
         path_files = [\"authorities/{root}.cer\"]\ncrl_profile = \"crl-online\"\nocsp_profile = \"ocsp-online\"\n\
         responder_profile = \"ocsp-{suite}\"\nresponder_key = \"{responder_key}\"\n\
         crl_uri = \"http://{status}{}\"\nca_issuers_uri = \"http://{status}{}\"\n\
         ocsp_uri = \"http://{status}/ocsp\"\n",
        crl_path(key),
        certificate_path(key),
    );
    let offers: &[(&str, &str)] = match name.split('-').nth(1) {
        Some("factory") => &[
            ("meter-factory-ds", "\"registration-authority\""),
            ("meter-factory-ka", "\"registration-authority\""),
            ("meter-factory-tls", "\"registration-authority\""),
        ],
        Some("operational") => {
            text.push_str("manufacturers = [\"maker\"]\n");
            &[("meter-op-ds", METER_DOORS), ("meter-op-ka", METER_DOORS), ("meter-op-tls", METER_DOORS)]
        }
        Some("maintenance") => {
            &[("hhu-op-ds", "\"operator\""), ("hhu-op-ka", "\"operator\""), ("hhu-op-tls", "\"operator\"")]
        }
        _ if *tenant == "dso" => &[
            ("est-tls", "\"operator\""),
            ("ra-station", "\"operator\""),
            ("cmp-signer", "\"operator\""),
            ("ship-recipient", "\"operator\""),
            ("ra-operator", "\"operator\""),
        ],
        _ => &[("est-tls", "\"operator\""), ("ra-station", "\"operator\""), ("ship-signer", "\"operator\"")],
    };
    for (row, doors) in offers {
        text.push_str(&format!("\n[[authority.offer]]\nprofile = \"{row}-{suite}\"\ndoors = [{doors}]\n"));
        if row.starts_with("meter-") {
            text.push_str(&format!("label = \"{row}-{suite}\"\n"));
        }
        if doors.contains("factory-certificate") {
            text.push_str("grace_minutes = 60\n");
        }
    }
    text.push('\n');
    text
}

const METER_DOORS: &str =
    "\"factory-certificate\", \"operational-certificate\", \"one-time-token\", \"campaign\"";

fn manufacturer(authorities: &[(Founded, ca_core::key_ref::KeyRef)]) -> String {
    let anchors: Vec<String> = authorities
        .iter()
        .filter(|(founded, _)| founded.name.contains("-factory-"))
        .map(|(founded, _)| format!("\"authorities/{}.cer\"", founded.name))
        .collect();
    format!(
        "[[manufacturer]]\ntenant = \"maker\"\nanchor_files = [{}]\n\
         shipment_anchor_files = [\"authorities/maker-root-s1.cer\", \"authorities/maker-root-s2.cer\"]\n\n",
        anchors.join(", ")
    )
}

fn station(suite: &str) -> String {
    format!(
        "[[registration_authority]]\nname = \"line-1-{suite}\"\ntenant = \"maker\"\ncommon_name = \"{LINE_STATION}\"\n\
         anchor_files = [\"authorities/maker-infra-s1.cer\"]\n\
         profiles = [\"meter-factory-ds-{suite}\", \"meter-factory-ka-{suite}\", \"meter-factory-tls-{suite}\"]\n\
         title_prefix = \"4D504B\"\n\n"
    )
}

//! What all nodes that share a ledger are to have alike, as one digest: what is issued, for whom, and who decides. Not where a node
//! listens, where its keys are, or under which names its files are kept elsewhere.
//!
//! Profile files count by their octets; profiles that are built in belong to the program's version.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::started;

/// The tables of the file that count.
const TABLES: [&str; 9] = [
    "authority",
    "manufacturer",
    "registration_authority",
    "uplift",
    "revocation",
    "visits",
    "cmp",
    "profiles",
    "operator",
];

/// The fields in them that are a node's own.
const OWN: [&str; 6] = ["listen", "socket", "directory", "certificate_file", "key_file", "limits"];

/// SHA-256 in hexadecimal; of nothing where the file cannot be read.
pub(crate) fn alike(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let mut digest = Sha256::new();
    if let Some(tenant) = table.get("store").and_then(|store| store.get("tenant")) {
        digest.update(tenant.to_string());
    }
    for name in TABLES {
        if let Some(value) = table.get(name) {
            let mut value = value.clone();
            forget_own(&mut value);
            digest.update(name);
            digest.update([0]);
            digest.update(value.to_string());
        }
    }
    if let Some(profiles) = Config::raw(file).ok().and_then(|raw| started::profiles_sha256(file, &raw)) {
        digest.update(profiles);
    }
    hex::encode(digest.finalize())
}

/// Takes away what is a node's own, however deep it stands.
fn forget_own(value: &mut toml::Value) {
    if let Some(table) = value.as_table_mut() {
        table.retain(|name, _| !OWN.contains(&name));
        table.iter_mut().for_each(|(_, value)| forget_own(value));
    } else if let Some(values) = value.as_array_mut() {
        values.iter_mut().for_each(forget_own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> String {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("meter-pki.toml");
        std::fs::write(&file, text).unwrap();
        alike(&file)
    }

    const ONE: &str = "[store]\ntenant = \"dso\"\ndirectory = \"a\"\n[operator]\nsocket = \"a\"\npeople = \"two\"\n\
                       [[authority]]\nname = \"op\"\nuncertain_grace_seconds = 60\n";

    #[test]
    fn what_a_node_has_for_itself_does_not_count() {
        let other = ONE.replace("\"a\"", "\"b\"");
        assert_ne!(ONE, other);
        assert_eq!(digest(ONE), digest(&other));
        assert_eq!(digest(ONE), digest(&format!("{ONE}\n# a remark\n[est]\nlisten = \"[::1]:1\"\n")));
    }

    #[test]
    fn what_is_issued_and_who_decides_counts() {
        for (was, is) in
            [("\"dso\"", "\"other\""), ("= 60", "= 61"), ("\"op\"", "\"ds\""), ("\"two\"", "\"one\"")]
        {
            assert_ne!(digest(ONE), digest(&ONE.replace(was, is)), "{is}");
        }
    }
}

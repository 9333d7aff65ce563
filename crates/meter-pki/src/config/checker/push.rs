//! The checks of `[[status.push]]`.

use std::path::PathBuf;

use super::Checker;
use crate::config::RawPush;

impl Checker<'_> {
    /// A target is a folder or a store, and never half of each.
    pub(super) fn push(&mut self, raw: &RawPush) -> Option<RawPush> {
        let what = "status.push";
        match raw {
            RawPush {
                directory: Some(directory),
                endpoint: None,
                bucket: None,
                credentials_file: None,
                ..
            } => Some(RawPush { directory: Some(self.directory(what, directory)?), ..raw.clone() }),
            RawPush {
                directory: None,
                endpoint: Some(endpoint),
                bucket: Some(_),
                credentials_file: Some(credentials),
                ..
            } => {
                if endpoint.starts_with("https://") && raw.roots_file.is_none() {
                    self.note(what, "an endpoint that is https needs roots_file: who vouches for it");
                }
                if !(raw.prefix.is_empty() || raw.prefix.ends_with('/')) {
                    self.note(what, "prefix ends in /");
                }
                let file = |path: &PathBuf| self.beside(path);
                let (credentials, roots) = (file(credentials), raw.roots_file.as_ref().map(file));
                for path in std::iter::once(&credentials).chain(&roots).filter(|path| !path.is_file()) {
                    self.note(what, format!("there is no file {}", path.display()));
                }
                Some(RawPush { credentials_file: Some(credentials), roots_file: roots, ..raw.clone() })
            }
            _ => self.keep(what, Err("give either directory, or endpoint, bucket and credentials_file")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let mut checker = Checker::of_service(Path::new("/dev/null"));
        checker.push(&toml::from_str(text).unwrap());
        checker.told()
    }

    #[test]
    fn a_target_is_a_folder_or_a_store_and_not_half_of_each() {
        assert!(faults("directory = \"/tmp\"").is_empty());
        let store = "endpoint = \"http://localhost\"\nbucket = \"crls\"\ncredentials_file = \"/dev/null\"\n";
        for (text, fault) in [
            ("", "give either"),
            ("directory = \"/tmp\"\nendpoint = \"http://localhost\"", "give either"),
            ("endpoint = \"http://localhost\"\nbucket = \"crls\"", "give either"),
            ("directory = \"/nowhere\"", "there is no directory"),
            (store, "there is no file /dev/null"),
            (&store.replace("http:", "https:"), "needs roots_file"),
            (&format!("{store}prefix = \"pki\""), "prefix ends in /"),
        ] {
            let told = faults(text);
            assert!(told.iter().any(|one| one.contains(fault)), "{text}: {told:?}");
        }
    }
}

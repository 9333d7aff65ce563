//! A unit of systemd as a file: keys and values of its section `[Service]`, read as systemd reads them.

use crate::root::PrivateRoot;

/// An installed unit.
pub(crate) struct Unit {
    /// Such as `meter-pki.service`.
    pub(crate) name: String,
    lines: Vec<(String, String)>,
}

impl Unit {
    /// Reads an installed unit.
    pub(crate) fn read(root: &PrivateRoot, name: &str) -> Self {
        let text = root.read(&format!("/usr/lib/systemd/system/{name}"));
        let section = text.lines().skip_while(|line| *line != "[Service]").skip(1);
        let section = section.take_while(|line| !line.starts_with('['));
        let lines = section.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        let lines = lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Self { name: name.to_owned(), lines }
    }

    /// All values of a key.
    pub(crate) fn all(&self, key: &str) -> Vec<&str> {
        self.lines.iter().filter(|(found, _)| found == key).map(|(_, value)| value.as_str()).collect()
    }

    /// The one value of a key.
    pub(crate) fn one(&self, key: &str) -> &str {
        match self.all(key).as_slice() {
            [value] => value,
            other => panic!("{}: {key} is {other:?}", self.name),
        }
    }
}

//! A manifest beside the requests: which file is for which device and purpose, where the names do not say so.

use std::collections::BTreeMap;
use std::io::Read;

use ca_core::system_title::SystemTitle;
use serde::Deserialize;

use super::names::Wish;
use crate::exit::{Exit, Failure};

/// The name under which a manifest is found by itself.
pub(crate) const NAME: &str = "manifest.csv";

/// How long a manifest may be, in octets: some 200,000 rows.
const LONGEST: u64 = 16 * 1024 * 1024;

/// How many faulty rows are told one by one.
const TOLD: usize = 20;

/// Files and what each is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest(BTreeMap<String, Wish>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    system_title: String,
    purpose: String,
}

impl Manifest {
    /// Reads the whole; a faulty row stops it, and every faulty row is told.
    pub(crate) fn read(octets: impl Read) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(Exit::Usage, "manifest.faulty", why);
        let mut text = Vec::new();
        octets.take(LONGEST + 1).read_to_end(&mut text).map_err(|error| failed(error.to_string()))?;
        if u64::try_from(text.len()).unwrap_or(u64::MAX) > LONGEST {
            return Err(failed(format!("the manifest is longer than {LONGEST} octets")));
        }
        // What Excel puts in front.
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        let (mut files, mut faults) = (BTreeMap::new(), Vec::new());
        for (row, record) in csv::Reader::from_reader(text).deserialize::<Row>().enumerate() {
            let line = row + 2;
            match record.map_err(|error| error.to_string()).and_then(wish) {
                Err(why) => faults.push(format!("line {line}: {why}")),
                Ok((file, wish)) => {
                    if files.insert(file.clone(), wish).is_some() {
                        faults.push(format!("line {line}: {file} stands on a line before"));
                    }
                }
            }
        }
        if faults.is_empty() {
            return Ok(Self(files));
        }
        let count = faults.len();
        faults.truncate(TOLD);
        Err(failed(format!("faulty rows of the manifest: {count}\n{}", faults.join("\n"))))
    }

    /// Returns what a file is for.
    pub(crate) fn of(&self, file: &str) -> Option<Wish> {
        self.0.get(file).copied()
    }

    /// Lists the files.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Wish)> {
        self.0.iter().map(|(file, wish)| (file.as_str(), wish))
    }
}

fn wish(row: Row) -> Result<(String, Wish), String> {
    let Row { file, system_title, purpose } = row;
    let title = SystemTitle::parse(&system_title).map_err(|error| format!("{system_title}: {error}"))?;
    let purpose = Wish::purpose(&purpose)
        .ok_or_else(|| format!("{purpose} is none of signature, key-agreement, tls, D, A and T"))?;
    Ok((file, Wish { title, purpose }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rows_behind_a_mark_and_with_either_word_for_a_purpose() {
        let text =
            "\u{feff}file,system_title,purpose\r\na.csr,4D504B0100000001,tls\r\nb.csr,4D504B0100000001,D\r\n";
        let manifest = Manifest::read(text.as_bytes()).unwrap();
        assert_eq!(manifest.of("a.csr").unwrap().to_string(), "T4D504B0100000001");
        assert_eq!(manifest.of("b.csr").unwrap().to_string(), "D4D504B0100000001");
        assert_eq!(manifest.of("c.csr"), None);
    }

    #[test]
    fn i_07_every_faulty_row_is_told_with_its_line() {
        let text = "file,system_title,purpose\na,4D504B0100000001,tls\na,4D504B0100000002,tls\nb,x,tls\nc,4D504B0100000001,ca\nd\n";
        let failure = Manifest::read(text.as_bytes()).unwrap_err();
        assert_eq!(failure.code, "manifest.faulty");
        for line in ["line 3: a stands", "line 4: x:", "line 5: ca is none", "line 6:"] {
            assert!(failure.message.contains(line), "{line} in {}", failure.message);
        }
    }
}

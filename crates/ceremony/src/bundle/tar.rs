//! A bundle as one file: a `.tar` of plain files (POSIX.1-1988 ustar), in the order of their names, without times and owners.
//!
//! Every tar program unpacks it. Read is only what is written here, octet for octet, so that no octet is without meaning.

use std::collections::BTreeMap;

const BLOCK: usize = 512;

/// The longest name that fits the field.
const NAME: usize = 100;

/// The longest file that eleven octal digits can say.
const MOST: usize = 0o777_7777_7777;

/// Writes files.
pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, TarError> {
    let mut out = Vec::new();
    for (name, octets) in files {
        out.extend_from_slice(&header(name, octets.len())?);
        out.extend_from_slice(octets);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

/// Reads files.
pub(crate) fn read(octets: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, TarError> {
    let mut files = BTreeMap::new();
    let mut rest = octets;
    while let Some((block, after)) = rest.split_at_checked(BLOCK)
        && block.first() != Some(&0)
    {
        let field =
            |range| block.get(range).and_then(text).ok_or_else(|| TarError::Header { at: at(octets, rest) });
        let name = field(0..NAME)?.to_owned();
        let size = usize::from_str_radix(field(124..136)?, 8);
        let size = size.map_err(|_| TarError::Header { at: at(octets, rest) })?;
        let (content, behind) = after.split_at_checked(size).ok_or(TarError::CutShort)?;
        files.insert(name, content.to_vec());
        rest = behind.get(size.next_multiple_of(BLOCK) - size..).ok_or(TarError::CutShort)?;
    }
    // What was read is written once more: whatever differs was changed.
    let written = write(&files)?;
    let differs = written.iter().zip(octets).position(|(written, read)| written != read);
    match differs {
        Some(at) => Err(TarError::Header { at }),
        None if written.len() == octets.len() => Ok(files),
        None => Err(TarError::CutShort),
    }
}

const fn at(octets: &[u8], rest: &[u8]) -> usize {
    octets.len() - rest.len()
}

/// Returns the text of a field, which ends with its first zero octet.
fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|octet| *octet == 0).unwrap_or(field.len());
    core::str::from_utf8(field.get(..end)?).ok()
}

fn header(name: &str, size: usize) -> Result<[u8; BLOCK], TarError> {
    if name.is_empty() || name.len() > NAME || size > MOST {
        return Err(TarError::TooLong { name: name.to_owned() });
    }
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &str| {
        for (octet, value) in block.iter_mut().skip(at).zip(text.bytes()) {
            *octet = value;
        }
    };
    put(0, name);
    for (at, value) in [(100, "0000444"), (108, "0000000"), (116, "0000000"), (136, "00000000000")] {
        put(at, value);
    }
    put(124, &format!("{size:011o}"));
    // The checksum is taken with spaces in its own place.
    put(148, "        0");
    put(257, "ustar");
    put(263, "00");
    let sum: u32 = block.iter().copied().map(u32::from).sum();
    for (octet, value) in block.iter_mut().skip(148).zip(format!("{sum:06o}\0").bytes()) {
        *octet = value;
    }
    Ok(block)
}

/// Why octets are not the `.tar` of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// A name or a file is too long.
    #[error("{name:?} has a name of more than 100 octets, or is longer than 8 GiB")]
    TooLong {
        /// The name.
        name: String,
    },
    /// Other octets than are written.
    #[error("octet {at} is not as it was written")]
    Header {
        /// Where, from 0.
        at: usize,
    },
    /// The end is missing, or something stands behind it.
    #[error("it does not end where it should")]
    CutShort,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn files() -> BTreeMap<String, Vec<u8>> {
        [("manifest.json", vec![b'{'; 513]), ("outputs/a.crt", vec![7; 512]), ("outputs/empty", Vec::new())]
            .map(|(name, octets)| (name.to_owned(), octets))
            .into()
    }

    #[test]
    fn other_programs_unpack_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("bundle.tar"), write(&files()).unwrap()).unwrap();
        let done =
            Command::new("tar").args(["xf", "bundle.tar"]).current_dir(folder.path()).status().unwrap();
        assert!(std::fs::create_dir(folder.path().join("outputs")).is_err() && done.success());
        for (name, octets) in files() {
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), octets);
        }
    }

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        let octets = write(&files()).unwrap();
        assert_eq!(read(&octets), Ok(files()));
        for place in 0..octets.len() {
            let mut changed = octets.clone();
            changed[place] ^= 0x20;
            // A changed octet of a file, or of a name, makes another file: the manifest finds it.
            assert_ne!(read(&changed), Ok(files()), "octet {place}");
        }
        assert_eq!(read(&octets[..octets.len() - 1]), Err(TarError::CutShort));
        assert_eq!(read(&[octets.as_slice(), &[0]].concat()), Err(TarError::CutShort));
    }
}

//! Certification requests of others, from tests/vectors.

use std::path::{Path, PathBuf};

use est_server::wire::base64;

/// The octets of a file in tests/vectors.
pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = root().join(name);
    std::fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

/// The octets of every DER file in a folder of tests/vectors, in the order of their names.
pub(crate) fn files(folder: &str) -> Vec<Vec<u8>> {
    let mut files = entries(&root().join(folder));
    files.retain(|path| path.extension().is_some_and(|extension| extension == "der" || extension == "pki"));
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("it was listed")).collect()
}

/// The requests of the DLMS libraries as they write them: base64 in armour.
pub(crate) fn requests_as_text() -> Vec<Vec<u8>> {
    let folders = ["net", "python"].map(|library| root().join("dlms-csr").join(library));
    let mut files: Vec<PathBuf> = folders.iter().flat_map(|folder| entries(folder)).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).expect("it was listed")).collect()
}

/// The same as DER.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let der = |text: &Vec<u8>| base64::decode(text).expect("a vector is in order").octets;
    requests_as_text().iter().map(der).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).unwrap_or_else(|cause| panic!("{}: {cause}", folder.display()));
    listed.map(|entry| entry.expect("it can be listed").path()).collect()
}

/// tests/vectors, seen from the package of either program.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = package.ancestors().map(|folder| folder.join("vectors"));
    beside.take(2).find(|folder| folder.is_dir()).expect("the vectors stand beside the harness")
}

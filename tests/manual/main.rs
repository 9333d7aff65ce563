//! The manual says what is so: the book is whole, its links lead somewhere, every command that it names is one, its generated pages are
//! those that the programs make, and what they say of certificates is what OpenSSL reads off real ones.

mod book;
mod pages;
mod reference;
mod statement;
mod symptoms;
mod words;

use std::path::PathBuf;

/// The repository.
fn sources() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Every file below a folder of the repository whose name ends so, by its path from there, in order.
fn files(folder: &str, end: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(sources().join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = folder.join(entry.file_name());
            match entry.file_type().expect("a kind").is_dir() {
                true => folders.push(path),
                false => found.push(path.to_str().expect("a name that is text").to_owned()),
            }
        }
    }
    found.retain(|path| path.ends_with(end));
    found.sort();
    found
}

fn read(path: &str) -> String {
    std::fs::read_to_string(sources().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

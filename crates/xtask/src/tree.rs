//! The files of the project, as git knows them: tracked, or new and not ignored.
//!
//! Not a view of the disk: what git ignores does not exist here, and binary files carry no text.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::source::Source;

/// All files, in the order of their paths.
#[derive(Debug)]
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One file, by its path from the root with `/` between the parts.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    /// Empty when the file is not UTF-8 text.
    pub(crate) text: String,
    /// Present for Rust files.
    pub(crate) source: Option<Source>,
}

impl Tree {
    /// Reads every file that git tracks or would track below `root`.
    ///
    /// # Errors
    /// When git cannot be run there. A file that vanishes meanwhile is left out.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let answer = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git is needed to list the files of the project")?;
        if !answer.status.success() {
            bail!("git ls-files failed: {}", String::from_utf8_lossy(&answer.stderr));
        }
        let listing = String::from_utf8(answer.stdout).context("a path of the project is not UTF-8")?;
        let mut files = Vec::new();
        for path in listing.split_terminator('\0') {
            if let Ok(octets) = std::fs::read(root.join(path)) {
                files.push(File::new(path, String::from_utf8(octets).unwrap_or_default()));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self::assembled(files))
    }

    /// A tree of these files, in which those that only tests compile know it.
    fn assembled(mut files: Vec<File>) -> Self {
        let of_tests: Vec<String> = files.iter().flat_map(File::test_modules).collect();
        let belongs = |path: &str| {
            let mut rests = of_tests.iter().filter_map(|module| path.strip_prefix(module.as_str()));
            rests.any(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        for file in &mut files {
            if let Some(source) = file.source.as_mut().filter(|_| belongs(&file.path)) {
                source.belongs_to_tests();
            }
        }
        Self { files }
    }

    /// A tree that exists in memory only.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File::new(path, (*text).to_owned());
        Self::assembled(files.iter().map(file).collect())
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files, each with its scanned source.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Source)> {
        self.files.iter().filter_map(|file| file.source.as_ref().map(|source| (file, source)))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl File {
    fn new(path: &str, text: String) -> Self {
        let source = path.ends_with(".rs").then(|| Source::scan(&text));
        Self { path: path.to_owned(), text, source }
    }

    /// The modules that this file declares for tests only, as paths without the ending.
    fn test_modules(&self) -> impl Iterator<Item = String> {
        let whole = self.path.strip_suffix(".rs").unwrap_or_default();
        let folder = match whole.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => whole,
        };
        let names = self.source.iter().flat_map(Source::test_modules);
        names.map(move |name| format!("{folder}/{name}"))
    }

    /// The lines with their numbers, which start at 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The path without its last part: `ca-core/src` of `ca-core/src/lib.rs`.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_only_tests_declare_is_theirs() {
        let tree = Tree::of(&[
            ("a/src/lib.rs", "//! A.\nmod b;\n#[cfg(test)]\nmod samples;\n"),
            ("a/src/b.rs", "//! B.\n#[cfg(test)]\nmod tests;\n"),
            ("a/src/b/tests.rs", "//! T.\n"),
            ("a/src/samples.rs", "//! S.\n"),
            ("a/src/samples/deep.rs", "//! D.\n"),
            ("a/src/samples_of_use.rs", "//! U.\n"),
        ]);
        let of_tests: Vec<&str> = tree
            .rust()
            .filter(|(_, source)| source.is_test_line(1))
            .map(|(file, _)| file.path.as_str())
            .collect();
        assert_eq!(of_tests, ["a/src/b/tests.rs", "a/src/samples.rs", "a/src/samples/deep.rs"]);
    }
}

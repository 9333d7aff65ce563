//! The files of one package, below a directory of their own, with the modes that they are installed with.
//!
//! Owners and times are not here: `dpkg-deb` says root, and the time of the release.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::called::run;

/// A directory that becomes a package.
pub(super) struct Staging {
    root: PathBuf,
}

impl Staging {
    /// Begins with an empty directory.
    pub(super) fn begin(root: PathBuf) -> anyhow::Result<Self> {
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("cannot empty {}", root.display()))?;
        }
        fs::create_dir_all(&root).with_context(|| format!("cannot make {}", root.display()))?;
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Puts a file that everybody may read.
    pub(super) fn put(&self, path: &str, octets: &[u8]) -> anyhow::Result<PathBuf> {
        self.write(path, octets, 0o644)
    }

    /// Puts a program or script.
    pub(super) fn put_executable(&self, path: &str, octets: &[u8]) -> anyhow::Result<PathBuf> {
        self.write(path, octets, 0o755)
    }

    /// Puts a file as `PATH.gz`, without the name and the time that gzip would keep.
    pub(super) fn put_compressed(&self, path: &str, octets: &[u8]) -> anyhow::Result<()> {
        let file = self.put(path, octets)?;
        run(Command::new("gzip").args(["--best", "--no-name"]).arg(&file)).map(drop)
    }

    /// Puts every file of a folder that git knows.
    pub(super) fn put_documents(&self, to: &str, repository: &Path, folder: &str) -> anyhow::Result<()> {
        let listed = run(Command::new("git").current_dir(repository).args(["ls-files", "-z", "--", folder]))?;
        for name in String::from_utf8(listed)?.split_terminator('\0') {
            let octets = fs::read(repository.join(name)).with_context(|| format!("{name} cannot be read"))?;
            let within = name.strip_prefix(folder).unwrap_or(name).trim_start_matches('/');
            self.put(&format!("{to}/{within}"), &octets)?;
        }
        Ok(())
    }

    /// Every file below the directory by its path from there, in order.
    pub(super) fn files(&self) -> anyhow::Result<Vec<String>> {
        let mut files = Vec::new();
        let mut pending = vec![self.root.clone()];
        while let Some(folder) = pending.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    pending.push(path);
                } else {
                    let within = path.strip_prefix(&self.root)?;
                    files.push(within.to_str().context("a path is not UTF-8")?.to_owned());
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// Directories are everybody's to enter, whatever the mask of who builds.
    fn write(&self, path: &str, octets: &[u8], mode: u32) -> anyhow::Result<PathBuf> {
        let file = self.root.join(path.trim_start_matches('/'));
        let folder = file.parent().context("a file has a place")?;
        fs::create_dir_all(folder)?;
        for made in folder.ancestors().take_while(|made| made.starts_with(&self.root)) {
            fs::set_permissions(made, Permissions::from_mode(0o755))?;
        }
        fs::write(&file, octets).with_context(|| format!("cannot write {}", file.display()))?;
        fs::set_permissions(&file, Permissions::from_mode(mode))?;
        Ok(file)
    }
}

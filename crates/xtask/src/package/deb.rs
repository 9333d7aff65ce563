//! One staged directory becomes one `.deb`: control fields, sums, and the call of `dpkg-deb`, which sets owners and times.
//!
//! The same directory and the same time give the same octets: the members are sorted, owned by root and no younger than the
//! release, and one thread compresses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::staging::Staging;
use crate::called::{line, run};

/// A package of Debian.
pub(super) struct Package {
    pub(super) name: &'static str,
    /// Beside the libraries that its programs are found to need.
    pub(super) depends: &'static [&'static str],
    pub(super) suggests: &'static str,
    /// One line.
    pub(super) summary: &'static str,
    /// Lines of the long description; an empty one parts paragraphs.
    pub(super) description: &'static [&'static str],
    /// Files that an operator changes, and that an upgrade leaves alone then.
    pub(super) conffiles: &'static [&'static str],
}

/// What all packages of one release share.
pub(super) struct Release {
    /// As Debian compares it.
    pub(super) version: String,
    pub(super) architecture: String,
    pub(super) homepage: String,
    pub(super) maintainer: String,
    /// Seconds since 1970: of the release, not of the build.
    pub(super) epoch: u64,
    /// Compresses little, for tests.
    pub(super) is_quick: bool,
}

impl Release {
    /// `date` of the release, in a form.
    pub(super) fn date(&self, form: &str) -> anyhow::Result<String> {
        let at = format!("--date=@{}", self.epoch);
        line(Command::new("date").env("LC_ALL", "C").args(["--utc", &at, form]))
    }

    /// Makes the package of a staged directory, beside it; returns its file.
    pub(super) fn build(&self, package: &Package, staging: &Staging) -> anyhow::Result<PathBuf> {
        let files = staging.files()?;
        let programs = files.iter().filter(|file| file.starts_with("usr/bin/"));
        let programs: Vec<PathBuf> = programs.map(|file| staging.root().join(file)).collect();
        let libraries = libraries(staging.root(), &programs)?;
        let sums = run(Command::new("md5sum").current_dir(staging.root()).args(unchanged(&files, package)))?;
        staging.put("DEBIAN/md5sums", &sums)?;
        if !package.conffiles.is_empty() {
            let list: String = package.conffiles.iter().map(|file| format!("{file}\n")).collect();
            staging.put("DEBIAN/conffiles", list.as_bytes())?;
        }
        let size = size(staging.root(), &files)?;
        staging.put("DEBIAN/control", self.control(package, &libraries, size).as_bytes())?;
        let name = format!("{}_{}_{}.deb", package.name, self.version, self.architecture);
        let file = staging.root().with_file_name(name);
        let level = if self.is_quick { "-z0" } else { "-z6" };
        let mut command = Command::new("dpkg-deb");
        command.args(["--root-owner-group", "--threads-max=1", "-Zxz", level, "--build"]);
        run(command.arg(staging.root()).arg(&file).env("SOURCE_DATE_EPOCH", self.epoch.to_string()))?;
        Ok(file)
    }

    fn control(&self, package: &Package, libraries: &str, size: u64) -> String {
        let depends = package.depends.iter().copied().chain([libraries]).filter(|one| !one.is_empty());
        let depends = match depends.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => String::new(),
            some => format!("Depends: {some}\n"),
        };
        let described = package.description.iter().map(|line| match *line {
            "" => " .\n".to_owned(),
            line => format!(" {line}\n"),
        });
        format!(
            "Package: {}\nVersion: {}\nArchitecture: {}\nMaintainer: {}\nInstalled-Size: {size}\n{depends}Suggests: {}\n\
             Section: net\nPriority: optional\nHomepage: {}\nDescription: {}\n{}",
            package.name,
            self.version,
            self.architecture,
            self.maintainer,
            package.suggests,
            self.homepage,
            package.summary,
            described.collect::<String>(),
        )
    }
}

/// The version of a manifest as Debian compares it: what comes before a release sorts before it.
pub(super) fn version(cargo: &str) -> String {
    cargo.replace('-', "~")
}

/// Which packages of the system the programs need, by the libraries that they are linked with.
fn libraries(root: &Path, programs: &[PathBuf]) -> anyhow::Result<String> {
    // It insists on a source package around it, and warns of directories that were built by others.
    let around = root.with_extension("source");
    fs::create_dir_all(around.join("debian"))?;
    fs::write(around.join("debian/control"), "Source: meter-pki\n\nPackage: meter-pki\nArchitecture: any\n")?;
    let mut command = Command::new("dpkg-shlibdeps");
    let said = line(command.current_dir(&around).arg("-O").args(programs));
    fs::remove_dir_all(&around).with_context(|| format!("cannot remove {}", around.display()))?;
    Ok(said?.strip_prefix("shlibs:Depends=").unwrap_or_default().to_owned())
}

/// The files whose sums are kept; dpkg looks after those of configuration itself.
fn unchanged<'a>(files: &'a [String], package: &'a Package) -> impl Iterator<Item = &'a String> {
    let is_configuration =
        |file: &str| package.conffiles.iter().any(|one| one.trim_start_matches('/') == file);
    files.iter().filter(move |file| !file.starts_with("DEBIAN/") && !is_configuration(file))
}

/// What it takes on a disk, in KiB, as dpkg counts: each file by itself, rounded up.
fn size(root: &Path, files: &[String]) -> anyhow::Result<u64> {
    let mut sum: u64 = 0;
    for file in files {
        let metadata = fs::metadata(root.join(file)).with_context(|| format!("{file} is gone"))?;
        sum = sum.saturating_add(metadata.len().div_ceil(1_024));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Package = Package {
        name: "shop",
        depends: &["till (>= 2)"],
        suggests: "sweets",
        summary: "sells",
        description: &["It sells.", "", "And more."],
        conffiles: &["/etc/shop/shop.toml"],
    };

    #[test]
    fn what_comes_before_a_release_sorts_before_it() {
        assert_eq!(version("1.0.0-rc.1"), "1.0.0~rc.1");
        assert_eq!(version("1.0.0"), "1.0.0");
    }

    #[test]
    fn the_control_file_has_what_was_stated_and_what_was_found() {
        let release = Release {
            version: "1.0.0".to_owned(),
            architecture: "amd64".to_owned(),
            homepage: "https://shop.example".to_owned(),
            maintainer: "Keepers <keepers@shop.example>".to_owned(),
            epoch: 0,
            is_quick: true,
        };
        let control = release.control(&SHOP, "libc6 (>= 2.34)", 12);
        assert!(control.contains("\nDepends: till (>= 2), libc6 (>= 2.34)\n"), "{control}");
        assert!(control.contains("\nInstalled-Size: 12\n"), "{control}");
        assert!(control.ends_with("\nDescription: sells\n It sells.\n .\n And more.\n"), "{control}");
        let bare = release.control(&Package { depends: &[], ..SHOP }, "", 12);
        assert!(!bare.contains("Depends:"), "a static program needs nothing: {bare}");
    }

    #[test]
    fn files_of_configuration_have_no_sum() {
        let files = ["DEBIAN/postinst", "etc/shop/shop.toml", "usr/bin/shop"].map(str::to_owned);
        assert_eq!(unchanged(&files, &SHOP).collect::<Vec<_>>(), ["usr/bin/shop"]);
    }
}

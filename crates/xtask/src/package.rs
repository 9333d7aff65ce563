//! Makes the packages for Debian: `meter-pki`, which serves, and `meter-pki-offline`, for the machine that no network reaches.
//!
//! The same sources, compilers and release time give the same octets; with `--twice` that is put to the test. What is in a
//! package stands in `contents`; what Debian wants around it in `deb`; the texts that are installed in
//! `crates/xtask/packaging`. Nothing here decides what the programs do.

mod contents;
mod deb;
mod manual;
mod sbom;
mod staging;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use clap::Args;
use sha2::{Digest, Sha256};

use crate::called::line;
use crate::offline::build::{self, Place, Program};
use crate::offline::{CEREMONY, VERIFIER};
use contents::Sources;
use deb::Release;
use staging::Staging;

const SERVER: Program =
    Program { package: "meter-pki", binary: "meter-pki", profile: "release", is_static: false };

/// How packages are made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The programs as they were built before, in this directory; without it they are built for release, with fixed flags
    #[arg(long, value_name = "DIR")]
    binaries: Option<PathBuf>,
    /// The version of the packages; that of the workspace unless given
    #[arg(long)]
    version: Option<String>,
    /// Where the packages go
    #[arg(long, value_name = "DIR", default_value = "target/package")]
    out: PathBuf,
    /// Compresses little
    #[arg(long)]
    quick: bool,
    /// Builds, where it builds, and packs once more from a copy of the sources elsewhere, and compares
    #[arg(long)]
    twice: bool,
}

/// Makes both packages and prints what was made; tells whether a second build is the same.
pub(crate) fn run(root: &Path, options: &Options, out: &mut impl Write) -> anyhow::Result<bool> {
    let target = root.join(&options.out);
    let release = release(root, options)?;
    let made = make(root, options, &release, &target)?;
    let mut sums = String::new();
    for file in &made {
        let name = file.file_name().context("a package has a name")?.to_string_lossy();
        let octets = std::fs::read(file)?;
        let sha256: String = Sha256::digest(&octets).iter().map(|octet| format!("{octet:02x}")).collect();
        writeln!(out, "{sha256}  {} octets  {}", octets.len(), file.display())?;
        sums.push_str(&format!("{sha256}  {name}\n"));
    }
    std::fs::write(target.join("SHA256SUMS"), sums)?;
    if options.binaries.is_none() {
        writeln!(out, "{}", build::compilers()?)?;
    }
    if !options.twice {
        return Ok(true);
    }
    let differing = compare(root, options, &release, &made)?;
    for name in &differing {
        writeln!(out, "FAULT: {name} differs when it is made elsewhere")?;
    }
    Ok(differing.is_empty())
}

/// Version and time of what is released.
fn release(root: &Path, options: &Options) -> anyhow::Result<Release> {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root.join("Cargo.toml"))?)?;
    let stated = |key: &str| {
        let stated = manifest.get("workspace").and_then(|table| table.get("package")?.get(key)?.as_str());
        stated.map(str::to_owned).with_context(|| format!("Cargo.toml states no {key}"))
    };
    let homepage = stated("repository")?;
    let version = options.version.clone().map_or_else(|| stated("version"), Ok)?;
    // reproducible-builds.org/specs/source-date-epoch; else the time of the commit, since that of the build says nothing.
    let epoch = match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(epoch) => epoch.into_string().map_err(|_| anyhow::anyhow!("SOURCE_DATE_EPOCH is not text"))?,
        None => line(Command::new("git").current_dir(root).args(["log", "-1", "--format=%ct"]))?,
    };
    Ok(Release {
        version: deb::version(&version),
        architecture: line(Command::new("dpkg").arg("--print-architecture"))?,
        maintainer: format!("the meter-pki contributors <{}>", contents::CONTACT),
        homepage,
        epoch: epoch.parse().context("the time of the release is not a number of seconds")?,
        is_quick: options.quick,
    })
}

/// Builds the programs unless they are there, and packs them.
fn make(root: &Path, options: &Options, release: &Release, target: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let programs = match &options.binaries {
        Some(folder) => [SERVER, CEREMONY, VERIFIER].map(|program| folder.join(program.binary)),
        None => {
            let place = Place { sources: root.to_owned(), target: target.join("build") };
            [place.build(&SERVER)?, place.build(&CEREMONY)?, place.build(&VERIFIER)?]
        }
    };
    if let Some(missing) = programs.iter().find(|program| !program.is_file()) {
        bail!("there is no {}: --binaries names a directory with all three programs", missing.display());
    }
    let [server, ceremony, verifier] = &programs;
    let sources = Sources { root, release };
    let staging = Staging::begin(target.join("meter-pki"))?;
    sources.stage_server(&staging, server)?;
    let first = release.build(&contents::SERVER, &staging)?;
    let staging = Staging::begin(target.join("meter-pki-offline"))?;
    sources.stage_offline(&staging, ceremony, verifier)?;
    let second = release.build(&contents::OFFLINE, &staging)?;
    Ok(vec![first, second])
}

/// Makes both packages again, elsewhere; returns the names of those that are not the same octet for octet.
fn compare(
    root: &Path,
    options: &Options,
    release: &Release,
    made: &[PathBuf],
) -> anyhow::Result<Vec<String>> {
    let away = std::env::temp_dir().join(format!("meter-pki-{}", std::process::id()));
    let sources = away.join("elsewhere/and-deeper/sources");
    let again = build::copy_sources(root, &sources).and_then(|()| {
        // What lists files asks git, which knows them there too once they are added.
        line(Command::new("git").current_dir(&sources).args(["init", "--quiet"]))?;
        line(Command::new("git").current_dir(&sources).args(["add", "--all"]))?;
        let again = make(&sources, options, release, &away.join("made"))?;
        let same = made.iter().zip(&again).map(|(first, second)| {
            let differs = std::fs::read(first)? != std::fs::read(second)?;
            Ok(differs.then(|| first.file_name().unwrap_or_default().to_string_lossy().into_owned()))
        });
        same.collect::<anyhow::Result<Vec<Option<String>>>>()
    });
    std::fs::remove_dir_all(&away).with_context(|| format!("cannot remove {}", away.display()))?;
    Ok(again?.into_iter().flatten().collect())
}

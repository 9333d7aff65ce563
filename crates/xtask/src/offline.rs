//! Builds what goes to the air-gapped machine and to auditors: `offline-root`, and `ceremony-verify` as a static program.
//!
//! The same octets come from the same sources, compiler and C compiler, wherever the sources lie; with `--twice` that is put to
//! the test. What was built is looked into: what it links, what it asks of the C library, and that no path of this machine is
//! in it. Nothing here decides what the programs do.

pub(crate) mod build;
mod elf;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use sha2::{Digest, Sha256};

use build::{Place, Program};

/// What is built, and how.
pub(crate) const CEREMONY: Program =
    Program { package: "offline-root", binary: "offline-root", profile: "offline", is_static: false };
pub(crate) const VERIFIER: Program =
    Program { package: "bundle-verifier", binary: "ceremony-verify", profile: "offline", is_static: true };

/// Builds and looks; tells whether everything is as it must be.
pub(crate) fn run(root: &Path, twice: bool, out: &mut impl Write) -> anyhow::Result<bool> {
    let target = root.join("target/offline");
    let here = Place { sources: root.to_owned(), target: target.join("build") };
    let ceremony = here.build(&CEREMONY)?;
    let verifier = here.build(&VERIFIER)?;
    let mut faults = look_into(&ceremony, &CEREMONY, &here)?;
    faults.extend(look_into(&verifier, &VERIFIER, &here)?);
    if twice {
        faults.extend(compare(root, &ceremony)?);
    }
    let mut sums = String::new();
    for (path, program) in [(&ceremony, CEREMONY), (&verifier, VERIFIER)] {
        let kept = target.join(program.binary);
        std::fs::copy(path, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
        let octets = std::fs::read(&kept)?;
        let sha256 = hex(&Sha256::digest(&octets));
        writeln!(out, "{}  {} octets  {}", program.binary, octets.len(), kept.display())?;
        out.write_all(&build::fingerprint(&verifier, &kept)?)?;
        sums.push_str(&format!("{sha256}  {}\n", program.binary));
    }
    std::fs::write(target.join("SHA256SUMS"), sums)?;
    writeln!(out, "{}", build::compilers()?)?;
    for fault in &faults {
        writeln!(out, "FAULT: {fault}")?;
    }
    Ok(faults.is_empty())
}

/// Looks into a program that was built.
fn look_into(path: &Path, program: &Program, place: &Place) -> anyhow::Result<Vec<String>> {
    let mut faults = elf::faults(path, program.is_static)?;
    let octets = std::fs::read(path)?;
    for known in place.paths()? {
        let text = known.to_string_lossy().into_owned();
        if octets.windows(text.len()).any(|window| window == text.as_bytes()) {
            faults.push(format!("{} names {text}, a path of this machine", program.binary));
        }
    }
    Ok(faults)
}

/// Builds the ceremony program from a copy of the sources elsewhere, and compares.
fn compare(root: &Path, first: &Path) -> anyhow::Result<Vec<String>> {
    let away = std::env::temp_dir().join(format!("meter-pki-{}/elsewhere/and-deeper", std::process::id()));
    let place = Place { sources: away.join("sources"), target: away.join("made") };
    let second = build::copy_sources(root, &place.sources).and_then(|()| place.build(&CEREMONY));
    let compared = second.and_then(|second| Ok((std::fs::read(first)?, std::fs::read(second)?)));
    let top = away.ancestors().nth(2).map(PathBuf::from).unwrap_or_default();
    std::fs::remove_dir_all(&top).with_context(|| format!("cannot remove {}", top.display()))?;
    let (first, second) = compared?;
    if first.is_empty() {
        bail!("the program that was built is empty");
    }
    let differs = first.iter().zip(&second).position(|(left, right)| left != right);
    Ok(match differs {
        None if first.len() == second.len() => Vec::new(),
        None => vec![format!("two builds differ in length: {} and {} octets", first.len(), second.len())],
        Some(at) => vec![format!("two builds differ, first at octet {at}")],
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

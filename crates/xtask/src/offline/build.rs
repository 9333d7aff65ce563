//! One build with fixed flags, and the copy of the sources for another one elsewhere.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// A program and how it is built.
pub(crate) struct Program {
    pub(crate) package: &'static str,
    pub(crate) binary: &'static str,
    /// A profile of the root manifest.
    pub(crate) profile: &'static str,
    pub(crate) is_static: bool,
}

/// Where sources lie, and where to build.
pub(crate) struct Place {
    pub(crate) sources: PathBuf,
    pub(crate) target: PathBuf,
}

impl Place {
    /// Builds a program; returns where it lies.
    pub(crate) fn build(&self, program: &Program) -> anyhow::Result<PathBuf> {
        // One directory for each set of flags: cargo would build everything anew whenever they change.
        let target = self.target.join(program.binary);
        // Named in full, so that flags reach the program and not the plug-ins of the compiler.
        let host = host()?;
        let status = cargo()?
            .current_dir(&self.sources)
            .args(["build", "--locked", "--profile", program.profile, "--target", &host])
            .args(["--package", program.package, "--bin", program.binary])
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags(program)?)
            .env("CFLAGS", self.c_flags()?)
            // For whatever writes a date into what it makes.
            .env("SOURCE_DATE_EPOCH", "0")
            .env_remove("RUSTFLAGS")
            .status()
            .context("cargo does not start")?;
        if !status.success() {
            bail!("{} does not build", program.binary);
        }
        Ok(target.join(host).join(program.profile).join(program.binary))
    }

    /// Paths of this machine, which must not be in what is built.
    pub(super) fn paths(&self) -> anyhow::Result<[PathBuf; 3]> {
        Ok([self.target.clone(), self.sources.clone(), cargo_home()?])
    }

    /// Each path of this machine with the name that stands for it; of several that fit, the last one counts.
    fn names(&self) -> anyhow::Result<[(PathBuf, &'static str); 3]> {
        let [target, sources, cargo_home] = self.paths()?;
        Ok([(cargo_home, "/cargo"), (sources, "/sources"), (target, "/target")])
    }

    fn rust_flags(&self, program: &Program) -> anyhow::Result<OsString> {
        let mut flags: Vec<String> = self
            .names()?
            .iter()
            .map(|(path, name)| format!("--remap-path-prefix={}={name}", path.display()))
            .collect();
        flags.extend(["-Clink-arg=-Wl,--build-id=none".to_owned()]);
        if program.is_static {
            flags.push("-Ctarget-feature=+crt-static".to_owned());
        }
        Ok(flags.join("\u{1f}").into())
    }

    fn c_flags(&self) -> anyhow::Result<String> {
        let names = self.names()?;
        let flags = names.iter().map(|(path, name)| format!(" -ffile-prefix-map={}={name}", path.display()));
        Ok(format!("-g0{}", flags.collect::<String>()))
    }
}

/// Copies what belongs to the project to an empty place.
pub(crate) fn copy_sources(from: &Path, to: &Path) -> anyhow::Result<()> {
    let listed = Command::new("git")
        .current_dir(from)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("git is needed to tell which files belong to the project")?;
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (source, copy) = (from.join(name), to.join(name));
        if !source.exists() {
            continue;
        }
        std::fs::create_dir_all(copy.parent().context("a file has a place")?)?;
        std::fs::copy(&source, &copy).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(())
}

/// What `ceremony-verify` says of a file: its SHA-256 in digits and in words.
pub(super) fn fingerprint(verifier: &Path, file: &Path) -> anyhow::Result<Vec<u8>> {
    let said =
        Command::new(verifier).arg("--words").arg(file).output().context("the verifier does not start")?;
    if !said.status.success() {
        bail!("the verifier does not tell the SHA-256 of {}", file.display());
    }
    Ok(said.stdout)
}

/// Which compilers made it: with others, the octets are others.
pub(crate) fn compilers() -> anyhow::Result<String> {
    let first_line = |program: &str| -> anyhow::Result<String> {
        let said = Command::new(program)
            .arg("--version")
            .output()
            .with_context(|| format!("{program} is missing"))?;
        Ok(String::from_utf8_lossy(&said.stdout).lines().next().unwrap_or_default().to_owned())
    };
    Ok(format!("made by {}; {}; {}", first_line("rustc")?, first_line("cc")?, first_line("ld")?))
}

/// The kind of machine this is, as the compiler calls it.
fn host() -> anyhow::Result<String> {
    let said = Command::new("rustc").args(["--version", "--verbose"]).output().context("rustc is missing")?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned);
    host.context("rustc does not say for which machine it builds")
}

fn cargo() -> anyhow::Result<Command> {
    let cargo = std::env::var_os("CARGO").context("call this as `cargo xtask offline-build`")?;
    Ok(Command::new(cargo))
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    home.context("neither CARGO_HOME nor HOME is set")
}

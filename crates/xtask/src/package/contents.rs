//! What is in each package, and where.
//!
//! `meter-pki-offline` is a package of its own because it goes to another machine: the one that no network reaches gets neither a
//! server nor its units, and the server none of the ceremony's programs (ADR 68).

use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::deb::{Package, Release};
use super::manual::{self, Edition};
use super::sbom::{self, Product};
use super::staging::Staging;
use crate::called::run;

/// Where whoever installed a package may write: the project has no address but its repository's.
pub(super) const CONTACT: &str = "meter-pki@example.invalid";

/// Where the texts are that are installed.
const PACKAGING: &str = "crates/xtask/packaging/debian";

/// The package of the machine that serves.
pub(super) const SERVER: Package = Package {
    name: "meter-pki",
    depends: &[
        "init-system-helpers (>= 1.54~)",
        "systemd (>= 250) | systemd-standalone-sysusers",
        "systemd (>= 250) | systemd-standalone-tmpfiles",
    ],
    suggests: "meter-pki-offline, postgresql",
    summary: "certification authority and PKI suite for smart meters",
    description: &[
        "Issues, renews and revokes the certificates of smart meters, gateways and",
        "hand-held units (DLMS/COSEM), over EST (RFC 7030) and CMP (RFC 9810), and",
        "publishes their status as CRL and OCSP. Keys are on PKCS#11 tokens, behind a",
        "signer in a process of its own, or in encrypted files.",
        "",
        "As it is installed it serves nobody: who may have a certificate, and from which",
        "authority, is for its operator to say.",
    ],
    conffiles: &["/etc/meter-pki/meter-pki.toml"],
};

/// The package of the machine that no network reaches.
pub(super) const OFFLINE: Package = Package {
    name: "meter-pki-offline",
    depends: &[],
    suggests: "softhsm2",
    summary: "programs for the ceremonies of an offline root",
    description: &[
        "offline-root makes the root of a PKI for smart meters, and signs its",
        "subordinate authorities and its CRLs, on a machine that no network reaches.",
        "ceremony-verify is for auditors: it checks the bundle of a ceremony again, from",
        "the bundle alone.",
        "",
        "Neither contains network code.",
    ],
    conffiles: &[],
};

/// Shells, as `meter-pki completion` calls them, and where each looks for its script.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/meter-pki"),
    ("zsh", "usr/share/zsh/vendor-completions/_meter-pki"),
    ("fish", "usr/share/fish/vendor_completions.d/meter-pki.fish"),
];

/// Files of the server's package as they stand in `packaging/debian/meter-pki`.
const INSTALLED: [(&str, &str); 5] = [
    ("meter-pki.service", "usr/lib/systemd/system/meter-pki.service"),
    ("meter-pki-signer.service", "usr/lib/systemd/system/meter-pki-signer.service"),
    ("sysusers.conf", "usr/lib/sysusers.d/meter-pki.conf"),
    ("tmpfiles.conf", "usr/lib/tmpfiles.d/meter-pki.conf"),
    ("meter-pki.toml", "etc/meter-pki/meter-pki.toml"),
];

/// Where everything comes from.
pub(super) struct Sources<'a> {
    pub(super) root: &'a Path,
    pub(super) release: &'a Release,
}

impl Sources<'_> {
    /// Fills the package of the machine that serves.
    pub(super) fn stage_server(&self, staging: &Staging, program: &Path) -> anyhow::Result<()> {
        self.stage_program(staging, "meter-pki", program)?;
        for (shell, path) in COMPLETIONS {
            staging.put(path, &run(Command::new(program).args(["completion", shell]))?)?;
        }
        for (name, path) in INSTALLED {
            staging.put(path, self.text(&format!("meter-pki/{name}"))?.as_bytes())?;
        }
        for script in ["postinst", "prerm", "postrm"] {
            let text = self.text(&format!("meter-pki/{script}"))?;
            staging.put_executable(&format!("DEBIAN/{script}"), text.as_bytes())?;
        }
        for chapters in ["operate", "manual"] {
            let (to, from) = (format!("usr/share/doc/meter-pki/{chapters}"), format!("docs/{chapters}"));
            staging.put_documents(&to, self.root, &from)?;
        }
        self.stage_papers(staging, &SERVER, &["meter-pki"])
    }

    /// Fills the package of the machine that no network reaches.
    pub(super) fn stage_offline(
        &self,
        staging: &Staging,
        ceremony: &Path,
        verifier: &Path,
    ) -> anyhow::Result<()> {
        self.stage_program(staging, "offline-root", ceremony)?;
        self.stage_program(staging, "ceremony-verify", verifier)?;
        let overrides = self.text("meter-pki-offline/lintian-overrides")?;
        staging.put("usr/share/lintian/overrides/meter-pki-offline", overrides.as_bytes())?;
        self.stage_papers(staging, &OFFLINE, &["offline-root", "bundle-verifier"])
    }

    /// A program without what only a debugger reads, and its pages.
    fn stage_program(&self, staging: &Staging, name: &str, program: &Path) -> anyhow::Result<()> {
        let octets =
            std::fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
        let installed = staging.put_executable(&format!("usr/bin/{name}"), &octets)?;
        let sections = ["--strip-unneeded", "--remove-section=.comment", "--remove-section=.note"];
        run(Command::new("strip").args(sections).arg(&installed))?;
        let day = self.release.date("+%F")?;
        let edition = Edition { version: &self.release.version, day: &day };
        for (page, text) in manual::pages(name, &installed, &edition)? {
            staging.put_compressed(&format!("usr/share/man/man1/{page}"), text.as_bytes())?;
        }
        Ok(())
    }

    /// What every package says of itself: licence, changes, and what it is made of.
    fn stage_papers(&self, staging: &Staging, package: &Package, members: &[&str]) -> anyhow::Result<()> {
        let folder = format!("usr/share/doc/{}", package.name);
        let licence = std::fs::read_to_string(self.root.join("LICENSE"))?;
        let copyright = format!("{}{}", self.text("copyright")?, expat(&licence)?);
        staging.put(&format!("{folder}/copyright"), copyright.as_bytes())?;
        let changes = std::fs::read(self.root.join("CHANGELOG.md"))?;
        staging.put_compressed(&format!("{folder}/NEWS.md"), &changes)?;
        staging.put_compressed(&format!("{folder}/changelog"), self.changelog(package)?.as_bytes())?;
        let time = self.release.date("+%FT%TZ")?;
        let product = Product { name: package.name, version: &self.release.version, time: &time, members };
        staging.put(&format!("{folder}/sbom.cdx.json"), sbom::of(self.root, &product)?.as_bytes())?;
        Ok(())
    }

    /// The changelog in Debian's form, which leads to ours.
    fn changelog(&self, package: &Package) -> anyhow::Result<String> {
        let Release { version, maintainer, .. } = self.release;
        let date = self.release.date("+%a, %d %b %Y %T +0000")?;
        Ok(format!(
            "meter-pki ({version}) unstable; urgency=medium\n\n  * What changed, and what operators do about it:\n    \
             /usr/share/doc/{}/NEWS.md.gz\n\n -- {maintainer}  {date}\n",
            package.name
        ))
    }

    fn text(&self, name: &str) -> anyhow::Result<String> {
        let path = self.root.join(PACKAGING).join(name);
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    }
}

/// The text of the MIT licence, which Debian calls Expat, in the form of a copyright file: Debian's common licences have it not.
fn expat(licence: &str) -> anyhow::Result<String> {
    let (first, last) = ("Permission is hereby granted", "\nSOFTWARE.\n");
    let text = licence.find(first).and_then(|start| licence.get(start..)).and_then(|rest| {
        let end = rest.find(last)?.checked_add(last.len())?;
        rest.get(..end)
    });
    let text = text.context("LICENSE has no text of the MIT licence")?;
    let lines = text.trim_end().lines().map(|line| match line.trim() {
        "" => " .\n".to_owned(),
        line => format!(" {line}\n"),
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licence_is_told_from_its_first_word_to_its_last() {
        let licence = "Head\n\nPermission is hereby granted, free\nof charge.\n\nIN THE\nSOFTWARE.\n\nNext\n";
        let told = " Permission is hereby granted, free\n of charge.\n .\n IN THE\n SOFTWARE.\n";
        assert_eq!(expat(licence).unwrap(), told);
        assert!(expat("none").is_err());
    }
}

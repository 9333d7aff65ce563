//! What is in the packages: the same octets for the same sources, nothing that lintian warns of, and a bill of materials that is
//! one by its own schema.

use std::path::Path;
use std::process::Command;

use e2e::tool::{finish, release_readers, run};
use serde_json::Value;

use crate::packages::{Packages, SOURCES};

/// Unpacks a package; returns where.
fn unpacked(package: &Path) -> std::path::PathBuf {
    let folder = package.with_extension("unpacked");
    drop(run("dpkg-deb", ["--extract", &package.to_string_lossy(), &folder.to_string_lossy()]).ok());
    folder
}

/// lintian's own profile of Debian, whatever the machine is.
fn lint(package: &Path) {
    let words = ["--allow-root", "--profile", "debian", "--fail-on", "error,warning", "--show-overrides"];
    let said = run("lintian", words.into_iter().map(str::to_owned).chain([package.display().to_string()]));
    assert!(said.success, "{}", said.all());
}

/// Judged by the reader of those who define the form; tells the names of its components.
fn components(package: &Path, name: &str) -> Vec<String> {
    let file = unpacked(package).join(format!("usr/share/doc/{name}/sbom.cdx.json"));
    let script = Path::new(SOURCES).join("tests/install/check_sbom.py");
    drop(finish(Command::new(release_readers("python")).arg(script).arg(&file)).ok());
    let text = std::fs::read_to_string(file).expect("a bill of materials");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["metadata"]["component"]["name"], name);
    let components = document["components"].as_array().expect("components");
    let text = |one: &Value, field: &str| one[field].as_str().expect("a text").to_owned();
    for one in components {
        assert!(one["licenses"][0]["expression"].is_string(), "{one}");
        // What comes from elsewhere is known by its octets.
        assert_eq!(one["purl"].is_string(), one["hashes"][0]["content"].is_string(), "{one}");
    }
    components.iter().map(|one| text(one, "name")).collect()
}

#[test]
fn the_packages_are_the_same_wherever_they_are_made_and_nothing_is_to_be_warned_of() {
    let folder = tempfile::tempdir().expect("a private directory");
    let made = Packages::make_twice(folder.path(), "1.0.0");
    lint(&made.server);
    lint(&made.offline);

    let served = components(&made.server, "meter-pki");
    for linked in ["ca-core", "rustls", "aws-lc-sys", "fjall"] {
        assert!(served.iter().any(|name| name == linked), "{linked} is linked");
    }
    for absent in ["proptest", "openssl", "serde_derive", "e2e"] {
        assert!(!served.iter().any(|name| name == absent), "{absent} is not in what is released");
    }
    let offline = components(&made.offline, "meter-pki-offline");
    assert!(offline.iter().any(|name| name == "cryptoki"), "{offline:?}");
    assert!(!offline.iter().any(|name| name == "tokio" || name == "rustls"), "{offline:?}");

    let tree = unpacked(&made.server);
    for page in ["meter-pki.1.gz", "meter-pki-cert.1.gz", "meter-pki-signer.1.gz"] {
        let page = tree.join("usr/share/man/man1").join(page);
        let rendered =
            run("sh", ["-c", "zcat \"$0\" | groff -Kutf8 -man -Tutf8 -ww", &page.to_string_lossy()]).ok();
        assert!(rendered.err.is_empty(), "{}: {}", page.display(), rendered.err);
    }
    let page = run("zcat", [tree.join("usr/share/man/man1/meter-pki-cert.1.gz")]).ok().out;
    assert!(page.contains(".SH \"meter\\-pki cert revoke\"\n"), "{page}");
    for script in [
        "bash-completion/completions/meter-pki",
        "zsh/vendor-completions/_meter-pki",
        "fish/vendor_completions.d/meter-pki.fish",
    ] {
        let text = std::fs::read_to_string(tree.join("usr/share").join(script)).expect("a completion");
        assert!(text.contains("quickstart"), "{script}");
    }
}

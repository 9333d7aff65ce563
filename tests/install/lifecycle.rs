//! From the installation to the purge: what an operator changed and what the authority recorded is there after each step.
//!
//! Both versions have the same programs: what is proven is that packages neither lose nor change anything, and that one version
//! takes over what another left. That a ledger of each older format comes up is proven with the store, whose contract suite
//! writes them; what a roll-back past a format meets is here.

use std::path::Path;

use e2e::tool::run;
use serde_json::Value;

use crate::packages::Packages;
use crate::root::PrivateRoot;
use crate::running::Running;
use crate::site;
use crate::unit::Unit;

const CONFIGURATION: &str = "/etc/meter-pki/meter-pki.toml";

/// Devices that enrol, one in each version.
const TITLES: [&str; 3] = ["4D504B01000000D1", "4D504B01000000D2", "4D504B01000000D3"];

/// A package whose file of configuration is not that of the version before.
fn with_other_defaults(package: &Path) {
    let tree = package.with_extension("tree");
    let (file, folder) = (package.to_string_lossy(), tree.to_string_lossy());
    drop(run("dpkg-deb", ["--raw-extract", &*file, &*folder]).ok());
    let configuration = tree.join(CONFIGURATION.trim_start_matches('/'));
    let text = std::fs::read_to_string(&configuration).expect("its configuration");
    std::fs::write(&configuration, format!("{text}\n# Another default.\n")).expect("it can be written");
    drop(run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z0", "--build", &*folder, &*file]).ok());
}

/// Starts what is installed, and waits until it accepts connections and has fed its watchdog.
fn start(root: &PrivateRoot) -> Running {
    let mut running = Running::start(root, &Unit::read(root, "meter-pki.service"));
    let said = running.says("READY=1");
    assert_eq!(said[0], "STATUS=opening keys and ledger, settling what was open");
    running.says("WATCHDOG=1");
    running
}

/// The status of a device's only certificate.
fn status(root: &PrivateRoot, title: &str) -> Value {
    let said = root.meter_pki(&["--json", "cert", "list", "--system-title", title]).ok();
    let page: Value = serde_json::from_str(&said.out).expect("a page");
    let certificates = page["certificates"].as_array().expect("a list");
    assert_eq!(certificates.len(), 1, "{page}");
    certificates[0]["status"].clone()
}

/// Before an operator has said anything: nothing runs, nothing is enabled, and a start says what is missing.
fn nothing_is_served_yet(root: &PrivateRoot) {
    assert_eq!(root.mode("/var/lib/meter-pki"), Some(format!("700 {}", root.user("meter-pki"))));
    let signer = root.user("meter-pki-signer");
    assert_eq!(root.mode("/var/lib/meter-pki-signer"), Some(format!("700 {signer}")));
    assert_eq!(root.mode(CONFIGURATION), Some("644 0:0".to_owned()));
    assert_eq!(root.mode("/etc/systemd/system/multi-user.target.wants/meter-pki.service"), None);
    let unit = Unit::read(root, "meter-pki.service");
    let (code, said) = Running::start(root, &unit).ends();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("missing field `authority` (config.faulty)"), "{said}");
    let prevented = unit.one("RestartPreventExitStatus");
    assert!(prevented.split(' ').any(|one| one == "2"), "systemd would try again and again");
    let sections: Vec<_> = root
        .read(CONFIGURATION)
        .lines()
        .filter(|line| line.starts_with("listen"))
        .map(str::to_owned)
        .collect();
    assert!(
        !sections.is_empty() && sections.iter().all(|line| line.contains("\"127.0.0.1:")),
        "{sections:?}"
    );
}

/// A program that is older than the ledger's format says so, and touches nothing.
fn an_older_program_refuses_a_newer_format(root: &PrivateRoot) {
    let marker = format!("{}/marker", site::LEDGER);
    let written = root.read(&marker);
    let owner = root.user("meter-pki");
    let newer = written.replacen("format 3", "format 4", 1);
    assert_ne!(newer, written, "{written}");
    root.put(&marker, newer.as_bytes(), (&owner, 0o600));
    let (code, said) = Running::start(root, &Unit::read(root, "meter-pki.service")).ends();
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("format 4"), "{said}");
    assert_eq!(root.read(&marker), newer);
    root.put(&marker, written.as_bytes(), (&owner, 0o600));
}

#[test]
fn a_package_is_installed_started_upgraded_rolled_back_removed_and_purged() {
    let folder = tempfile::tempdir().expect("a private directory");
    let (first, second) = (
        Packages::make(&folder.path().join("1"), "1.0.0"),
        Packages::make(&folder.path().join("2"), "1.1.0"),
    );
    with_other_defaults(&second.server);

    let root = PrivateRoot::new();
    drop(root.install(&first.server));
    nothing_is_served_yet(&root);

    let configuration = site::found(&root);
    let running = start(&root);
    site::enrol(&root, TITLES[0]);
    running.stop();

    drop(root.install(&second.server));
    assert_eq!(root.version("meter-pki").as_deref(), Some("1.1.0"));
    assert_eq!(root.read(CONFIGURATION), configuration, "what the operator wrote is kept");
    assert!(root.read(&format!("{CONFIGURATION}.dpkg-dist")).contains("Another default."));
    let running = start(&root);
    assert_eq!(status(&root, TITLES[0]), "good");
    site::enrol(&root, TITLES[1]);
    running.stop();

    drop(root.install(&first.server));
    assert_eq!(root.version("meter-pki").as_deref(), Some("1.0.0"));
    assert_eq!(root.read(CONFIGURATION), configuration);
    let running = start(&root);
    assert_eq!(status(&root, TITLES[0]), "good");
    assert_eq!(status(&root, TITLES[1]), "good");
    site::enrol(&root, TITLES[2]);
    running.stop();
    an_older_program_refuses_a_newer_format(&root);
    start(&root).stop();

    drop(root.dpkg(&["--remove", "meter-pki"]).ok());
    assert_eq!(root.mode("/usr/bin/meter-pki"), None);
    assert_eq!(root.read(CONFIGURATION), configuration);
    assert!(root.mode(site::LEDGER).is_some());

    let told = root.dpkg(&["--purge", "meter-pki"]).ok().all();
    assert!(told.contains("/var/lib/meter-pki is kept, with its ledger, keys or log"), "{told}");
    assert!(told.contains("rm -r /var/lib/meter-pki\n"), "it says what to type: {told}");
    assert_eq!(root.mode(CONFIGURATION), None);
    assert!(root.mode(site::LEDGER).is_some(), "what nobody can make again is kept");
    assert_eq!(root.mode("/var/lib/meter-pki-signer"), None, "nothing was in it");
}

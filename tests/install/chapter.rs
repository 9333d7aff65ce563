//! The chapter on installing, step by step as it stands in `docs/operate/install.md`: packages are made, and apt itself installs them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use e2e::chapter::{Shell, steps};
use e2e::peer::path;
use e2e::process::program;
use e2e::tool::run;

use crate::packages::SOURCES;
use crate::root::PrivateRoot;
use crate::running::Running;
use crate::site;
use crate::unit::Unit;

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/install.md");

/// What stands for cargo: it builds nothing again, and is told where the programs are, and where packages go.
const CARGO: &str = "#!/bin/sh\n[ \"$1\" = xtask ] && shift && exec xtask \"$@\" --quick --binaries \"$BUILT\" --out \"$PACKAGES\"\n";

/// What the chapter says, of the architecture of this machine.
fn here(block: &str) -> String {
    let architecture = run("dpkg", ["--print-architecture"]).ok().out;
    block.replace("_amd64.deb", &format!("_{}.deb", architecture.trim()))
}

/// Installs the program without a package, and asks it which it is.
fn program_alone(folder: &Path, block: &str) {
    let (release, bin) = (folder.join("target/release"), folder.join("bin"));
    std::fs::create_dir_all(&release).expect("where cargo puts what it builds");
    std::fs::create_dir(&bin).expect("where programs are");
    symlink(program("meter-pki"), release.join("meter-pki")).expect("a name for the program");
    let shell = Shell::new(folder, &folder.join("programs"));
    drop(shell.run(&block.replace("/usr/local/bin", &path(&bin))).ok());
    let said = run(&path(&bin.join("meter-pki")), ["--version"]).ok().out;
    assert!(said.starts_with("meter-pki "), "{said}");
}

/// Makes the packages of the sources.
fn packages(folder: &Path, block: &str) {
    let (programs, built) = (folder.join("of-release"), folder.join("built"));
    std::fs::create_dir_all(&programs).expect("a directory");
    std::fs::create_dir(&built).expect("a place for the programs");
    for name in ["meter-pki", "offline-root", "ceremony-verify"] {
        symlink(program(name), built.join(name)).expect("a name for a program");
    }
    std::fs::write(programs.join("cargo"), CARGO).expect("a program");
    std::fs::set_permissions(programs.join("cargo"), PermissionsExt::from_mode(0o755)).expect("its mode");
    let shell = Shell::new(Path::new(SOURCES), &programs).has("xtask").with("BUILT", built);
    // A time of release of their own: what git says changes with each commit.
    let shell = shell.with("PACKAGES", folder.join("out")).with("SOURCE_DATE_EPOCH", "1780000000");
    drop(shell.run(block).ok());
}

/// Makes a later version of the package of the same files; returns where it lies.
fn next_version(made: &Path, folder: &Path) -> PathBuf {
    let (tree, next) = (path(&folder.join("tree")), folder.join("next"));
    std::fs::create_dir(&next).expect("a directory");
    let [before, after] = ["0.1.0", "0.2.0"].map(|version| here(&format!("meter-pki_{version}_amd64.deb")));
    drop(run("dpkg-deb", ["--raw-extract", &path(&made.join(before)), &tree]).ok());
    let control = Path::new(&tree).join("DEBIAN/control");
    let text = std::fs::read_to_string(&control).expect("what the package says of itself");
    std::fs::write(&control, text.replace("Version: 0.1.0\n", "Version: 0.2.0\n"))
        .expect("it can be written");
    let file = path(&next.join(after));
    drop(run("dpkg-deb", ["--root-owner-group", "-Zxz", "-z0", "--build", &tree, &file]).ok());
    next
}

/// An authority that can be backed up; its recovery key is made by the installed program.
fn with_backups(root: &PrivateRoot) {
    let configuration = site::found(root);
    drop(root.meter_pki(&["backup", "keygen", "--shares", "2-of-3", "/var/lib/meter-pki/recovery"]).ok());
    let backup = "[backup]\nrecovery_key_file = \"/var/lib/meter-pki/recovery/recovery.pub\"\n";
    let text = format!("{configuration}\n{backup}");
    root.put("/etc/meter-pki/meter-pki.toml", text.as_bytes(), ("0:0", 0o644));
}

fn start(root: &PrivateRoot) -> Running {
    let mut running = Running::start(root, &Unit::read(root, "meter-pki.service"));
    running.says("READY=1");
    running
}

#[test]
fn the_chapter_on_installing_works_as_it_stands() {
    let [alone, package, install, found, backup, upgrade] = steps(CHAPTER);
    let folder = tempfile::tempdir().expect("a private directory");
    program_alone(folder.path(), alone);
    packages(folder.path(), package);

    let root = PrivateRoot::new();
    let apt = root.for_apt();
    drop(PrivateRoot::administer(&apt, &folder.path().join("out"), &here(install)).ok());
    assert_eq!(root.version("meter-pki").as_deref(), Some("0.1.0"));
    root.has_libraries_of(&root.at("/usr/bin/meter-pki"));
    ["bash", "setpriv"].iter().for_each(|name| root.has_program(name));
    drop(root.run("root", found).ok());
    assert_eq!(root.mode("/var/lib/meter-pki/ledger"), Some(format!("700 {}", root.user("meter-pki"))));

    with_backups(&root);
    let running = start(&root);
    site::enrol(&root, "4D504B01000000D1");
    drop(root.run("root", backup).ok());
    assert!(root.mode("/var/lib/meter-pki/before-the-upgrade.backup").is_some());
    running.stop();

    let next = next_version(&folder.path().join("out"), folder.path());
    drop(PrivateRoot::administer(&apt, &next, &here(upgrade)).ok());
    assert_eq!(root.version("meter-pki").as_deref(), Some("0.2.0"));
    start(&root).stop();
}

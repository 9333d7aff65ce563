//! The shim is tested first: a power cut that takes nothing would prove everything.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::crash::shim;
use e2e::ground;

/// Has a small program write "new" over "old", sync it in some way, and lose power; returns what is in the file then.
fn after_the_power_cut(how: &str, power: &str) -> String {
    let grounds = ground::directory();
    let grounds = grounds.path().canonicalize().expect("a path");
    let (library, writer) = (shim::compile(&grounds), grounds.join("writer"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/shim/writer.c");
    let compiled = Command::new("cc").arg("-o").args([&writer, &source]).status().expect("cc compiles");
    assert!(compiled.success());
    for folder in ["disk", "aside"] {
        fs::create_dir(grounds.join(folder)).expect("a folder");
    }
    let file = grounds.join("disk/file");
    fs::write(&file, "old").expect("a file");
    let status = Command::new(&writer)
        .arg(&file)
        .arg(how)
        .env("LD_PRELOAD", &library)
        .env("CRASH_SHIM_DIRECTORY", grounds.join("disk"))
        .env("CRASH_SHIM_ASIDE", grounds.join("aside"))
        .env("CRASH_SHIM_POWER", power)
        .status()
        .expect("the writer starts");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9),
        "the power was cut: {status}"
    );
    fs::read_to_string(&file).expect("the file is there")
}

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    assert_eq!(after_the_power_cut("none", "strict"), "old");
}

#[test]
fn a_power_cut_takes_what_only_sync_file_range_wrote() {
    // All that sled does of its own accord. This is why the ledger syncs the log itself after each flush.
    assert_eq!(after_the_power_cut("range", "strict"), "old");
}

#[test]
fn a_power_cut_leaves_what_was_synced() {
    for how in ["data", "all"] {
        for power in ["strict", "random"] {
            assert_eq!(after_the_power_cut(how, power), "new", "{how}, {power}");
        }
    }
}

#[test]
fn a_power_cut_takes_back_a_rename_whose_folder_was_not_synced() {
    assert_eq!(after_the_power_cut("rename", "strict"), "old");
}

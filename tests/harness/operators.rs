//! Operators who are different users of this machine, as chapters have them: each types what the chapter says.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::PathBuf;

use crate::chapter::Shell;
use crate::rehearsal::Rehearsal;
use crate::tool::Said;

/// Lets other users find the operator's socket of what is served by `edited.toml`; the configuration names who may use it.
///
/// # Panics
/// When the directories are not ours.
pub fn let_in(rehearsal: &Rehearsal) {
    for (place, mode) in [("..", 0o711), ("", 0o711), ("edited.toml", 0o644)] {
        std::fs::set_permissions(rehearsal.state(place), Permissions::from_mode(mode)).expect("ours");
    }
    // Blocks name no configuration: it is the one of the directory.
    std::fs::rename(rehearsal.state("meter-pki.toml"), rehearsal.state("before.toml")).expect("it was there");
    symlink(rehearsal.state("edited.toml"), rehearsal.state("meter-pki.toml")).expect("it can be made");
}

/// Runs a shell block as a user of this machine, who has a temporary directory of his own; only root can.
///
/// # Panics
/// As [`Shell::run`].
#[must_use]
pub fn run_as(rehearsal: &Rehearsal, user: u32, block: &str) -> Said {
    let shell = Shell::new(&rehearsal.state(""), &rehearsal.scratch("programs")).of(user);
    shell.with("TMPDIR", own_directory(rehearsal, user)).run(block)
}

/// Where this user puts his temporary files: the directory of the whole run is nobody else's than its starter's.
fn own_directory(rehearsal: &Rehearsal, user: u32) -> PathBuf {
    let place = rehearsal.scratch(&format!("of-{user}"));
    std::fs::create_dir_all(&place).expect("it can be made");
    chown(&place, Some(user), Some(user)).expect("only root can");
    place
}

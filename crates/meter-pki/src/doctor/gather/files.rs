//! What files and disks show: modes, room, times, and how far the exported log is.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ca_store::LEDGER_FORMAT;
use signer_pkcs11::{PinSource, TokenUri};

use super::super::facts::{Disk, Files, PathFact, Use};
use crate::config::{Config, KeySource};
use crate::exported_log::ExportedLog;

/// How many files are looked at for the time of the last one.
const MANY: usize = 10_000;

/// The most octets that are read of a file of a few lines.
const SHORT: u64 = 64 * 1024;

/// The configuration's own mode, as it is known also of a faulty one.
pub(super) fn configuration(file: &Path) -> Option<PathFact> {
    file.exists().then(|| fact(Use::Configuration, file))
}

fn fact(used_as: Use, path: &Path) -> PathFact {
    let mode = fs::metadata(path).ok().map(|found| found.permissions().mode() & 0o7777);
    PathFact { used_as, path: path.display().to_string(), mode }
}

/// Looks at everything the configuration names.
pub(super) fn look(config: &Config, files: &mut Files) {
    let mut paths = vec![
        (Use::TlsKey, config.est.key_file.clone()),
        (Use::Ledger, config.store.directory.clone()),
        (Use::Published, config.status.directory.clone()),
    ];
    paths.extend(config.operator_door.as_ref().map(|door| (Use::TlsKey, door.key_file.clone())));
    paths.extend(config.est.message_key_file.clone().map(|path| (Use::KeyFile, path)));
    paths.extend(config.est.message_passphrase_file.clone().map(|path| (Use::Passphrase, path)));
    paths.extend(config.audit.export_directory.clone().map(|path| (Use::Export, path)));
    let socket_directory = config.operator_socket.parent().filter(|path| !path.as_os_str().is_empty());
    paths.extend(socket_directory.map(|path| (Use::SocketDirectory, path.to_path_buf())));
    paths.extend(keys(&config.keys));
    files.paths.extend(paths.iter().map(|(used_as, path)| fact(*used_as, path)));
    files.disks = paths.iter().filter_map(|(used_as, path)| disk(*used_as, path)).collect();
    files.ledger_written_at = last_written(&config.store.directory.join("engine"));
    files.ledger_format = format(&config.store.directory);
    if let Some(directory) = &config.audit.export_directory {
        files.export_written_at = last_written(directory);
        files.exported = ExportedLog::new(directory).last().ok().flatten().map(|line| line.sequence);
        files.checkpointed = checkpointed(directory);
    }
}

fn keys(source: &KeySource) -> Vec<(Use, PathBuf)> {
    match source {
        KeySource::Files { directory, passphrase_file } => {
            let inside = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
            let files = inside.map(|entry| (Use::KeyFile, entry.path()));
            let around = [(Use::KeyDirectory, directory.clone()), (Use::Passphrase, passphrase_file.clone())];
            around.into_iter().chain(files).collect()
        }
        KeySource::Tokens { uris, .. } => uris.iter().filter_map(|uri| pin_file(uri)).collect(),
        KeySource::Signer { socket } => vec![(Use::SignerSocket, socket.clone())],
    }
}

fn pin_file(uri: &str) -> Option<(Use, PathBuf)> {
    match TokenUri::parse(uri).ok()?.pin_source()? {
        PinSource::File(path) => Some((Use::Pin, path.clone())),
        PinSource::Credential(_)
        | PinSource::Environment(_)
        | PinSource::Descriptor(_)
        | PinSource::Prompt { .. } => None,
    }
}

fn disk(used_as: Use, path: &Path) -> Option<Disk> {
    if !matches!(used_as, Use::Ledger | Use::Published | Use::Export) {
        return None;
    }
    let found = rustix::fs::statvfs(path).ok()?;
    Some(Disk {
        used_as: Some(used_as),
        path: path.display().to_string(),
        free_octets: found.f_bavail.saturating_mul(found.f_frsize),
        octets: found.f_blocks.saturating_mul(found.f_frsize),
        free_files: found.f_favail,
        files: found.f_files,
        device: fs::metadata(path).ok()?.dev(),
    })
}

/// When the youngest file below a directory was written.
fn last_written(directory: &Path) -> Option<i64> {
    let (mut directories, mut latest, mut seen) = (vec![directory.to_path_buf()], None, 0_usize);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() {
                directories.push(entry.path());
            } else {
                latest = latest.max(Some(found.mtime()));
            }
            seen = seen.saturating_add(1);
            if seen > MANY {
                return latest;
            }
        }
    }
    latest
}

/// The format that the marker of a ledger tells of, and ours.
fn format(directory: &Path) -> Option<(String, String)> {
    let text = start_of(&directory.join("marker"))?;
    let there = text.lines().nth(1)?.strip_prefix("format ")?;
    Some((there.to_owned(), LEDGER_FORMAT.to_string()))
}

/// The size of the tree in the last exported checkpoint: the second line of a note.
fn checkpointed(directory: &Path) -> Option<u64> {
    start_of(&directory.join("latest-checkpoint"))?.lines().nth(1)?.parse().ok()
}

fn start_of(file: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(file).ok()?.take(SHORT).read_to_string(&mut text).ok()?;
    Some(text)
}

//! What a watchman remembers: one file, whole or not there, so that nothing is told twice or forgotten over a restart.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use status_server::aside::Aside;

use super::alarm::Standing;
use super::outbox::Outbox;
use super::trail::Tally;
use crate::exit::{Exit, Failure};

/// All of it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(super) standing: Standing,
    pub(super) tally: Tally,
    pub(super) outbox: Outbox,
}

impl Memory {
    /// Reads the file; empty where there is none yet.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be read, or is not what was written.
    pub(super) fn load(place: &Path) -> Result<Self, Failure> {
        let unusable = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Failed, "watch.memory", format!("{}: {error}", place.display()))
                .then("remove the file: what stands is then told anew")
        };
        match fs::read(place) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| unusable(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Writes the file aside, and puts it in place.
    ///
    /// # Errors
    /// [`Failure`] when it cannot be written.
    pub(super) fn save(&self, place: &Path) -> Result<(), Failure> {
        let written = serde_json::to_vec(self).map_err(io::Error::from).and_then(|text| write(place, &text));
        written.map_err(|error| {
            Failure::new(Exit::Failed, "watch.memory", format!("{}: {error}", place.display()))
                .then("make room, or look at the disk, and start the watchman again")
        })
    }
}

fn write(place: &Path, text: &[u8]) -> io::Result<()> {
    let mut aside = Aside::begin(place).map_err(io::Error::other)?;
    aside.file().set_permissions(Permissions::from_mode(0o600))?;
    aside.file().write_all(text)?;
    aside.put().map(drop).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_was_written_and_empty_before() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("watch.json");
        let mut memory = Memory::load(&place).unwrap();
        assert_eq!(memory, Memory::default());
        memory.tally.begin(17);
        memory.save(&place).unwrap();
        assert_eq!(Memory::load(&place).unwrap(), memory);
        fs::write(&place, "{").unwrap();
        let failure = Memory::load(&place).unwrap_err();
        assert_eq!(failure.code, "watch.memory");
        assert_eq!(
            Memory::default().save(Path::new("/nowhere/watch.json")).unwrap_err().code,
            "watch.memory"
        );
    }
}

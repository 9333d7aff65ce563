//! What the octets of a CRL cost by themselves, without a ledger, a codec or a signature: written once, and hashed, written and read as
//! often as the way from the ledger to the published file does. Any octets will do.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::speed::{Speed, Stopwatch};
use crate::tables::grouped;

/// How many octets are written or read at once.
const PIECE: usize = 64 * 1_024;

/// To be signed, for the audit record, and by the publisher twice each of the list that is published and of the one that follows.
const HASHED: usize = 6;

/// Drafted, signed and published.
const WRITTEN: usize = 3;

/// Of these, on disk before anything follows: signed and published.
const SYNCED: usize = 2;

/// Hashed, linted, compared with what is published, published, and read again.
const READ: usize = 9;

/// The octets of a list of so many entries.
pub(crate) struct CrlOctets<'a> {
    /// Where files are made.
    pub(crate) place: &'a Path,
    pub(crate) length: u64,
    pub(crate) entries: u32,
}

impl fmt::Display for CrlOctets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries of a CRL of {}", grouped(f64::from(self.entries)))
    }
}

impl CrlOctets<'_> {
    /// How many entries a second reach a file that is on disk at the end.
    pub(crate) fn written(&self, slice: Duration) -> anyhow::Result<Speed> {
        self.repeated(slice, || self.write(true))
    }

    /// How many entries a second come through all passes.
    pub(crate) fn passes(&self, slice: Duration) -> anyhow::Result<Speed> {
        self.repeated(slice, || {
            for pass in 0..WRITTEN {
                self.write(pass < SYNCED)?;
            }
            for pass in 0..READ {
                self.read(pass < HASHED)?;
            }
            Ok(())
        })
    }

    fn repeated(&self, slice: Duration, act: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<Speed> {
        let (watch, mut count) = (Stopwatch::start(), 0);
        while count == 0 || watch.elapsed() < slice {
            act()?;
            count += usize::try_from(self.entries)?;
        }
        watch.speed(count)
    }

    fn write(&self, is_synced: bool) -> anyhow::Result<()> {
        let (mut file, piece) = (File::create(self.file())?, vec![0x30; PIECE]);
        let mut left = usize::try_from(self.length)?;
        while left > 0 {
            let part = piece.get(..left).unwrap_or(&piece);
            file.write_all(part)?;
            left -= part.len();
        }
        if is_synced {
            file.sync_data()?;
        }
        Ok(())
    }

    fn read(&self, is_hashed: bool) -> anyhow::Result<()> {
        let (mut file, mut piece, mut hash) = (File::open(self.file())?, vec![0; PIECE], Sha256::new());
        loop {
            let count = file.read(&mut piece)?;
            let Some(part) = piece.get(..count).filter(|part| !part.is_empty()) else { break };
            if is_hashed {
                hash.update(part);
            }
        }
        // What nobody looks at could be left out by the compiler.
        std::hint::black_box(hash.finalize());
        Ok(())
    }

    fn file(&self) -> std::path::PathBuf {
        self.place.join("as-many-octets")
    }
}

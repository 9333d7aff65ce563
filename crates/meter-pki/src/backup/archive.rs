//! What is inside a backup: frames of configuration, rows and manifest, and the digest over all but the last.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use ca_store::CopiedRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const CONFIGURATION: u8 = 1;
const ROW: u8 = 2;
const MANIFEST: u8 = 3;

/// The longest frame in octets.
const MAX_FRAME_OCTETS: u32 = 16 * 1024 * 1024;

/// What a backup says of itself, written last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The form of the frames: 1.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The engine of the ledger; the rows fit to any.
    pub engine: String,
    /// The format of the ledger's rows.
    pub ledger_format: u32,
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records.
    pub root: String,
    /// The epoch of the ledger.
    pub epoch: u64,
    /// When it was made.
    pub created_at: String,
    /// Rows that were read, by keyspace.
    pub rows: BTreeMap<String, u64>,
    /// Rows that were written or removed while they were read.
    pub changes: u64,
    /// SHA-256 of all frames before this one.
    pub sha256: String,
}

/// Writes frames.
pub(super) struct ArchiveWriter<W: Write> {
    out: W,
    digest: Sha256,
}

impl<W: Write> ArchiveWriter<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, digest: Sha256::new() }
    }

    pub(super) fn configuration(&mut self, text: &[u8]) -> io::Result<()> {
        self.frame(CONFIGURATION, &[text])
    }

    pub(super) fn row(&mut self, row: &CopiedRow) -> io::Result<()> {
        let length = u16::try_from(row.key.len()).map_err(|_| io::ErrorKind::InvalidInput)?.to_be_bytes();
        let present = u8::from(row.value.is_some());
        let value = row.value.as_deref().unwrap_or_default();
        self.frame(ROW, &[&[row.keyspace, present], &length, &row.key, value])
    }

    /// Returns the digest over what was written.
    pub(super) fn digest(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }

    /// Writes the manifest and returns what is below.
    pub(super) fn manifest(mut self, manifest: &Manifest) -> io::Result<W> {
        self.frame(MANIFEST, &[&serde_json::to_vec(manifest)?])?;
        Ok(self.out)
    }

    fn frame(&mut self, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
        let octets = parts.concat();
        let length = u32::try_from(octets.len()).ok().filter(|length| *length <= MAX_FRAME_OCTETS);
        let head = [&[kind][..], &length.ok_or(io::ErrorKind::InvalidInput)?.to_be_bytes()].concat();
        for part in [&head, &octets] {
            self.digest.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }
}

/// What a frame holds.
#[derive(Debug)]
pub(super) enum Frame {
    Configuration(Vec<u8>),
    Row(CopiedRow),
    /// The manifest and the digest over all before it. Nothing follows.
    Manifest(Box<Manifest>, String),
}

/// Reads frames.
pub(super) struct ArchiveReader<R: Read> {
    input: R,
    digest: Sha256,
}

impl<R: Read> ArchiveReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, digest: Sha256::new() }
    }

    /// Reads the next frame.
    pub(super) fn next(&mut self) -> io::Result<Frame> {
        let malformed =
            || io::Error::new(io::ErrorKind::InvalidData, "the backup holds what is never written");
        let before = self.digest.clone();
        let mut head = [0; 5];
        self.input.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let length = Some(u32::from_be_bytes(length)).filter(|length| *length <= MAX_FRAME_OCTETS);
        let mut octets =
            vec![0; length.and_then(|length| usize::try_from(length).ok()).ok_or_else(malformed)?];
        self.input.read_exact(&mut octets)?;
        self.digest.update(head);
        self.digest.update(&octets);
        match kind {
            CONFIGURATION => Ok(Frame::Configuration(octets)),
            ROW => row(&octets).map(Frame::Row).ok_or_else(malformed),
            MANIFEST => {
                let manifest = serde_json::from_slice(&octets).map_err(|_| malformed())?;
                if self.input.read(&mut [0])? != 0 {
                    return Err(malformed());
                }
                Ok(Frame::Manifest(Box::new(manifest), hex::encode(before.finalize())))
            }
            _ => Err(malformed()),
        }
    }
}

fn row(octets: &[u8]) -> Option<CopiedRow> {
    let ([keyspace, present, high, low], rest) = octets.split_first_chunk()?;
    let (key, value) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
    let value = match present {
        0 if value.is_empty() => None,
        1 => Some(value.to_vec()),
        _ => return None,
    };
    Some(CopiedRow { keyspace: *keyspace, key: key.to_vec(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(sha256: String) -> Manifest {
        Manifest {
            format: 1,
            program: "0".to_owned(),
            engine: "sled".to_owned(),
            ledger_format: 2,
            sequence: 9,
            root: String::new(),
            epoch: 1,
            created_at: String::new(),
            rows: BTreeMap::new(),
            changes: 0,
            sha256,
        }
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let rows = [
            CopiedRow { keyspace: 4, key: vec![1, 2], value: Some(Vec::new()) },
            CopiedRow { keyspace: 4, key: Vec::new(), value: None },
            CopiedRow { keyspace: 5, key: vec![9; 60], value: Some(vec![8; 4_864]) },
        ];
        let mut writer = ArchiveWriter::new(Vec::new());
        writer.configuration(b"[store]").unwrap();
        rows.iter().for_each(|row| writer.row(row).unwrap());
        let written = manifest(writer.digest());
        let octets = writer.manifest(&written).unwrap();
        let mut reader = ArchiveReader::new(octets.as_slice());
        assert!(matches!(reader.next().unwrap(), Frame::Configuration(text) if text == b"[store]"));
        for row in rows {
            assert!(matches!(reader.next().unwrap(), Frame::Row(read) if read == row));
        }
        assert!(
            matches!(reader.next().unwrap(), Frame::Manifest(read, digest) if *read == written && digest == written.sha256)
        );
    }

    #[test]
    fn nothing_may_follow_the_manifest_and_no_frame_may_be_malformed() {
        let octets = ArchiveWriter::new(Vec::new()).manifest(&manifest(String::new())).unwrap();
        assert!(ArchiveReader::new([octets.as_slice(), &[0]].concat().as_slice()).next().is_err());
        for frame in [
            &[ROW, 0, 0, 0, 1, 1][..],
            &[ROW, 0, 0, 0, 5, 1, 0, 0, 0, 7],
            &[9, 0, 0, 0, 0],
            &[1, 255, 0, 0, 0],
        ] {
            assert!(ArchiveReader::new(frame).next().is_err(), "{frame:?}");
        }
    }
}

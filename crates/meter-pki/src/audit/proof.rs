//! The proof that a record is in the log, as one text (C2SP `tlog-proof`): the record, its place, the hashes, the checkpoint.
//!
//! Whoever has the text and the public key of the checkpoints needs nothing else to check it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::AuditRecord;
use ca_core::audit::proof::verify_inclusion;
use ca_core::audit::tree::{Subtree, TreeHash, leaf_hash};
use ca_core::public_key::PublicKey;

use super::note::{Checkpoint, NoteRefused, decimal};

/// The first line.
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// A proof, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProof {
    /// The DER of the record: the extra data of the format.
    pub record: Vec<u8>,
    /// Its place, from 0.
    pub index: u64,
    /// The hashes from the leaf's sibling up.
    pub path: Vec<TreeHash>,
    /// The signed checkpoint.
    pub note: String,
}

impl LogProof {
    /// Writes the text.
    #[must_use]
    pub fn text(&self) -> String {
        let hashes: String = self.path.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
        let record = STANDARD.encode(&self.record);
        format!("{TITLE}\nextra {record}\nindex {}\n{hashes}\n{}", self.index, self.note)
    }

    /// Reads the text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (above, note) = text.split_once("\n\n")?;
        let mut lines = above.lines();
        lines.next().filter(|line| *line == TITLE)?;
        let record = STANDARD.decode(lines.next()?.strip_prefix("extra ")?).ok()?;
        let index = decimal(lines.next()?.strip_prefix("index ")?)?;
        let hash = |line| STANDARD.decode(line).ok()?.try_into().ok();
        let path = lines.map(hash).collect::<Option<Vec<TreeHash>>>()?;
        Some(Self { record, index, path, note: note.to_owned() })
    }

    /// Checks the proof against the key of the checkpoints; returns the record that it proves.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn verify(&self, key: &PublicKey) -> Result<(AuditRecord, Checkpoint), String> {
        let checkpoint = Checkpoint::open(&self.note, key).map_err(|error: NoteRefused| error.to_string())?;
        let leaf = Subtree { level: 0, index: self.index, hash: leaf_hash(&self.record) };
        verify_inclusion(&leaf, checkpoint.head.size, &self.path, &checkpoint.head.root)
            .map_err(|error| error.to_string())?;
        let record = AuditRecord::from_der(&self.record).map_err(|error| error.to_string())?;
        Ok((record, checkpoint))
    }
}

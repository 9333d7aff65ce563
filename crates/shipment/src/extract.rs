//! Taking one record out of a manifest, with its proof. The whole manifest is checked on the way.

use std::collections::BTreeMap;
use std::io::Read;

use ca_core::audit::proof::{Subtrees, inclusion};
use ca_core::audit::tree::{Peaks, Subtree, TreeHash};
use ca_core::system_title::SystemTitle;

use crate::check::{Placed, Recipient, check};
use crate::proof::DeviceProof;
use crate::read::{ReadError, ReadRecord};
use crate::signed::Expected;

/// Takes out the record of a device, with its proof.
///
/// # Errors
/// [`ExtractError`].
pub fn extract<R: Read>(
    from: R,
    title: SystemTitle,
    (expected, recipient): (&Expected<'_>, &Recipient<'_>),
) -> Result<DeviceProof, ExtractError> {
    let mut found: Option<Found> = None;
    let checked = check(from, expected, recipient, &mut |placed| match &mut found {
        Some(found) => found.grow(placed.record),
        None if placed.record.device.title == title => found = Some(Found::new(placed)),
        None => {}
    })?;
    let found = found.ok_or(ExtractError::NotThere { title })?;
    let (index, record) = (found.index, found.record.clone());
    let size = checked.signed.header().devices;
    let path = inclusion(&found.hashes(), index, size).map_err(|Missing| ExtractError::NoPath)?;
    Ok(DeviceProof { header: checked.signed, index, record, path })
}

/// The record, and the hashes that its path may need.
struct Found {
    index: u64,
    record: Vec<u8>,
    tree: Peaks,
    hashes: BTreeMap<(u8, u64), TreeHash>,
}

impl Found {
    fn new(placed: &Placed<'_>) -> Self {
        let before = placed.before;
        // What stands left of a leaf is the right edge of the tree before it.
        let hashes = Peaks::places(before.size()).zip(before.hashes().iter().copied()).collect();
        let record = placed.record.octets.clone();
        let mut found = Self { index: placed.index, record, tree: before.clone(), hashes };
        found.grow(placed.record);
        found
    }

    /// Keeps the subtrees right of the record's own that stand beside its path.
    fn grow(&mut self, record: &ReadRecord) {
        let leaf = Subtree { level: 0, index: self.tree.size(), hash: record.leaf };
        let completed = self.tree.append(record.leaf);
        for subtree in core::iter::once(leaf).chain(completed) {
            let beside = self.index.checked_shr(subtree.level.into()).map(|own| own ^ 1);
            if beside == Some(subtree.index) {
                self.hashes.insert((subtree.level, subtree.index), subtree.hash);
            }
        }
    }

    /// What is right of all that is the right edge of the whole tree.
    fn hashes(mut self) -> Hashes {
        let edge = Peaks::places(self.tree.size()).zip(self.tree.hashes().iter().copied());
        self.hashes.extend(edge);
        Hashes(self.hashes)
    }
}

struct Hashes(BTreeMap<(u8, u64), TreeHash>);

/// A hash that the path needs was not kept.
struct Missing;

impl Subtrees for Hashes {
    type Fault = Missing;

    fn hash(&self, level: u8, index: u64) -> Result<TreeHash, Missing> {
        self.0.get(&(level, index)).copied().ok_or(Missing)
    }
}

/// Why no record comes out.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The manifest is not in order.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The device is not in it.
    #[error("the device {title} is not in the manifest")]
    NotThere {
        /// Which.
        title: SystemTitle,
    },
    /// The path was not put together.
    #[error("the path of hashes could not be put together")]
    NoPath,
}

impl ExtractError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code(),
            Self::NotThere { .. } => "shipment.not-there",
            Self::NoPath => "shipment.proof",
        }
    }
}

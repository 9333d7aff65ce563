//! What was said on the command line about where things are: keys of people, passphrases, shares. Never a secret itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ceremony::file::root::RootName;

/// Where things are; what is not said is asked for in the room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Means {
    /// The key file of each person, by name.
    pub(crate) key_files: BTreeMap<String, PathBuf>,
    /// Files with the passphrases of those keys.
    pub(crate) passphrase_files: BTreeMap<String, PathBuf>,
    /// Files with what opens the keys of a root: the passphrase of its key files, or the PIN of its token.
    pub(crate) root_secrets: BTreeMap<RootName, PathBuf>,
    /// The medium of each share-holder, by name: the share of a root is in `ROOT.share` on it.
    pub(crate) share_media: BTreeMap<String, PathBuf>,
    /// Files with the passphrases of those shares.
    pub(crate) share_passphrases: BTreeMap<String, PathBuf>,
}

//! Where rows are measured: which are wanted, for how long, and where their ledgers are meanwhile.

use std::path::{Path, PathBuf};

use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;

use crate::Means;
use crate::house::House;
use crate::options::{Options, Pace};

/// The stage.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) options: &'a Options,
    pub(crate) place: &'a Path,
    pub(crate) means: &'a Means,
}

impl Stage<'_> {
    /// Tells whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.options.wants(name)
    }

    /// Returns rounds and their lengths.
    pub(crate) fn pace(&self) -> Pace {
        self.options.pace()
    }

    /// The directory of this name, which is absent.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Founds a PKI in the directory of this name.
    pub(crate) fn house(
        &self,
        name: &str,
        suite: SecuritySuite,
        engine: EngineKind,
    ) -> anyhow::Result<House> {
        House::found(&self.directory(name), self.means, (suite, engine))
    }
}

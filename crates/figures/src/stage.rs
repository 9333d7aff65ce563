//! Where rows are measured: which are wanted, for how long, and where their ledgers are meanwhile.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;

use crate::Means;
use crate::house::House;
use crate::options::{Options, Pace};

/// The stage.
pub(crate) struct Stage<'a> {
    pub(crate) options: &'a Options,
    pub(crate) place: &'a Path,
    pub(crate) means: &'a Means,
    /// The rows that there are, as far as somebody asked whether they are wanted.
    names: RefCell<Vec<String>>,
}

impl<'a> Stage<'a> {
    pub(crate) const fn new(options: &'a Options, place: &'a Path, means: &'a Means) -> Self {
        Self { options, place, means, names: RefCell::new(Vec::new()) }
    }

    /// Tells whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.borrow_mut().push(name.to_owned());
        !self.options.list && self.options.wants(name)
    }

    /// The rows that there are.
    pub(crate) fn names(self) -> Vec<String> {
        self.names.into_inner()
    }

    /// Returns rounds and their lengths.
    pub(crate) fn pace(&self) -> Pace {
        self.options.pace()
    }

    /// The directory of this name, which is absent.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// Founds a PKI in the directory of this name, with as many certificates as are wanted to be there.
    pub(crate) fn house(
        &self,
        name: &str,
        suite: SecuritySuite,
        engine: EngineKind,
    ) -> anyhow::Result<House> {
        let house = House::found(&self.directory(name), self.means, (suite, engine))?;
        house.fill(self.options.stored)?;
        Ok(house)
    }
}

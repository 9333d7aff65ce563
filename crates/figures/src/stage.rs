//! Where rows are measured: which are wanted, for how long, where their ledgers are meanwhile, how many certificates these have when
//! the rows begin; and what was measured so far.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::suite::SecuritySuite;
use ca_store::EngineKind;

use crate::Means;
use crate::filling::fill;
use crate::house::House;
use crate::measure::Row;
use crate::options::{Options, Pace};

/// The stage.
pub(crate) struct Stage<'a> {
    pub(crate) options: &'a Options,
    pub(crate) place: &'a Path,
    pub(crate) means: &'a Means,
    /// The rows that there are, as far as somebody asked whether they are wanted.
    names: RefCell<Vec<String>>,
    /// How many certificates are to be stored; nothing is stored beforehand where nobody asked for it.
    size: Cell<Option<u32>>,
    /// The PKIs that grow.
    growing: RefCell<Vec<Arc<House>>>,
    rows: RefCell<Vec<Row>>,
}

impl<'a> Stage<'a> {
    pub(crate) const fn new(options: &'a Options, place: &'a Path, means: &'a Means) -> Self {
        Self {
            options,
            place,
            means,
            names: RefCell::new(Vec::new()),
            size: Cell::new(None),
            growing: RefCell::new(Vec::new()),
            rows: RefCell::new(Vec::new()),
        }
    }

    /// Has so many certificates stored before each row that follows.
    pub(crate) fn grow_to(&self, size: Option<u32>) {
        self.size.set(size);
    }

    /// Tells whether all rows were measured with fewer certificates stored.
    pub(crate) fn has_been_measured_smaller(&self) -> bool {
        self.size.get() != self.options.stored.first().copied()
    }

    /// Tells whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.names.borrow_mut().push(name.to_owned());
        !self.options.list && self.options.wants(name)
    }

    /// Keeps what was measured, whatever becomes of the rows behind it.
    pub(crate) fn keep(&self, row: Row) {
        self.rows.borrow_mut().push(Row { size: row.stored.and_then(|_| self.size.get()), ..row });
    }

    /// What was measured.
    pub(crate) fn rows(self) -> Vec<Row> {
        self.rows.into_inner()
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

    /// Founds a PKI in the directory of this name. Where certificates are to be stored beforehand, there is one PKI of each suite and
    /// engine for all rows, since what is stored takes long: then that one, with what is missing.
    pub(crate) fn house(
        &self,
        name: &str,
        suite: SecuritySuite,
        engine: EngineKind,
    ) -> anyhow::Result<Arc<House>> {
        let Some(size) = self.size.get() else { return self.found(name, suite, engine) };
        let is_same = |house: &&Arc<House>| house.suite == suite && house.engine == engine;
        let known = self.growing.borrow().iter().find(is_same).cloned();
        let house = match known {
            Some(house) => house,
            None => {
                let house = self.found(&format!("growing-{suite}-{engine}"), suite, engine)?;
                self.growing.borrow_mut().push(Arc::clone(&house));
                house
            }
        };
        fill(&house, size)?;
        Ok(house)
    }

    fn found(&self, name: &str, suite: SecuritySuite, engine: EngineKind) -> anyhow::Result<Arc<House>> {
        Ok(Arc::new(House::found(&self.directory(name), self.means, (suite, engine))?))
    }
}

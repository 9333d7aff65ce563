//! The octets of CRLs on their way into the ledger and out of it, a few at a time however many there are.
//!
//! Which rows they are, and which transaction makes a CRL the latest one, is said in [`act::crl`](crate::act::crl).

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, PoisonError, Weak};

use ca_core::audit::AuditEvent;
use ca_core::octets::{Octets, OctetsError, PAGE_OCTETS, PagedOctets, Spool};
use ca_core::ports::Unavailable;
use ca_core::record::CrlRecord;

use crate::act::crl::{self, PARTS_AT_ONCE, parts};
use crate::engine::{Durability, Engine, EngineError};
use crate::keyspace::{Keyspace, PART_OCTETS, crl_key, crl_part_key, parse_scope};
use crate::row::{RowFault, ScopeOf};
use crate::store::Store;
use crate::transaction::ReadFault;

const PORT: &str = "ledger";

/// How many parts are read together: those of a page.
const PARTS_OF_PAGE: usize = PAGE_OCTETS / PART_OCTETS;

/// How many scopes are looked at together.
const PAGE: usize = 256;

impl Store {
    /// Records a signed CRL. One that is too long for a transaction becomes the latest by the last of several.
    pub(crate) fn carry_crl(&self, crl: CrlRecord, event: AuditEvent) -> Result<(), Unavailable> {
        // One at a time, so that what is loose belongs to nobody else.
        let _turn = self.crl_turn().lock().unwrap_or_else(PoisonError::into_inner);
        let scope = (crl.issuer, crl.scope.clone());
        self.remove_loose(&scope)?;
        let rest = if parts(crl.der.length()) <= PARTS_AT_ONCE {
            crl.der.to_vec()?
        } else {
            self.write_ahead(&crl)?;
            Vec::new()
        };
        self.write(PORT, Durability::Durable, move |tx| crl::record(tx, &crl, &rest, event))?;
        // The CRL is on record, whatever becomes of what it replaced: that is loose, and found again.
        if let Err(why) = self.remove_loose(&scope) {
            tracing::warn!(issuer = %scope.0, scope = %scope.1, %why, "the octets of a former CRL are removed later");
        }
        Ok(())
    }

    /// Writes the octets of a CRL that is not yet the latest. Not durable by themselves: what follows is, and they with it.
    fn write_ahead(&self, crl: &CrlRecord) -> Result<(), Unavailable> {
        let begun = crl.clone();
        self.write(PORT, Durability::ProcessCrash, move |tx| crl::begin_octets(tx, &begun))?;
        let at_once = usize::try_from(PARTS_AT_ONCE).unwrap_or(usize::MAX).saturating_mul(PART_OCTETS);
        let (mut octets, mut first) = (Vec::new(), 0);
        for page in crl.der.pages() {
            octets.extend_from_slice(&page?);
            if octets.len() >= at_once {
                let behind = octets.split_off(at_once);
                self.write_parts(crl, first, std::mem::replace(&mut octets, behind))?;
                first += PARTS_AT_ONCE;
            }
        }
        self.write_parts(crl, first, octets)
    }

    fn write_parts(&self, crl: &CrlRecord, first: u32, octets: Vec<u8>) -> Result<(), Unavailable> {
        let crl = crl.clone();
        self.write(PORT, Durability::ProcessCrash, move |tx| crl::put_octets(tx, &crl, first, &octets))
    }

    /// Removes what is loose in all scopes: the process before died while it recorded a CRL.
    pub(crate) fn remove_all_loose(&self) -> Result<(), Unavailable> {
        let mut after = Vec::new();
        loop {
            let page = self.read(PORT, |view| {
                view.rows_after(Keyspace::CrlHeads, &[], &after, PAGE).map_err(ReadFault::from)
            })?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, _) in page {
                let fault = RowFault::Key { keyspace: Keyspace::CrlHeads.name() };
                let unavailable = || Unavailable { port: PORT, cause: fault.into() };
                self.remove_loose(&parse_scope(&key).ok_or_else(unavailable)?)?;
            }
        }
    }

    fn remove_loose(&self, scope: &ScopeOf) -> Result<(), Unavailable> {
        while self.read(PORT, |view| crl::is_loose(view, scope))? {
            let scope = scope.clone();
            self.write(PORT, Durability::ProcessCrash, move |tx| crl::remove_loose(tx, &scope))?;
        }
        Ok(())
    }
}

/// The octets of a CRL on record, as long as it is the latest of its line and the ledger is open.
pub(crate) struct RecordedOctets {
    engine: Weak<dyn Engine>,
    scope: ScopeOf,
    number: u64,
    length: u64,
}

impl RecordedOctets {
    pub(crate) fn new(engine: &Arc<dyn Engine>, scope: ScopeOf, (number, length): (u64, u64)) -> Self {
        Self { engine: Arc::downgrade(engine), scope, number, length }
    }

    /// What stands `within` octets behind the start of the part numbered `first`, and in those behind it, as far as they are
    /// there one after the other.
    fn parts_from(&self, first: u32, within: usize) -> Result<Vec<u8>, EngineError> {
        // A ledger that was closed has nothing any more.
        let Some(engine) = self.engine.upgrade() else { return Ok(Vec::new()) };
        let (issuer, scope) = &self.scope;
        let prefix = crl_key(issuer, scope, self.number);
        let key_of = |part| crl_part_key(issuer, scope, self.number, part);
        let after = first.checked_sub(1).map(key_of);
        let rows = engine.view()?.rows_after(
            Keyspace::CrlOctets,
            &prefix,
            &after.unwrap_or_default(),
            PARTS_OF_PAGE,
        )?;
        let in_order = (first..).map(key_of);
        let mut page = Vec::with_capacity(PAGE_OCTETS);
        let mut skipped = within;
        for ((_, octets), _) in rows.iter().zip(in_order).take_while(|((key, _), expected)| key == expected) {
            page.extend_from_slice(octets.get(skipped..).unwrap_or_default());
            skipped = 0;
        }
        Ok(page)
    }
}

impl PagedOctets for RecordedOctets {
    fn length(&self) -> u64 {
        self.length
    }

    fn page(&self, offset: u64) -> Result<Vec<u8>, OctetsError> {
        let part = u64::try_from(PART_OCTETS).unwrap_or(u64::MAX);
        let first = u32::try_from(offset / part).unwrap_or(u32::MAX);
        let within = usize::try_from(offset % part).unwrap_or(usize::MAX);
        let octets = self.parts_from(first, within).map_err(OctetsError::new)?;
        if octets.is_empty() && offset < self.length {
            return Err(OctetsError::new(NoLongerThere { number: self.number }));
        }
        Ok(octets)
    }
}

/// The octets of a CRL are gone: the ledger was closed, or a later CRL has taken its place.
#[derive(Debug, thiserror::Error)]
#[error("CRL {number} is not the latest one on record any more")]
struct NoLongerThere {
    number: u64,
}

/// A spool in a file without a name, which is gone when nobody has it open.
pub(crate) struct FileSpool {
    file: File,
    length: u64,
}

impl FileSpool {
    pub(crate) const fn new(file: File) -> Self {
        Self { file, length: 0 }
    }
}

impl Spool for FileSpool {
    fn append(&mut self, octets: &[u8]) -> Result<(), OctetsError> {
        self.file.write_all(octets).map_err(OctetsError::new)?;
        self.length = self.length.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Octets, OctetsError> {
        let Self { file, length } = *self;
        Ok(Octets::read_by(length, move |offset, page| file.read_at(page, offset)))
    }
}

//! What reports are made of: certificates counted by days, and how long CRLs were. Reads rows of counts and of CRLs, and never
//! goes through certificates.

use ca_core::key_ref::KeyRef;
use ca_core::ports::Unavailable;
use ca_core::scope::CrlScope;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::engine::View;
use crate::keyspace::days::{day_of, day_prefix, parse_day};
use crate::keyspace::{Keyspace, crl_key, device_list_prefix, parse_crl, scope_key};
use crate::row::{CrlRow, DayCountRow, Row};
use crate::status_source::known;
use crate::store::Store;
use crate::transaction::ReadFault;

const PORT: &str = "reports";

/// How many rows are read at a time.
const PAGE: usize = 1_024;

/// What is counted of a tenant's certificates by one issuer, on one day of UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayCount {
    /// Whose they are.
    pub tenant: TenantId,
    /// The key of who issued them.
    pub issuer: KeyRef,
    /// When the day begins.
    pub day: UnixTime,
    /// How many were issued on it.
    pub issued: u64,
    /// How many were revoked for good on it.
    pub revoked: u64,
    /// How many end on it.
    pub ends: u64,
    /// How many of those are revoked or on hold.
    pub ends_revoked: u64,
}

/// How long a CRL was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrlSize {
    /// Its number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// How many entries it had.
    pub entries: u64,
    /// How many octets of DER.
    pub octets: u64,
    /// Whether it was a delta CRL.
    pub is_delta: bool,
}

impl Store {
    /// Returns what is counted from the day of `from` on and before `until`, of one tenant or of all.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn day_counts(
        &self,
        tenant: Option<&TenantId>,
        (from, until): (UnixTime, UnixTime),
    ) -> Result<Vec<DayCount>, Unavailable> {
        let from = day_of(from);
        self.read(PORT, |view| match tenant {
            Some(tenant) => of_tenant(view, tenant, (from, until)),
            None => {
                let mut counts = Vec::new();
                let mut after = Vec::new();
                // One step leads to the next tenant, however many days of it lie between.
                while let Some((key, _)) = view.rows_after(Keyspace::DayCounts, &[], &after, 1)?.first() {
                    let (tenant, _, _) = known(parse_day(key), Keyspace::DayCounts)?;
                    counts.extend(of_tenant(view, &tenant, (from, until))?);
                    after = [tenant.as_str().as_bytes(), &[1]].concat();
                }
                Ok(counts)
            }
        })
    }

    /// Returns how long the CRLs of a scope were whose thisUpdate is `from` or later and before `until`, complete and delta ones in
    /// the order of their numbers; of more than `limit` the later ones are left out.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn crl_sizes(
        &self,
        (issuer, scope): (&KeyRef, &CrlScope),
        (from, until): (UnixTime, UnixTime),
        limit: usize,
    ) -> Result<Vec<CrlSize>, Unavailable> {
        // A CRL's number is not less than the second of its thisUpdate.
        let first = u64::try_from(from.seconds()).unwrap_or_default().saturating_sub(1);
        let prefix = scope_key(issuer, scope);
        self.read(PORT, |view| {
            let mut sizes = Vec::new();
            let mut after = crl_key(issuer, scope, first);
            loop {
                let page = view.rows_after(Keyspace::Crls, &prefix, &after, PAGE)?;
                let Some((last, _)) = page.last() else { return Ok(sizes) };
                after.clone_from(last);
                for (key, octets) in &page {
                    let (named, number) = known(parse_crl(key), Keyspace::Crls)?;
                    // Shards of the issuer stand under the same prefix as the CRLs of all.
                    if named.1 != *scope {
                        return Ok(sizes);
                    }
                    let row = CrlRow::decode(octets)?;
                    let within = (from..until).contains(&row.this_update);
                    if let Some(issued) = row.issued.filter(|_| within) {
                        let (entries, octets) = (issued.entries, issued.length);
                        let is_delta = issued.base.is_some();
                        let this_update = row.this_update;
                        sizes.push(CrlSize { number, this_update, entries, octets, is_delta });
                    }
                    if sizes.len() >= limit || row.this_update >= until {
                        return Ok(sizes);
                    }
                }
            }
        })
    }
}

fn of_tenant(
    view: &dyn View,
    tenant: &TenantId,
    (from, until): (UnixTime, UnixTime),
) -> Result<Vec<DayCount>, ReadFault> {
    let (prefix, mut after) = (device_list_prefix(tenant), day_prefix(tenant, from));
    let mut counts = Vec::new();
    loop {
        let page = view.rows_after(Keyspace::DayCounts, &prefix, &after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(counts) };
        after.clone_from(last);
        for (key, octets) in &page {
            let (tenant, day, issuer) = known(parse_day(key), Keyspace::DayCounts)?;
            if day >= until {
                return Ok(counts);
            }
            let DayCountRow { issued, revoked, ends, ends_revoked } = DayCountRow::decode(octets)?;
            counts.push(DayCount { tenant, issuer, day, issued, revoked, ends, ends_revoked });
        }
    }
}

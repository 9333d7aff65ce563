//! m of n: the key files of a shared root are encrypted under a wrap key that exists only while enough people put it
//! together.
//!
//! The sharing (Shamir over GF(256)) is a crate's and knows no integrity: a wrong share gives a wrong key and no error. So
//! what surrounds it does: each share is sealed under its holder's passphrase, bound to the holder and the set, and its
//! SHA-256 stands in the public description of the set, beside the root. A share that is wrong is named with its holder
//! (case R-02). No key that signs is here. Modules stand in reading order; none imports one that stands above it.

mod combining;
mod dealing;
mod shelf;
mod share_set;
mod share;
mod holder;
mod wrap_key;

pub(crate) use combining::{CombineSharesError, Combined, ShareSources, check, combine};
pub(crate) use dealing::{DealSharesError, DealWish, Dealt, DealtReport, HolderWish, deal};
pub(crate) use holder::Holder;
pub(crate) use share_set::ShareSet;
pub(crate) use shelf::{SetDirectory, SharesShelf, ShelfError};

/// Tells whether a file is a share, or what a power cut left of one.
pub(crate) fn is_share(path: &std::path::Path) -> bool {
    std::fs::read(path).is_ok_and(|octets| octets.starts_with(share::TITLE.as_bytes()) || octets.is_empty())
}

#[cfg(test)]
mod tests;

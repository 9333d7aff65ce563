//! What every page is made with: the interface in the visitor's name, its document, and the time.

use axum::http::Extensions;
use serde_json::Value;

use crate::api::{Api, Problem};
use crate::document::{Document, Operation};
use crate::shown::Shown;
use crate::stamps::{Bound, Stamps};

/// How many rows a page has.
pub(crate) const ROWS: &str = "50";

/// The desk.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) api: &'a Api,
    pub(crate) document: &'a Document,
    pub(crate) stamps: &'a Stamps,
    /// All that is known of the connection.
    pub(crate) visitor: &'a Extensions,
    /// Who the visitor is, for stamps.
    pub(crate) who: &'a str,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// The same as the interface writes times.
    pub(crate) time: &'a str,
    /// How the interface writes times.
    pub(crate) written: fn(i64) -> String,
    /// The path of the page that is made.
    pub(crate) here: &'a str,
    /// What the visitor may do; nothing where that is not known.
    pub(crate) permissions: &'a [String],
}

impl<'a> Desk<'a> {
    /// Reads.
    pub(crate) async fn get(&self, target: &str) -> Result<Value, Problem> {
        self.api.get(self.visitor, target).await
    }

    /// Whether the visitor may do something, as far as is known: the interface decides.
    pub(crate) fn may(&self, operation: &Operation<'_>) -> bool {
        operation.permission().is_none_or(|needed| self.permissions.iter().any(|held| held == needed))
    }

    /// Makes a stamp for the form of a change.
    pub(crate) fn stamp(&self, path: &str) -> String {
        self.stamps.make(Bound { visitor: self.who, path }, self.now)
    }

    /// Returns the key of the call that a stamp is for.
    pub(crate) fn key(&self, stamp: &str, path: &str) -> Option<String> {
        self.stamps.key(stamp, Bound { visitor: self.who, path }, self.now)
    }

    /// What shows values.
    pub(crate) const fn shown(&self) -> Shown<'a> {
        Shown { document: self.document, now: self.time, written: self.written, here: self.here }
    }
}

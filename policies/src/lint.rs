//! The rules beyond RFC 5280 that every drafted certificate must pass: those of DLMS/COSEM, and those of its own profile.
//!
//! They run in the linter of `ca-core`, which brings the rules of the RFC itself. None can be switched off.

pub mod dlms;
pub mod profile;

use ca_core::lint::Linter;

/// Returns the linter that certificates are held against: RFC 5280, DLMS/COSEM, and the certificate's profile.
#[must_use]
pub fn linter() -> Linter {
    Linter::new(vec![dlms::RULES, profile::RULES])
}

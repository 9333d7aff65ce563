//! Certificate, CRL and OCSP profiles: the files, their format, the loader, and the rules of DLMS/COSEM.
//!
//! Says which fields a certificate has and which values they may take; never who may ask for it. Modules stand in reading
//! order; none imports one that stands above it. Green Book 9.2.6.4; RFC 5280 §4.

pub mod lint;
mod load;
pub mod described;
mod embedded;
mod v1;
mod variant;
mod file;
mod fault;

pub use fault::{FileFault, KeyFault, LoadProfileError};
pub use file::{Origin, ProfileFile};
pub use load::{ProfileSet, Settings};
pub use v1::schema;
pub use variant::{Variant, VariantError};

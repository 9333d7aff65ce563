//! The certification authority of meter-pki: issuance, re-enrolment, revocation, CRL and OCSP drafting, lint and audit.
//!
//! No I/O of its own: whatever it needs of the world it asks through [`ports`]. No async, serialisation framework, HTTP or SQL.
//! Modules stand in reading order; none imports one that stands above it. RFC 5280, 6960, 7030 §3.7, Green Book 9.2.6.

pub mod upstream;
pub mod campaigns;
pub mod authority;
pub mod template;
pub mod issuance;
pub mod approval;
pub mod confirmation;
pub mod orders;
pub mod production;
pub mod registration;
pub mod revocation;
pub mod selection;
pub mod reconciliation;
mod presented;
pub mod request;
pub mod exchange;
pub mod crl;
pub mod ocsp;
pub mod delivered;
pub mod trust;
pub mod path;
pub mod lint;
pub mod signing;
pub mod issuer;
pub mod sharding;
pub mod made_key;
pub mod ports;
pub mod people;
pub mod actor;
pub mod fleet;
pub mod record;
pub mod audit;
pub mod csr;
pub mod subject;
pub mod profile;
pub mod certificate;
pub mod crowding;
pub mod distinguished_name;
pub mod public_key;
pub mod signature;
mod crl_frame;
pub mod to_be_signed;
pub mod octets;
pub mod scope;
pub mod serial_number;
pub mod system_title;
pub mod key_ref;
pub mod tenant;
pub mod reason;
pub mod validity;
pub mod suite;
mod point;
pub mod oid;
pub mod fault;

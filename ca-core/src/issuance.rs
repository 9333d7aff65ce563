//! The chain of states from an admitted request to an issued certificate.

pub mod draft;

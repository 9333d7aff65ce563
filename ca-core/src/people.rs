//! The people who operate an installation: what each of them may do, for whom, on whose word, and until when.
//!
//! One table says which role may do what; one function answers whether a person may, and only its answer makes an operator an
//! actor. Pure: who is on record is the ledger's affair, and how somebody proves who he is, that of the listener. Roles follow
//! NIAP `PP_CA` v3.0 (`FMT_MOF.1`, `FMT_SMR.2`): nobody is auditor or CA operations together with any other role.

mod change;
mod emergency;
mod permission;
mod permit;
mod person;
mod role;

pub use change::{AskedChange, PersonAct, PersonChange, PersonConflict};
pub use emergency::{
    Emergency, EmergencyAct, EmergencyChange, EmergencyConflict, EmergencyStanding, LONGEST_EMERGENCY,
};
pub use permission::Permission;
pub use permit::{Denied, Permit, may};
pub use person::{
    Bound, Caller, Credential, Grant, MAX_NAME, ParseCredentialError, ParsePersonError, Person, PersonId,
    Reach,
};
pub use role::Role;

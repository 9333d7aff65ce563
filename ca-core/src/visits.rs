//! Visits: one technician, with one hand-held unit, at some meters of one owner, for a time. Who may say what of them, and when
//! a certificate may be issued on one.
//!
//! Pure: the ledger asks here inside its transaction, and writes down what follows. Not a work order, which is a list of calls
//! to a meter, and not the certificate: that goes the way of every other one, and is bounded by the visit.

mod change;
mod plan;
mod receipts;
mod visit;

pub use change::{VisitAct, VisitChange, VisitConflict};
pub use plan::{LONGEST, MAX_METERS, MAX_REASON, SHORTEST, VisitPlan};
pub use receipts::{Fault, Held, MAX_ENTRIES, Receipt, ReceiptFault, check as check_receipts};
pub use visit::{MAX_CERTIFICATES, Visit, VisitCertificate, VisitQuery, VisitStanding};

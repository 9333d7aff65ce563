//! What a head-end sends to a meter's Security setup object (DLMS/COSEM `class_id` 64 version 1), and what comes back.
//!
//! Octets and decisions only: nothing is sent from here, no association is opened, nothing is ciphered, no clock is looked at
//! and nothing is stored. The head-end has the transport, the association, the global keys and the counters; it gets
//! [`Call`](work_order::Call)s, puts them through, and gives back what the meter said, which is judged here.
//!
//! IEC 62056-5-3 (xDLMS, A-XDR of IEC 61334-6), IEC 62056-6-2 (class 64), as far as they are known to us without the paid
//! texts; `docs/adr/0039` says from where.

pub mod meter;
pub mod work_order;
pub mod description;
pub mod security_setup;
pub mod block;
pub mod apdu;
pub mod cosem;
pub mod axdr;
mod der_text;

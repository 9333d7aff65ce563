//! Files that meter makers deliver, whatever their form: a map, which is data, says where everything stands, and each row
//! becomes a [`DeliveredDevice`](ca_core::record::DeliveredDevice) or is told as faulty.
//!
//! Reads CSV, XLSX, XML and JSON as they come, row by row. Decides nothing about a device: whoever takes it does. Opens no
//! network, no ledger and no key; unwraps no secret, and refuses those in clear.

pub mod samples;
pub mod draft;

pub mod reading;
mod rows;
mod device;
pub mod checks;
pub mod map;
mod source;
mod secret;
mod path;
mod row;
mod title;
mod step;
mod octets;
mod decoded;
pub mod fault;

//! The line's side of bulk issuance: certification requests out of directories and archives, certificates into a directory, and
//! what a delivery says of the devices.
//!
//! Decides nothing: the server does, and counts. What is held in memory is one group of requests and its answers, whatever the
//! length of the batch; what was done is told by the files that are there.

mod aside;
pub(crate) mod delivery;
pub(crate) mod faults;
pub(crate) mod line;
mod manifest;
mod names;
mod results;
mod source;

pub(crate) use line::{Line, LineReport};

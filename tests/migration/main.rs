//! Coming from another CA program: what it issued is on record here with its status, its reasons and its dates, and its CRLs go on.

mod chapter;
mod configurations;
mod elsewhere;
mod exports;
mod hostile;

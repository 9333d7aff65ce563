//! Simulated meters, thousands of them, with losses, delays, restarts and wrong requests by seed.
//!
//! For utilities that rehearse a roll-out, and for tests: it speaks to servers as meters do, over real connections, and knows nothing of
//! any server's code. The same seed gives the same mishaps at the same steps of the same meters; what others do meanwhile is not its
//! to repeat. Modules stand in reading order; none imports one that stands above it.

mod run;
mod meter;
mod desk;
mod born;
mod memory;
mod link;
mod mishap;
mod wrong;
mod luck;
mod key;

pub use born::{BornError, Maker};
pub use desk::{Road, Server};
pub use key::NoKey;
pub use memory::{Fleet, Life, MemoryError, Meter};
pub use mishap::Faults;
pub use run::{Report, Run, RunError, Stuck};

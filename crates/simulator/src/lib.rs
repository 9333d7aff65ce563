//! Simulated meters, thousands of them, with losses, delays, restarts and wrong requests by seed.
//!
//! For utilities that rehearse a roll-out, and for tests: it speaks to servers as meters do, over real connections, or makes the calls of
//! work orders as a head-end does, and knows nothing of any server's code. The same seed gives the same mishaps at the same steps of the same meters; what others do meanwhile is not its
//! to repeat. Modules stand in reading order; none imports one that stands above it.

mod head_end;
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
pub use head_end::{
    CallAnswer, CallOrder, CallTally, HeadEnd, OrderError, WorkError, Worked, WrongAnswer, read_orders,
};
pub use key::NoKey;
pub use memory::{Fleet, Life, MemoryError, Meter};
pub use mishap::{CallFaults, Faults};
pub use run::{Report, Run, RunError, Stuck};

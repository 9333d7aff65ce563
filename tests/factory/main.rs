//! The factory line: as many identities as were ordered leave it, and no more, through whichever door and whatever is killed.

mod archives;
mod chapter;
mod ground;
mod kills;
mod memory;
mod stations;

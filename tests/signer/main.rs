//! The signer in a process of its own: the authority asks it, outlives it, and neither signs what the other does not know of.

mod house;
mod refusals;
mod survival;

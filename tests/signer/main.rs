//! Keys on tokens and with the signer in a process of its own: the authority asks them, outlives them, and neither signs what the
//! other does not know of.

mod absence;
#[path = "../../crates/signer-pkcs11/tests/token/board.rs"]
mod board;
mod ceremonies;
mod chapter;
mod coaps;
mod hanging;
mod house;
mod load;
mod messages;
mod pins;
mod refusals;
mod segments;
mod survival;
mod tokens;
mod tpm;
mod unplugged;

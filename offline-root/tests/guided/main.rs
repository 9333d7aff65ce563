//! Ceremonies led by the program itself: as a process, in a network namespace of its own, with people who answer.
#![cfg(test)]

mod interrupted;
mod previous;
mod refused;
mod rehearsal;
mod room;
mod token;
mod whole;

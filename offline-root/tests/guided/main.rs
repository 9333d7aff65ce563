//! Ceremonies led by the program itself: as a process, in a network namespace of its own, with people who answer.
#![cfg(test)]

mod interrupted;
mod later;
mod mishaps;
mod previous;
mod refused;
mod rehearsal;
mod room;
mod stand_ins;
mod sub_ca;
mod token;
mod typed;
mod whole;

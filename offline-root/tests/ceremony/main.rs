//! The ceremony program as an operator meets it: run as a process, in a private directory, beside programs of others.
#![cfg(test)]

mod crl;
mod founding;
mod harness;
mod paper;
mod power_cuts;
mod subordinate;
mod tampering;
mod token;
mod transfer;

//! The ceremony program as an operator meets it: run as a process, in a private directory, beside programs of others.
#![cfg(test)]

mod cross;
mod crl;
mod crl_series;
mod ending;
mod founding;
mod generations;
mod harness;
mod people;
mod paper;
mod power_cuts;
mod shares;
mod subordinate;
mod tampering;
mod token;
mod transfer;

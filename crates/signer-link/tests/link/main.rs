//! The link between two ends of it over a real socket, and what becomes of requests when one of them fails.
#![cfg(test)]

mod desks;
mod failing;
mod serving;

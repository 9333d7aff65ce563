//! What clients see on the wire: every limit of a listener, over real sockets on loopback.
//!
//! The tests wait for events of the peer (an answer, the end of the stream), never for time to pass; limits are set short
//! where a test is about passing one.

#![cfg(test)]

mod bodies;
mod crowds;
mod harness;
mod heads;
mod panics;
mod shutdown;
mod spelling;
mod tls;

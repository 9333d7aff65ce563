//! What a guarded desk signs and what it refuses, and what its log says of it.
#![cfg(test)]

mod authority;
mod bounds;
mod desk;
mod others;

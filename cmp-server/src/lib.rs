//! The CMP front end (RFC 9810, RFC 9811, RFC 9483), as far as it goes: it answers every message with a correct refusal.
//!
//! No PKI management operation is offered yet. What is here is the part that every operation needs: the paths, the media
//! type, the message header and its checks, and the error message. Nothing is issued and no authority is asked. Modules
//! stand in reading order; none imports one that stands above it.

pub mod routes;
mod reply;
mod refusal;
pub mod config;
pub mod wire;

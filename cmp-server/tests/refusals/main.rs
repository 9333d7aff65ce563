//! Every message is refused, each with the error that RFC 9483 §3.5 names; and `openssl cmp` reads it.

#![cfg(test)]

mod messages;
mod openssl;
mod server;
mod transfer;

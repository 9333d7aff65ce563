//! The CMP client against a peer made by hand, message by message, and against OpenSSL's mock server, over a real socket.

#![cfg(test)]

mod conversations;
mod openssl;
mod peer;
mod pki;
mod untrusted;

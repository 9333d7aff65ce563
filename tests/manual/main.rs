//! The manual says what is so: its generated pages are those that the programs make, and what they say of certificates is what
//! OpenSSL reads off real ones.

mod pages;
mod reference;
mod statement;

//! Files on paper: a file becomes a series of QR codes, printed or carried as pictures, and comes back from pictures of them.
//!
//! For messages between a machine without network and the others, where no medium shall go to and fro. Each code says to
//! which file it belongs, by its SHA-256, which of how many it is, and has a check of its own; they are read in any order.
//! What is in the file is of no concern here, and nothing here makes it secret or trusted: messages carry their signatures.
//! ISO/IEC 18004 (QR codes), RFC 9285 (the alphabet in them).

pub mod folder;
pub mod sheet;
pub mod picture;
pub mod series;
pub mod part;
mod base45;

//! Enrolment, as a meter and its owner see it: birth, ownership swap, renewal, refusal. RFC 7030 §4.2.
//!
//! Everything is asked of the installed program over real TLS, by curl and OpenSSL.

mod swap;

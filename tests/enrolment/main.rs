//! Enrolment, as a meter, a factory line and their owner see it: birth, ownership swap, renewal, refusal. RFC 7030 §4.2.
//!
//! Everything is asked of the installed program over real TLS, by curl and OpenSSL.

mod birth;
mod head_ends;
mod client;
mod cmp_client;
mod cut_off;
mod front_chapter;
mod front_end;
mod re_enrol;
mod refused;
mod shift_start;
mod swap;
mod token;
mod untrusted;

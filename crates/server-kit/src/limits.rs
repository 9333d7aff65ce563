//! What one listener grants to those who connect: how many, how much, how long.
//!
//! [`RawLimits`] is the table of a configuration file; [`Limits`] is the same after its check, with private fields.
//! It is *not* a rate limiter per tenant or credential: who the requester is, only the servers know.
//!
//! ```
//! use server_kit::limits::{Limits, RawLimits};
//!
//! let limits = Limits::try_from(RawLimits { body_octets: 4096, ..RawLimits::default() })?;
//! assert_eq!(limits.body_octets(), 4096);
//!
//! let from_a_file: Limits = server_kit::config::parse("ocsp.toml", "body_octets = 4096\nheader_seconds = 2.5")?;
//! assert_eq!(from_a_file.header().as_millis(), 2500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::config::seconds;
use serde::Deserialize;
use std::{fmt, time::Duration};

/// hyper refuses to work with a smaller buffer, and the buffer is what bounds a head.
const LEAST_HEADER_OCTETS: usize = 8192;

/// The longest time that [`seconds`] reads from a file, one year.
const LONGEST: Duration = Duration::from_secs(31_536_000);

/// The limits of a listener as they stand in a configuration file: all keys optional, unknown keys refused.
///
/// The defaults are the secure ones and fit enrolment of small devices. Counts are connections, sizes are octets, times
/// are seconds, whole or with a fraction.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// `max_connections`: connections open at once. Default 1024.
    pub max_connections: usize,
    /// `max_connections_per_address`: of these, from one IPv4 address or one IPv6 /64 network. Default 64.
    pub max_connections_per_address: usize,
    /// `max_handshakes`: of these, in an unfinished TLS handshake, which takes a small device seconds. Default 512.
    pub max_handshakes: usize,
    /// `header_octets`: request line and header fields together, at least 8192. Default 16384.
    pub header_octets: usize,
    /// `body_octets`: the body of a request. Default 65536.
    pub body_octets: u64,
    /// `handshake_seconds`: from the TCP connection to the end of the TLS handshake. Default 5.
    #[serde(rename = "handshake_seconds", deserialize_with = "seconds")]
    pub handshake: Duration,
    /// `first_octet_seconds`: until the first octet of the first request. Default 5.
    #[serde(rename = "first_octet_seconds", deserialize_with = "seconds")]
    pub first_octet: Duration,
    /// `header_seconds`: from the first octet of a request to the end of its head. Default 5.
    #[serde(rename = "header_seconds", deserialize_with = "seconds")]
    pub header: Duration,
    /// `body_seconds`: from the end of the head to the end of the body. Default 10.
    #[serde(rename = "body_seconds", deserialize_with = "seconds")]
    pub body: Duration,
    /// `idle_seconds`: between two requests on one connection. Default 30.
    #[serde(rename = "idle_seconds", deserialize_with = "seconds")]
    pub idle: Duration,
    /// `write_stall_seconds`: a reader that takes nothing of an answer. Default 10.
    #[serde(rename = "write_stall_seconds", deserialize_with = "seconds")]
    pub write_stall: Duration,
    /// `answer_seconds`: from the end of the head to the last octet of the answer. Default 600.
    #[serde(rename = "answer_seconds", deserialize_with = "seconds")]
    pub answer: Duration,
    /// `tolerated_panics`: more than this many panics and health says `degraded`. Default 10.
    pub tolerated_panics: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_connections_per_address: 64,
            max_handshakes: 512,
            header_octets: 16 * 1024,
            body_octets: 64 * 1024,
            handshake: Duration::from_secs(5),
            first_octet: Duration::from_secs(5),
            header: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            write_stall: Duration::from_secs(10),
            answer: Duration::from_secs(600),
            tolerated_panics: 10,
        }
    }
}

/// Checked limits. Each accessor is described at the field of the same name in [`RawLimits`].
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "RawLimits")]
pub struct Limits {
    raw: RawLimits,
}

impl Default for Limits {
    /// The limits of [`RawLimits::default`], which pass the check.
    fn default() -> Self {
        Self { raw: RawLimits::default() }
    }
}

impl TryFrom<RawLimits> for Limits {
    type Error = CheckLimitsError;

    /// Checks each value and their relations.
    ///
    /// # Errors
    /// [`CheckLimitsError`] with every fault found.
    fn try_from(raw: RawLimits) -> Result<Self, CheckLimitsError> {
        let faults = faults_of(&raw);
        if faults.is_empty() { Ok(Self { raw }) } else { Err(CheckLimitsError { faults }) }
    }
}

macro_rules! accessors {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl Limits {
            $(
                #[doc = concat!("See [`RawLimits::", stringify!($name), "`].")]
                #[must_use]
                pub fn $name(&self) -> $type {
                    self.raw.$name
                }
            )*
        }
    };
}

accessors! {
    max_connections: usize,
    max_connections_per_address: usize,
    max_handshakes: usize,
    header_octets: usize,
    body_octets: u64,
    handshake: Duration,
    first_octet: Duration,
    header: Duration,
    body: Duration,
    idle: Duration,
    write_stall: Duration,
    answer: Duration,
    tolerated_panics: u64,
}

fn faults_of(raw: &RawLimits) -> Vec<LimitFault> {
    let counts = [
        ("max_connections", raw.max_connections),
        ("max_connections_per_address", raw.max_connections_per_address),
        ("max_handshakes", raw.max_handshakes),
    ];
    let times = [
        ("handshake_seconds", raw.handshake),
        ("first_octet_seconds", raw.first_octet),
        ("header_seconds", raw.header),
        ("body_seconds", raw.body),
        ("idle_seconds", raw.idle),
        ("write_stall_seconds", raw.write_stall),
        ("answer_seconds", raw.answer),
    ];
    let too_long = times.into_iter().filter(|(_, time)| *time > LONGEST);
    let zero_counts = counts.into_iter().filter(|(_, count)| *count == 0).map(|(key, _)| key);
    let zero_times = times.into_iter().filter(|(_, time)| time.is_zero()).map(|(key, _)| key);
    let mut faults: Vec<_> = zero_counts.chain(zero_times).map(|key| LimitFault::Zero { key }).collect();
    faults.extend(too_long.map(|(key, time)| LimitFault::TooLong { key, seconds: time.as_secs() }));
    if raw.header_octets < LEAST_HEADER_OCTETS {
        faults.push(LimitFault::HeaderTooSmall { octets: raw.header_octets });
    }
    for (key, count) in counts.into_iter().skip(1) {
        if count > raw.max_connections {
            faults.push(LimitFault::MoreThanAll { key, count, max_connections: raw.max_connections });
        }
    }
    faults
}

/// Limits that no listener can work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CheckLimitsError {
    /// At least one fault.
    pub faults: Vec<LimitFault>,
}

impl fmt::Display for CheckLimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

/// One fault of a set of limits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitFault {
    /// Nothing would ever be served.
    #[error("{key} must not be 0")]
    Zero {
        /// The key as in the file.
        key: &'static str,
    },
    /// A time of over a year, which is no limit.
    #[error("{key} is {seconds}, more than 31536000")]
    TooLong {
        /// The key as in the file.
        key: &'static str,
        /// The value given.
        seconds: u64,
    },
    /// The head buffer cannot be that small.
    #[error("header_octets is {octets}, it must be at least 8192")]
    HeaderTooSmall {
        /// The value given.
        octets: usize,
    },
    /// A part is larger than the whole.
    #[error("{key} is {count}, more than max_connections, which is {max_connections}")]
    MoreThanAll {
        /// The key as in the file.
        key: &'static str,
        /// The value given.
        count: usize,
        /// The bound it passes.
        max_connections: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(Limits::try_from(RawLimits::default()), Ok(Limits::default()));
    }

    #[test]
    fn reports_every_fault() {
        let raw = RawLimits {
            max_connections: 10,
            header_octets: 100,
            body: Duration::ZERO,
            idle: Duration::MAX,
            max_handshakes: 0,
            ..RawLimits::default()
        };
        let faults = Limits::try_from(raw).unwrap_err().faults;
        assert_eq!(
            faults,
            [
                LimitFault::Zero { key: "max_handshakes" },
                LimitFault::Zero { key: "body_seconds" },
                LimitFault::TooLong { key: "idle_seconds", seconds: u64::MAX },
                LimitFault::HeaderTooSmall { octets: 100 },
                LimitFault::MoreThanAll {
                    key: "max_connections_per_address",
                    count: 64,
                    max_connections: 10
                },
            ]
        );
    }

    #[test]
    fn a_fault_in_a_file_has_its_line() {
        let error = crate::config::parse::<Limits>("a.toml", "idle_secs = 3\nbody_octets = -1").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("a.toml:1:1: unknown field `idle_secs`"), "{text}");
        assert!(text.contains("a.toml:2:15: "), "{text}");
    }
}

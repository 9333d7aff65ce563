//! What one listener grants to those who come: how many, how much, how long.
//!
//! [`RawCoapsLimits`] is the table of a configuration file, [`CoapsLimits`] the same after its check.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use server_kit::config::seconds;

use crate::block::BlockSize;

/// What stands around a block in a datagram: DTLS record 37, CoAP header and token 12, options 30, marker 1.
const AROUND_A_BLOCK: usize = 80;
/// The least that a handshake is worth doing in.
const LEAST_DATAGRAM_OCTETS: usize = 256;
/// What fits into every IPv6 path without its headers (RFC 8200 §5), and a little more for those whose path is wider.
const MOST_DATAGRAM_OCTETS: usize = 1_452;
/// The longest time that is read from a file, one year.
const LONGEST: Duration = Duration::from_secs(31_536_000);

/// The limits as they stand in a configuration file: all keys optional, unknown keys refused.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct RawCoapsLimits {
    /// `max_connections`: connections open at once. Default 1024.
    pub max_connections: usize,
    /// `max_connections_per_address`: of these, from one IPv4 address or one IPv6 /64 network. Default 64.
    pub max_connections_per_address: usize,
    /// `max_handshakes`: of these, in an unfinished handshake. Default 256.
    pub max_handshakes: usize,
    /// `requests_per_minute`: from one address, in the long run. Default 120.
    pub requests_per_minute: u32,
    /// `requests_at_once`: from one address, beyond that and for a moment. Default 60.
    pub requests_at_once: u32,
    /// `body_octets_in_all`: bodies kept at once while their blocks come and go, of all connections. Default 8,388,608.
    pub body_octets_in_all: usize,
    /// `datagram_octets`: the longest datagram that is sent, without IP and UDP headers. Default 1232, which passes every
    /// IPv6 path.
    pub datagram_octets: usize,
    /// `block_octets`: the largest block of an answer, a power of two from 16 to 1024; clients may ask for smaller ones.
    /// Default 1024.
    pub block_octets: usize,
    /// `handshake_seconds`: from the cookie that came back to the end of the handshake. Default 60.
    #[serde(rename = "handshake_seconds", deserialize_with = "seconds")]
    pub handshake: Duration,
    /// `idle_seconds`: without a datagram from the peer. Default 120.
    #[serde(rename = "idle_seconds", deserialize_with = "seconds")]
    pub idle: Duration,
    /// `stranger_seconds`: the same for a peer that has shown no certificate, where one is wanted. Default 10.
    #[serde(rename = "stranger_seconds", deserialize_with = "seconds")]
    pub stranger: Duration,
}

impl Default for RawCoapsLimits {
    fn default() -> Self {
        Self {
            max_connections: 1_024,
            max_connections_per_address: 64,
            max_handshakes: 256,
            requests_per_minute: 120,
            requests_at_once: 60,
            body_octets_in_all: 8 * 1024 * 1024,
            datagram_octets: 1_232,
            block_octets: 1_024,
            handshake: Duration::from_secs(60),
            idle: Duration::from_secs(120),
            stranger: Duration::from_secs(10),
        }
    }
}

/// Checked limits.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "RawCoapsLimits")]
pub struct CoapsLimits {
    raw: RawCoapsLimits,
    block: BlockSize,
    datagram: u32,
}

impl Default for CoapsLimits {
    /// The limits of [`RawCoapsLimits::default`], which pass the check.
    fn default() -> Self {
        Self { raw: RawCoapsLimits::default(), block: BlockSize::LARGEST, datagram: 1_232 }
    }
}

impl CoapsLimits {
    pub(crate) const fn raw(&self) -> &RawCoapsLimits {
        &self.raw
    }

    pub(crate) const fn block(&self) -> BlockSize {
        self.block
    }

    /// The longest datagram, as OpenSSL wants to be told.
    pub(crate) const fn datagram(&self) -> u32 {
        self.datagram
    }
}

impl TryFrom<RawCoapsLimits> for CoapsLimits {
    type Error = CheckCoapsLimitsError;

    /// Checks each value and their relations.
    ///
    /// # Errors
    /// [`CheckCoapsLimitsError`] with every fault found.
    fn try_from(raw: RawCoapsLimits) -> Result<Self, CheckCoapsLimitsError> {
        let faults = faults_of(&raw);
        let block = BlockSize::of_octets(raw.block_octets);
        match (block, u32::try_from(raw.datagram_octets)) {
            (Some(block), Ok(datagram)) if faults.is_empty() => Ok(Self { raw, block, datagram }),
            _ => Err(CheckCoapsLimitsError { faults }),
        }
    }
}

fn faults_of(raw: &RawCoapsLimits) -> Vec<CoapsLimitFault> {
    let zeros = [
        ("max_connections", raw.max_connections == 0),
        ("max_connections_per_address", raw.max_connections_per_address == 0),
        ("max_handshakes", raw.max_handshakes == 0),
        ("requests_per_minute", raw.requests_per_minute == 0),
        ("requests_at_once", raw.requests_at_once == 0),
        ("body_octets_in_all", raw.body_octets_in_all == 0),
        ("handshake_seconds", raw.handshake.is_zero()),
        ("idle_seconds", raw.idle.is_zero()),
        ("stranger_seconds", raw.stranger.is_zero()),
    ];
    let times = [
        ("handshake_seconds", raw.handshake),
        ("idle_seconds", raw.idle),
        ("stranger_seconds", raw.stranger),
    ];
    let zeros =
        zeros.into_iter().filter(|(_, is_zero)| *is_zero).map(|(key, _)| CoapsLimitFault::Zero { key });
    let long = times
        .into_iter()
        .filter(|(_, time)| *time > LONGEST)
        .map(|(key, _)| CoapsLimitFault::TooLong { key });
    let mut faults: Vec<_> = zeros.chain(long).collect();
    if BlockSize::of_octets(raw.block_octets).is_none() {
        faults.push(CoapsLimitFault::NoBlockSize { octets: raw.block_octets });
    }
    if !(LEAST_DATAGRAM_OCTETS..=MOST_DATAGRAM_OCTETS).contains(&raw.datagram_octets) {
        faults.push(CoapsLimitFault::Datagram { octets: raw.datagram_octets });
    } else if raw.block_octets.saturating_add(AROUND_A_BLOCK) > raw.datagram_octets {
        let (block, datagram) = (raw.block_octets, raw.datagram_octets);
        faults.push(CoapsLimitFault::BlockTooLarge { block, datagram });
    }
    faults
}

/// Limits that no listener can work with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CheckCoapsLimitsError {
    /// At least one fault.
    pub faults: Vec<CoapsLimitFault>,
}

impl fmt::Display for CheckCoapsLimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        f.write_str(&faults.join("; "))
    }
}

/// One fault of a set of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoapsLimitFault {
    /// Nothing would ever be served.
    #[error("{key} must not be 0")]
    Zero {
        /// The key as in the file.
        key: &'static str,
    },
    /// A time of over a year, which is no limit.
    #[error("{key} is more than 31536000")]
    TooLong {
        /// The key as in the file.
        key: &'static str,
    },
    /// Blocks have other sizes.
    #[error("block_octets is {octets}, it must be 16, 32, 64, 128, 256, 512 or 1024")]
    NoBlockSize {
        /// The value given.
        octets: usize,
    },
    /// A datagram cannot be so short or so long.
    #[error("datagram_octets is {octets}, it must be from 256 to 1452")]
    Datagram {
        /// The value given.
        octets: usize,
    },
    /// A block and what stands around it do not fit.
    #[error(
        "block_octets is {block}, which with the 80 octets around a block is more than datagram_octets, {datagram}"
    )]
    BlockTooLarge {
        /// The size of blocks.
        block: usize,
        /// The size of datagrams.
        datagram: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_pass_their_own_check() {
        assert_eq!(CoapsLimits::try_from(RawCoapsLimits::default()), Ok(CoapsLimits::default()));
    }

    #[test]
    fn reports_every_fault() {
        let raw = RawCoapsLimits {
            max_handshakes: 0,
            idle: Duration::MAX,
            block_octets: 1_000,
            datagram_octets: 100,
            ..RawCoapsLimits::default()
        };
        assert_eq!(
            CoapsLimits::try_from(raw).unwrap_err().faults,
            [
                CoapsLimitFault::Zero { key: "max_handshakes" },
                CoapsLimitFault::TooLong { key: "idle_seconds" },
                CoapsLimitFault::NoBlockSize { octets: 1_000 },
                CoapsLimitFault::Datagram { octets: 100 },
            ]
        );
    }

    #[test]
    fn a_block_must_fit_into_a_datagram() {
        let raw = RawCoapsLimits { datagram_octets: 576, block_octets: 512, ..RawCoapsLimits::default() };
        let faults = CoapsLimits::try_from(raw).unwrap_err().faults;
        assert_eq!(faults, [CoapsLimitFault::BlockTooLarge { block: 512, datagram: 576 }]);
    }
}

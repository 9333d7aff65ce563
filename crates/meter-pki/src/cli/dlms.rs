//! `dlms`: what is typed about octets that head-ends exchange with meters.

use clap::Subcommand;

/// `dlms`
#[derive(Debug, Subcommand)]
pub enum DlmsCommand {
    /// Show in words what octets are: an APDU in clear, a parameter or value, a certificate or certification request.
    Decode {
        /// Hexadecimal digits, or a file that has such digits or the octets themselves.
        #[arg(value_name = "HEX|FILE")]
        octets: String,
    },
}

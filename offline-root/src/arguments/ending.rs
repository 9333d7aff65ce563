//! The options of the verbs that end something: revocation, the closing of a sub-CA, the destruction of keys.

use std::path::PathBuf;

use ca_core::reason::ReasonCode;
use ca_core::serial_number::SerialNumber;
use clap::Args;

use super::secrets::SecretArguments;
use super::values::sentence;
use crate::ceremony::closing::ClosingWish;
use crate::ceremony::destruction::DestructionWish;
use crate::ceremony::revocation::RevocationWish;
use crate::stated_time::StatedTime;

#[derive(Debug, Args)]
pub(crate) struct CloseSubcaArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the sub-CA's certificate, in hexadecimal
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Its last CRL
    #[arg(long, value_name = "FILE")]
    last_crl: PathBuf,
    /// How its key was destroyed, for the record
    #[arg(long, value_parser = sentence)]
    statement: String,
}

#[derive(Debug, Args)]
pub(crate) struct DestroyKeyArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the root certificate, in hexadecimal: whoever types it means this root
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Why, for the record
    #[arg(long, value_parser = sentence)]
    reason: String,
    #[command(flatten)]
    secrets: SecretArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArguments {
    /// The directory of the root
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The time of the ceremony as the people present agree: RFC 3339, or `now` for that of the machine
    #[arg(long)]
    pub(crate) time: StatedTime,
    /// The serial number of the certificate, in hexadecimal
    #[arg(long, value_parser = SerialNumber::parse)]
    serial: SerialNumber,
    /// Why: the name that RFC 5280 has for it, such as keyCompromise or superseded
    #[arg(long, value_parser = reason)]
    reason: ReasonCode,
    /// Since when the key is suspected
    #[arg(long)]
    invalidity_date: Option<StatedTime>,
}

impl From<CloseSubcaArguments> for ClosingWish {
    fn from(arguments: CloseSubcaArguments) -> Self {
        let CloseSubcaArguments { serial, last_crl, statement, .. } = arguments;
        Self { serial, last_crl, statement }
    }
}

impl From<DestroyKeyArguments> for DestructionWish {
    fn from(arguments: DestroyKeyArguments) -> Self {
        let DestroyKeyArguments { serial, reason, secrets, .. } = arguments;
        Self { serial, reason, secrets: secrets.into() }
    }
}

impl From<RevokeArguments> for RevocationWish {
    fn from(arguments: RevokeArguments) -> Self {
        let RevokeArguments { serial, reason, invalidity_date, .. } = arguments;
        Self { serial, reason, invalidity_date }
    }
}

fn reason(text: &str) -> Result<ReasonCode, String> {
    ReasonCode::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = ReasonCode::ALL.into_iter().map(ReasonCode::name).collect();
        format!("the reasons are {}", names.join(", "))
    })
}

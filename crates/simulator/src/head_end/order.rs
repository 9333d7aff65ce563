//! The lines of work orders and of answers, as a head-end sees them: JSON, one object on each line.

use ca_core::profile::KeyPurpose;
use ca_core::system_title::SystemTitle;
use serde::{Deserialize, Serialize};

use super::WrongAnswer;

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOrder {
    /// The campaign, as its order names it.
    pub campaign: String,
    /// The meter.
    pub title: SystemTitle,
    /// The type of the certificate.
    pub purpose: KeyPurpose,
    /// The number of the call.
    pub turn: u32,
    /// Which call.
    pub call: String,
    /// The last second in which it may be made: RFC 3339 in UTC and whole seconds, so that times compare as texts do.
    pub until: String,
    /// Its APDUs; none for what only the head-end does.
    pub apdus: Vec<Vec<u8>>,
}

/// A line of a file of orders. What else stands there is for other head-ends.
#[derive(Deserialize)]
struct OrderLine {
    campaign: String,
    system_title: String,
    #[serde(rename = "type")]
    purpose: String,
    turn: u32,
    call: String,
    until: String,
    apdus: Vec<String>,
}

/// An answer, as it is brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallAnswer {
    /// The campaign, as the order names it.
    pub campaign: String,
    /// The meter.
    pub system_title: String,
    /// The type of the certificate.
    #[serde(rename = "type")]
    pub purpose: &'static str,
    /// The number of the call.
    pub turn: u32,
    /// The APDUs, hexadecimal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apdus: Vec<String>,
    /// The result of what only the head-end does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<u8>,
    /// Whether nothing came.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nothing: bool,
    /// What is wrong with it, on purpose. Does not stand in the file.
    #[serde(skip)]
    pub wrong: Option<WrongAnswer>,
}

impl CallOrder {
    /// Reads one line of a file.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn read(line: &str) -> Result<Self, String> {
        let line: OrderLine = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let purpose = KeyPurpose::ALL.into_iter().find(|purpose| purpose.name() == line.purpose);
        let apdus = line.apdus.iter().map(hex::decode).collect::<Result<_, _>>();
        Ok(Self {
            title: SystemTitle::parse(&line.system_title).map_err(|error| error.to_string())?,
            purpose: purpose.ok_or_else(|| format!("{:?} is no type of certificate", line.purpose))?,
            turn: line.turn,
            call: line.call,
            until: Some(line.until).filter(|text| is_time(text)).ok_or("`until` is not a time in UTC")?,
            apdus: apdus.map_err(|error| format!("an APDU is not hexadecimal: {error}"))?,
            campaign: line.campaign,
        })
    }

    /// Tells whether the meter is to show its certificate.
    pub(super) fn is_export(&self) -> bool {
        self.call == "export-certificate"
    }

    /// Tells whether the meter is to make a certification request.
    pub(super) fn is_request(&self) -> bool {
        self.call == "generate-certificate-request"
    }
}

impl CallAnswer {
    fn to(order: &CallOrder) -> Self {
        Self {
            campaign: order.campaign.clone(),
            system_title: order.title.to_string(),
            purpose: order.purpose.name(),
            turn: order.turn,
            apdus: Vec::new(),
            result: None,
            nothing: false,
            wrong: None,
        }
    }

    /// Nothing came back.
    pub(super) fn nothing(order: &CallOrder) -> Self {
        Self { nothing: true, ..Self::to(order) }
    }

    /// The meter answered with these APDUs; without any, the head-end did it itself.
    pub(super) fn of(order: &CallOrder, apdus: Vec<Vec<u8>>) -> Self {
        let result = apdus.is_empty().then_some(0);
        Self { apdus: apdus.iter().map(hex::encode).collect(), result, ..Self::to(order) }
    }
}

/// Tells whether a text has the form `2026-11-21T10:00:00Z`.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00Z";
    let fits = |(digit, form): (u8, &u8)| if *form == b'0' { digit.is_ascii_digit() } else { digit == *form };
    text.len() == FORM.len() && text.bytes().zip(FORM).all(fits)
}

/// Reads a file of orders; lines without anything on them are passed over.
///
/// # Errors
/// [`OrderError`] of the first line that is none.
pub fn read_orders(text: &str) -> Result<Vec<CallOrder>, OrderError> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(line, text)| CallOrder::read(text).map_err(|what| OrderError { line, what })).collect()
}

/// A line that is no order.
#[derive(Debug, thiserror::Error)]
#[error("line {line} is no work order: {what}")]
pub struct OrderError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

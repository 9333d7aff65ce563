//! Why what an operator says of a production order is not recorded.

use super::{LONGEST, MAX_LISTED, MAX_ORDERED, MAX_RANGES, MAX_STATIONS, MAX_TEXT};
use crate::fault::Fault;
use crate::ports::Unavailable;
use crate::profile::ProfileId;
use crate::record::ProductionConflict;
use crate::validity::UnixTime;

/// Why what an operator says of a production order is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ProductionError {
    /// Who asks decides nothing here.
    #[error("only operators open and end production orders")]
    NotEntitled,
    /// No devices, or more than an order has.
    #[error("an order is of 1 to {MAX_ORDERED} devices, not {ordered}")]
    Quantity {
        /// How many were wanted.
        ordered: u64,
    },
    /// It would be over before it begins, or open too long.
    #[error("an order is open until a time to come, within {} days, not until {until}", LONGEST / 86_400)]
    Until {
        /// The time that was wanted.
        until: UnixTime,
    },
    /// A text is too long or has control characters.
    #[error("{what} has at most {MAX_TEXT} octets of printable characters")]
    Text {
        /// Which text.
        what: &'static str,
    },
    /// A device would get nothing.
    #[error("an order names the profile of each certificate that a device gets")]
    NoProfile,
    /// Two profiles for one purpose.
    #[error("the order names two profiles for the purpose of {profile}")]
    PurposeTwice {
        /// The later of them.
        profile: ProfileId,
    },
    /// Ranges of titles that are none.
    #[error("1 to {MAX_RANGES} ranges of system titles, each from the lower to the higher of one FLAG id")]
    Ranges,
    /// A list of titles that is none.
    #[error("1 to {MAX_LISTED} system titles")]
    List,
    /// Names of stations that are none.
    #[error("up to {MAX_STATIONS} names of stations, each once")]
    Stations,
    /// A device is not scrapped for a while.
    #[error("what is scrapped is revoked for good, not put on hold")]
    Hold,
    /// The order does not stand so that this can follow.
    #[error("{}", sentence(.0))]
    Conflict(ProductionConflict),
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<ProductionConflict> for ProductionError {
    fn from(conflict: ProductionConflict) -> Self {
        Self::Conflict(conflict)
    }
}

fn sentence(conflict: &ProductionConflict) -> String {
    match conflict {
        ProductionConflict::Unknown => "there is no such production order".to_owned(),
        ProductionConflict::Known => "there is a production order of this name already".to_owned(),
        ProductionConflict::StationTaken { station, by } => {
            format!("the station {station} works on the open order {by}")
        }
        ProductionConflict::Ended { by } => {
            format!("the production order was ended by {} at {}", by.by, by.at)
        }
        ProductionConflict::UnderWay { certificates } => {
            format!("{certificates} certificates are being made under the production order at this moment")
        }
        ProductionConflict::NotMade => "the device has no place in the production order".to_owned(),
    }
}

impl ProductionError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "order.not-entitled",
            Self::Quantity { .. } => "order.quantity",
            Self::Until { .. } => "order.until",
            Self::Text { .. } => "order.text",
            Self::NoProfile | Self::PurposeTwice { .. } => "order.profiles",
            Self::Ranges | Self::List => "order.titles",
            Self::Stations => "order.stations",
            Self::Hold => "order.hold",
            Self::Conflict(conflict) => match conflict {
                ProductionConflict::Unknown => "order.unknown",
                ProductionConflict::Known => "order.known",
                ProductionConflict::StationTaken { .. } => "order.station-taken",
                ProductionConflict::Ended { .. } => "order.closed",
                ProductionConflict::UnderWay { .. } => "order.under-way",
                ProductionConflict::NotMade => "order.not-made",
            },
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotEntitled
            | Self::Quantity { .. }
            | Self::Until { .. }
            | Self::Text { .. }
            | Self::NoProfile
            | Self::PurposeTwice { .. }
            | Self::Ranges
            | Self::List
            | Self::Stations
            | Self::Hold
            | Self::Conflict(ProductionConflict::Unknown | ProductionConflict::NotMade) => Fault::Requester,
            Self::Conflict(
                ProductionConflict::Known
                | ProductionConflict::StationTaken { .. }
                | ProductionConflict::Ended { .. },
            ) => Fault::Conflict,
            Self::Conflict(ProductionConflict::UnderWay { .. }) | Self::Unavailable(_) => Fault::Unavailable,
        }
    }
}

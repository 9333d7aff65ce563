//! Why an order is not planned, asked for or approved.

use crate::fault::Fault;
use crate::ports::Unavailable;
use crate::record::OrderConflict;
use crate::validity::UnixTime;

use super::MAX_REASON;

/// Why an order is not planned, asked for or approved.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Who asks gives no orders here.
    #[error("only operators of this installation give and approve orders")]
    NotEntitled,
    /// Nothing was said, which would mean every certificate there is.
    #[error("a selection of everything is none: say which certificates")]
    Everything,
    /// The selection is too long to be shown to whoever is to approve it.
    #[error("the selection has more than {most} octets in words")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// The ledger changed between two looks at it.
    #[error("certificates were issued or revoked while they were being counted")]
    Changing,
    /// certificateHold is not offered by an authority that is concerned.
    #[error("certificateHold is not offered by an authority that is concerned: its CRLs keep their entries")]
    HoldNotOffered,
    /// The invalidity date lies in the future.
    #[error("the invalidity date lies after the present, {now}")]
    InvalidityInFuture {
        /// The present.
        now: UnixTime,
    },
    /// The reason of a refusal is none.
    #[error("a refusal has a reason of 1 to {MAX_REASON} printable characters")]
    Reason,
    /// The order does not stand so that this can be done.
    #[error("{}", sentence(.0))]
    Conflict(OrderConflict),
    /// The ledger cannot answer; nothing was recorded.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

fn sentence(conflict: &OrderConflict) -> String {
    match conflict {
        OrderConflict::Unknown => "no such order is on record".to_owned(),
        OrderConflict::Expired { expires_at } => format!("the order stood until {expires_at} and is over"),
        OrderConflict::NotRequested => "nobody asked for the order: it was only looked at".to_owned(),
        OrderConflict::Requested { by } => format!("the order was asked for by {} at {}", by.by, by.at),
        OrderConflict::Refused { by } => format!("the order was refused by {} at {}", by.by, by.at),
        OrderConflict::Approved => "the order has all the approvals it needs".to_owned(),
        OrderConflict::SameOperator => "the same operator approved the order before".to_owned(),
        OrderConflict::OwnOrder => "who asks for an order does not approve it".to_owned(),
    }
}

impl OrderError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotEntitled => "order.not-entitled",
            Self::Everything => "selection.everything",
            Self::TooLong { .. } => "selection.too-long",
            Self::Changing => "selection.changing",
            Self::HoldNotOffered => "revoke.hold",
            Self::InvalidityInFuture { .. } => "revoke.invalidity",
            Self::Reason => "order.reason",
            Self::Conflict(conflict) => match conflict {
                OrderConflict::Unknown => "order.unknown",
                OrderConflict::Expired { .. } => "order.expired",
                OrderConflict::NotRequested => "order.not-requested",
                OrderConflict::Requested { .. } => "order.requested",
                OrderConflict::Refused { .. } => "order.refused",
                OrderConflict::Approved => "order.enough",
                OrderConflict::SameOperator => "order.same-operator",
                OrderConflict::OwnOrder => "order.own",
            },
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::NotEntitled
            | Self::Everything
            | Self::TooLong { .. }
            | Self::HoldNotOffered
            | Self::InvalidityInFuture { .. }
            | Self::Reason
            | Self::Conflict(
                OrderConflict::Unknown
                | OrderConflict::NotRequested
                | OrderConflict::SameOperator
                | OrderConflict::OwnOrder,
            ) => Fault::Requester,
            Self::Conflict(
                OrderConflict::Expired { .. }
                | OrderConflict::Requested { .. }
                | OrderConflict::Refused { .. }
                | OrderConflict::Approved,
            ) => Fault::Conflict,
            Self::Changing | Self::Unavailable(_) => Fault::Unavailable,
        }
    }
}

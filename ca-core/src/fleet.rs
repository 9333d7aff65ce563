//! Changing the certificates of a fleet: the swap of one device and type as a saga, and campaigns that carry out many of them.
//!
//! Values and pure functions only: the ledger asks here, and writes down what follows, inside its transaction. There is no call
//! that removes a certificate from a device: removing a server certificate destroys its key (Green Book 9.2.6.6.7).

mod acts;
pub mod campaign;
pub mod evidence;
pub mod member;
pub mod patience;
pub mod swap;
pub mod uplift;

pub use acts::{
    AgendaQuery, Begin, Begun, CampaignDecision, CampaignQuery, CampaignTurn, MemberCount, Place,
    SwapConflict, SwapEvent, SwapOutcome, Turn,
};

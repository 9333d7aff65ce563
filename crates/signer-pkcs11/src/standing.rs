//! How a token stands: for readiness and metrics.

use crate::breaker::TokenState;
use crate::counts::TokenCounts;
use crate::token::TokenDescription;

/// How a token stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenStanding {
    /// What its URI calls it: the label, with the serial number where both are there.
    pub name: String,
    /// What the token says of itself; before it was seen, what the URI says of it.
    pub token: TokenDescription,
    /// Whether it is asked.
    pub state: TokenState,
    /// What it answered when it failed last; empty where it never did.
    pub cause: String,
    /// What it did.
    pub counts: TokenCounts,
}

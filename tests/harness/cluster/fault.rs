//! The faults, and in which order they come: from a seed.

use std::fmt;

use crate::crash::random::Random;

/// A fault. Times are in milliseconds, nodes are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A node ends in the middle of whatever it does, and is started again.
    KillNode(usize),
    /// A node stands still for longer than its lease, and goes on.
    FreezeNode(usize, u64),
    /// A node and the primary lose each other.
    CutNode(usize, u64),
    /// A node's clock is wrong by so many seconds for a while; it may have been started with it.
    Skew(usize, i64, bool),
    /// The primary ends in the middle of whatever it does, and is started again.
    KillPrimary,
    /// The primary ends for good: the standby takes over, and the old one follows it.
    FailOver,
    /// The primary stands still.
    FreezePrimary(u64),
    /// The standby stands still: commits wait.
    FreezeStandby(u64),
    /// Primary and standby lose each other: commits wait.
    CutStandby(u64),
    /// Every session of the nodes ends.
    TerminateSessions,
    /// What every session of the nodes is doing is cancelled.
    CancelStatements,
    /// Commits that wait for a standby which is cut off are told not to wait, once by cancelling and once by ending them.
    CancelWaiting(bool),
    /// The same, and then the primary is lost with everything that the standby does not have.
    CancelWaitingAndFailOver(bool),
    /// The primary crashes and comes back while the standby is cut off, so that what waited is seen; then it is lost.
    CrashWhileCutAndFailOver,
    /// The database takes no writes.
    ReadOnly(u64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillNode(_) => "a node: SIGKILL",
            Self::FreezeNode(..) => "a node stands still for longer than its lease (SIGSTOP, SIGCONT)",
            Self::CutNode(..) => "a node and the primary are cut from each other",
            Self::Skew(_, _, false) => "a node's clock is wrong",
            Self::Skew(_, _, true) => "a node is started while its clock is wrong",
            Self::KillPrimary => "the primary: SIGKILL, started again",
            Self::FailOver => "the primary: SIGKILL, the standby takes over, the old one follows",
            Self::FreezePrimary(_) => "the primary stands still",
            Self::FreezeStandby(_) => "the standby stands still",
            Self::CutStandby(_) => "primary and standby are cut from each other",
            Self::TerminateSessions => "all sessions are ended (pg_terminate_backend)",
            Self::CancelStatements => "all statements are cancelled (pg_cancel_backend)",
            Self::CancelWaiting(false) => "commits that wait for the standby are cancelled",
            Self::CancelWaiting(true) => "sessions whose commits wait for the standby are ended",
            Self::CancelWaitingAndFailOver(false) => {
                "waiting commits are cancelled, then the primary is lost"
            }
            Self::CancelWaitingAndFailOver(true) => {
                "sessions of waiting commits are ended, then the primary is lost"
            }
            Self::CrashWhileCutAndFailOver => {
                "the primary crashes while the standby is cut off, comes back, and is lost"
            }
            Self::ReadOnly(_) => "the database takes no writes",
        })
    }
}

/// How many kinds there are, and how they follow each other.
const KINDS: u64 = 22;

/// Plans the faults of a house: all kinds in an order of its own, again and again.
#[must_use]
pub fn plan(random: &mut Random, count: u64) -> Vec<Fault> {
    let mut deck: Vec<u64> = Vec::new();
    let mut faults = Vec::new();
    while (faults.len() as u64) < count {
        if deck.is_empty() {
            deck = (0..KINDS).collect();
        }
        let kind = deck.swap_remove(random.index(deck.len()));
        faults.push(fault(random, kind));
    }
    faults
}

fn fault(random: &mut Random, kind: u64) -> Fault {
    let node = random.index(super::NODES.len());
    let flag = random.below(2) == 0;
    match kind {
        0..4 => Fault::KillNode(node),
        4 => Fault::FreezeNode(node, 2_400 + random.below(1_000)),
        5 | 6 => Fault::CutNode(node, 300 + random.below(2_500)),
        7 => Fault::Skew(node, if flag { 30 } else { -30 }, random.below(2) == 0),
        8 | 9 => Fault::KillPrimary,
        10 => Fault::FailOver,
        11 | 12 => Fault::FreezePrimary(200 + random.below(1_500)),
        13 => Fault::FreezeStandby(200 + random.below(1_500)),
        14 | 15 => Fault::CutStandby(300 + random.below(1_500)),
        16 => Fault::TerminateSessions,
        17 => Fault::CancelStatements,
        18 => Fault::CancelWaiting(flag),
        19 => Fault::CancelWaitingAndFailOver(flag),
        20 => Fault::CrashWhileCutAndFailOver,
        _ => Fault::ReadOnly(300 + random.below(1_000)),
    }
}

//! What makes the program die at a kill-point. How it dies is the shim's affair: it is told by opening a path.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use e2e::crash::kill::LOSE_ANSWER;
use e2e::crash::points::KillPoint;

/// How many more signatures are made after an answer of the signer was lost, before the program dies.
const AFTER_LOST_ANSWER: u32 = 4;

/// A kill-point, how often it is passed before it kills, and what happens then.
#[derive(Debug)]
pub(crate) struct Trap {
    planned: Option<KillPoint>,
    left: AtomicU32,
    deed: String,
    armed: AtomicBool,
}

/// What comes after a kill-point for a program that lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing special.
    GoOn,
    /// What was just signed does not reach whoever asked for it.
    AnswerLost,
}

impl Trap {
    /// Never kills.
    pub(crate) const fn none() -> Self {
        Self { planned: None, left: AtomicU32::new(0), deed: String::new(), armed: AtomicBool::new(false) }
    }

    /// Does the deed at the `count`th passage.
    pub(crate) fn set(point: KillPoint, count: u32, deed: &str) -> Self {
        let later = if deed == LOSE_ANSWER { AFTER_LOST_ANSWER } else { 0 };
        Self {
            planned: Some(point),
            left: AtomicU32::new(count + later),
            deed: deed.to_owned(),
            // A deadline passes while nothing is served, and is met by the start.
            armed: AtomicBool::new(point == KillPoint::DeadlineUnsynced),
        }
    }

    /// Counts from now on: what a start does is not counted, but for deadlines.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// The program is at this point.
    pub(crate) fn pass(&self, point: KillPoint) -> Fate {
        tell(&format!("note-{point}"));
        if self.planned != Some(point) || !self.armed.load(Ordering::SeqCst) {
            return Fate::GoOn;
        }
        match (self.left.fetch_sub(1, Ordering::SeqCst), self.deed.as_str()) {
            (left, LOSE_ANSWER) if left == 1 + AFTER_LOST_ANSWER => return Fate::AnswerLost,
            (1, LOSE_ANSWER) => tell("kill"),
            (1, _) => tell(&self.command(point)),
            _ => {}
        }
        Fate::GoOn
    }

    /// At some points the program dies in the middle of the call that comes next.
    fn command(&self, point: KillPoint) -> String {
        match point {
            KillPoint::IntentUnsynced
            | KillPoint::IssuedUnsynced
            | KillPoint::ConfirmationUnsynced
            | KillPoint::DeadlineUnsynced
            | KillPoint::RevocationUnsynced
            | KillPoint::CrlUnsynced
            | KillPoint::DeliveryUnsynced
            | KillPoint::DevicesUnsynced
            | KillPoint::ProductionUnsynced
            | KillPoint::CampaignUnsynced
            | KillPoint::SwapUnsynced => format!("{}-at-sync", self.deed),
            KillPoint::ReplyHalfSent => "kill-in-reply".to_owned(),
            KillPoint::CrlRename => "kill-at-rename".to_owned(),
            KillPoint::RequestParsed
            | KillPoint::Authorised
            | KillPoint::LintPassed
            | KillPoint::IntentDurable
            | KillPoint::SigningBegun
            | KillPoint::SignatureMade
            | KillPoint::IssuedDurable
            | KillPoint::RevocationDurable
            | KillPoint::CrlIntended
            | KillPoint::CrlSigningBegun
            | KillPoint::CrlSigned
            | KillPoint::CrlDurable
            | KillPoint::DeliveryDurable
            | KillPoint::DevicesDurable
            | KillPoint::ProductionDurable
            | KillPoint::CampaignDurable
            | KillPoint::SwapDurable => self.deed.clone(),
        }
    }
}

/// Tells the shim something; see tests/crash/shim/shim.c. There never is such a file.
fn tell(command: &str) {
    drop(std::fs::File::open(format!("/crash-shim/{command}")));
}

//! What makes the program die at a kill-point. How it dies is the shim's affair: it is told by opening a path.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use e2e::crash::points::KillPoint;

/// A kill-point, how often it is passed before it kills, and what happens then.
#[derive(Debug)]
pub(crate) struct Trap {
    planned: Option<KillPoint>,
    left: AtomicU32,
    deed: String,
    armed: AtomicBool,
}

impl Trap {
    /// Never kills.
    pub(crate) const fn none() -> Self {
        Self { planned: None, left: AtomicU32::new(0), deed: String::new(), armed: AtomicBool::new(false) }
    }

    /// Does the deed at the `count`th passage.
    pub(crate) fn set(point: KillPoint, count: u32, deed: &str) -> Self {
        Self { planned: Some(point), left: AtomicU32::new(count), deed: deed.to_owned(), ..Self::none() }
    }

    /// Counts from now on: what a start does is not counted.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// The program is at this point.
    pub(crate) fn pass(&self, point: KillPoint) {
        tell(&format!("note-{point}"));
        if self.planned != Some(point) || !self.armed.load(Ordering::SeqCst) {
            return;
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            tell(&self.command(point));
        }
    }

    /// At some points the program dies in the middle of the call that comes next.
    fn command(&self, point: KillPoint) -> String {
        match point {
            KillPoint::IntentUnsynced
            | KillPoint::IssuedUnsynced
            | KillPoint::RevocationUnsynced
            | KillPoint::CrlUnsynced => format!("{}-at-sync", self.deed),
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
            | KillPoint::CrlDurable => self.deed.clone(),
        }
    }
}

/// Tells the shim something; see tests/crash/shim/shim.c. There never is such a file.
fn tell(command: &str) {
    drop(std::fs::File::open(format!("/crash-shim/{command}")));
}

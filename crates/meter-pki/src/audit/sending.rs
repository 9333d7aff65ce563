//! Sends the trail over syslog, and remembers in the ledger how far that came. Of several nodes one sends, and goes on where the one
//! before it had come; the others look how far it is, since nothing new begins anywhere while too much is unsent.

use std::sync::Arc;

use ca_store::Follower;

use super::keeper::{Followed, Pass, Told};
use super::syslog::{CURSOR, SyslogCopy};
use super::{AuditLog, unavailable};
use crate::config::Collector;
use crate::duty::Duty;
use crate::exit::{Exit, Failure};

/// The copy, and who makes it.
pub(super) struct Sending {
    log: Arc<AuditLog>,
    collector: Collector,
    duty: Duty,
    follower: Arc<Follower>,
    /// None while another node sends.
    copy: Option<SyslogCopy>,
    remembered: u64,
}

impl Sending {
    pub(super) fn new(followed: &Followed<'_>, collector: &Collector) -> Result<Self, Failure> {
        let log = Arc::clone(&followed.log);
        let remembered = log.store.cursor(CURSOR).map_err(unavailable)?;
        let follower = log.store.follow("syslog", followed.config.allowance, remembered);
        let (collector, duty) = (collector.clone(), followed.sender.clone());
        Ok(Self { log, collector, duty, follower, copy: None, remembered })
    }

    pub(super) fn passes(mut self) -> impl FnMut(Pass) {
        let mut told = Told::default();
        move |_| told.tell("audit syslog", self.pass())
    }

    fn pass(&mut self) -> Result<(), Failure> {
        if !self.duty.is_ours().map_err(unavailable)? {
            self.copy = None;
            self.follower.reached(self.log.store.cursor(CURSOR).map_err(unavailable)?);
            return Ok(());
        }
        let copy = match &mut self.copy {
            Some(copy) => copy,
            None => {
                self.remembered = self.log.store.cursor(CURSOR).map_err(unavailable)?;
                self.copy.insert(SyslogCopy::new(self.collector.clone(), self.remembered))
            }
        };
        let sent = copy.pass(&self.log.store);
        let reached = copy.reached();
        self.follower.reached(reached);
        let sent = sent.map_err(|error| Failure::new(Exit::Unavailable, "audit.syslog", error));
        // What was sent is remembered, also where the rest was not.
        let remembered = self.remember(reached);
        sent.and(remembered)
    }

    fn remember(&mut self, reached: u64) -> Result<(), Failure> {
        if reached != self.remembered {
            self.log.store.keep_cursor(CURSOR, reached).map_err(unavailable)?;
            self.remembered = reached;
        }
        Ok(())
    }
}

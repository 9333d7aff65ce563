//! The roots of the room: each is opened as the one that the file means, and what an interruption left open in its ledger is
//! told in the transcript before it is settled.

use ca_core::serial_number::SerialNumber;
use ceremony::file::root::{RootName, RootPlan};
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::Stage;
use crate::ceremony::{Ceremony, Root};
use crate::charter;
use crate::stated_time::StatedTime;

impl Stage<'_, '_> {
    /// Opens a root of the room, ready to sign.
    pub(super) fn root(&mut self, plan: &RootPlan, time: StatedTime) -> Result<Ceremony, GuidedError> {
        let root = self.known(plan)?;
        let root = if self.waits_for_people() { root.knowing_that_nothing_was_signed() } else { root };
        self.tell_settled(&plan.name, &root)?;
        Ok(root.begin(time)?)
    }

    /// Tells whether the last draft still waits for the people: no key was ever given it.
    fn waits_for_people(&self) -> bool {
        let mut actions = self.table.transcript().actions().rev().map(|(_, action)| action);
        let last = actions.find(|action| matches!(action, Action::Drafted { .. } | Action::Confirmed { .. }));
        matches!(last, Some(Action::Drafted { .. }))
    }

    /// Looks at a root of the room: it must be the one that the file means, or in a rehearsal the one that stands in for it.
    pub(super) fn known(&self, plan: &RootPlan) -> Result<Root, GuidedError> {
        let root = Root::open(&self.scene.root(&plan.name))?;
        let found = Fingerprint::of(root.certificate.der());
        match self.table.transcript().stand_in(&plan.name).or(plan.certificate) {
            Some(meant) if meant != found => Err(GuidedError::AnotherRoot { name: plan.name.to_string() }),
            Some(_) | None => Ok(root),
        }
    }

    /// Records which serial numbers an interruption used up, each once: what the next CRL lists, nobody revoked.
    pub(super) fn tell_settled(&mut self, name: &RootName, root: &Root) -> Result<(), GuidedError> {
        let told = |serial: &String| {
            self.table.did(|action| {
                let Action::Settled { root, unused, uncertain } = action else { return false };
                root == name && (unused.contains(serial) || uncertain.contains(serial))
            })
        };
        let untold = |serials: Vec<SerialNumber>| -> Vec<String> {
            serials.iter().map(ToString::to_string).filter(|serial| !told(serial)).collect()
        };
        let [unused, uncertain] = root.settled_serials().map(untold);
        if unused.is_empty() && uncertain.is_empty() {
            return Ok(());
        }
        self.table.record(Action::Settled { root: name.clone(), unused, uncertain })
    }

    /// Settles what a ceremony that was broken off left open, so that its bundle tells of it. A root that cannot be opened has
    /// nothing that could be settled.
    pub(crate) fn settle_if_broken_off(&mut self) -> Result<(), GuidedError> {
        if !self.table.did(|action| matches!(action, Action::Aborted { .. })) {
            return Ok(());
        }
        for plan in self.file.roots() {
            let founded = self.scene.root(&plan.name).join(charter::FILE_NAME).is_file();
            let open =
                founded && self.known(plan).is_ok_and(|root| root.settled_serials() != [vec![], vec![]]);
            if open {
                drop(self.root(plan, self.held())?);
            }
        }
        Ok(())
    }
}

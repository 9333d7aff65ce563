//! Rehearsals on roots of earlier ceremonies. In the place of each stands a root with its name, its beginning and keys of its own,
//! made before the file is read aloud. What the file names by serial number is issued once more under it, so that it can be
//! followed, revoked and closed there as it will be.
//!
//! That it stands in is recorded last: what an interruption left before is destroyed, and made anew.

use std::fs;

use ceremony::file::act::RootKey;
use ceremony::file::root::{RootName, RootPlan};
use ceremony::people::{Person, Role};
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::super::originals::{Original, OriginalError};
use super::super::scene::unreadable;
use super::Stage;
use crate::ceremony::Root;
use crate::ceremony::issue_again::issue_again;
use crate::ceremony::root::{RootWish, found_with_keys};
use crate::charter;
use crate::gate::{Waiting, watched};
use crate::keys::UnlockedKeys;
use crate::stated_time::StatedTime;

impl<'a> Stage<'_, 'a> {
    /// Makes what stands in for roots of earlier ceremonies, where it is not there yet.
    pub(crate) fn make_stand_ins(&mut self) -> Result<(), GuidedError> {
        let missing = self.lacking_stand_ins();
        missing.into_iter().try_for_each(|original| self.make_stand_in(original))
    }

    /// The roots that nothing stands in for yet.
    pub(super) fn lacking_stand_ins(&self) -> Vec<&'a Original> {
        let stood_in = |original: &&Original| self.table.transcript().stand_in(&original.root).is_some();
        self.originals.iter().filter(|original| !stood_in(original)).collect()
    }

    fn make_stand_in(&mut self, original: &'a Original) -> Result<(), GuidedError> {
        let plan = self.plan(&original.root)?;
        self.table.show(&format!("\nWhat stands in for the root {}", plan.name))?;
        self.put_stand_in_away(plan)?;
        let holders = self.holders_present();
        let mut wish = RootWish {
            time: StatedTime::at(original.certificate.validity().not_before()),
            successor_of: None,
            // Shares of an earlier rehearsal open nothing: what they were for is not in this room.
            ..self.founding_wish(plan, (&holders, true))?
        };
        let (_, keys) = watched(
            |gate| {
                wish.secrets.gate = Some(gate);
                found_with_keys(&wish)
            },
            |waiting| self.stand_in_key(&plan.name, waiting),
        )??;
        let certificate = self.issue_named_again(plan, original, &keys)?;
        let stands_for = Fingerprint::of(original.certificate.der());
        // The keys are closed here: that they are opened is rehearsed.
        self.table.record(Action::StoodIn { root: plan.name.clone(), certificate, stands_for })
    }

    /// Nobody is asked to confirm the certificate of a stand-in; its keys are recorded as all keys are.
    fn stand_in_key(&mut self, root: &RootName, waiting: &Waiting) -> Result<(), GuidedError> {
        match waiting {
            Waiting::Signature { key, .. } => self.key_made(root, RootKey::Root, key),
            Waiting::Keys { labels } => {
                self.table.record(Action::KeysAnnounced { root: root.clone(), labels: labels.clone() })
            }
        }
    }

    /// Issues once more what the file names; returns the SHA-256 of the certificate of the stand-in.
    fn issue_named_again(
        &self,
        plan: &RootPlan,
        original: &Original,
        keys: &UnlockedKeys,
    ) -> Result<Fingerprint, GuidedError> {
        let ceremony = Root::open(&self.scene.root(&plan.name))?.begin(self.held())?;
        for issued in &original.named {
            let profile = ceremony.profiles.certificate(&issued.profile);
            let profile = profile.ok_or_else(|| GuidedError::NotAsReviewed {
                what: format!("there is no profile {}", issued.profile),
            })?;
            issue_again(&ceremony, (&issued.certificate, profile), keys)?;
        }
        Ok(Fingerprint::of(ceremony.certificate.der()))
    }

    /// Puts away what an interruption left of a stand-in, and destroys its keys. A root of another rehearsal is left alone.
    pub(super) fn put_stand_in_away(&mut self, plan: &'a RootPlan) -> Result<(), GuidedError> {
        let charter = self.scene.root(&plan.name).join(charter::FILE_NAME);
        if charter.is_file() {
            if !self.began_stand_in(&plan.name) {
                return Err(OriginalError::RootLeft { root: plan.name.clone() }.into());
            }
            // From here on it is no root.
            fs::remove_file(&charter).map_err(unreadable(&charter))?;
        }
        self.put_away(plan).map(|_| ())
    }

    /// Tells whether this rehearsal made a key of a stand-in.
    pub(super) fn began_stand_in(&self, name: &RootName) -> bool {
        self.table.did(|action| matches!(action, Action::KeyMade { root, .. } if root == name))
    }

    /// Who can be given a share of a stand-in.
    fn holders_present(&self) -> Vec<&'a Person> {
        let file = self.file;
        let present = |person: &&Person| {
            self.table.did(|action| {
                matches!(action, Action::PeopleConfirmed { present } if present.contains(&person.name))
            })
        };
        file.people().with(Role::ShareHolder).filter(present).collect()
    }
}

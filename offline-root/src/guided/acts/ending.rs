//! Ends: a sub-CA that is closed, a root whose keys are destroyed. Nothing is signed; people agree, and it is recorded.

use ceremony::file::act::{Act, CloseSubCa, DestroyKey, RootKey};
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::Stage;
use crate::ceremony::closing::{self, ClosingWish};
use crate::ceremony::destruction::{self, DestructionWish};

impl Stage<'_, '_> {
    pub(super) fn close_subordinate(&mut self, act: &Act, wish: &CloseSubCa) -> Result<(), GuidedError> {
        let ceremony = self.root(self.plan(&wish.root)?, self.held())?;
        let confirmed = |action: &Action| matches!(action, Action::Confirmed { act: number, .. } if *number == act.number);
        if self.table.did(confirmed) && ceremony.ledger.is_closed(&wish.serial) {
            return Ok(());
        }
        let shown =
            format!("  The sub-CA {} is closed; its last CRL is {}.", wish.serial, wish.last_crl.name);
        self.table.show(&shown)?;
        let (object, shown) = (wish.last_crl.name.clone(), Fingerprint::of(shown.as_bytes()));
        let quorum = self.quorum(act)?;
        self.table.confirm(Action::Confirmed { act: act.number, object, shown }, &quorum)?;
        let statement = match &wish.destruction {
            Some(record) => format!("the destruction of its key is recorded in {}", record.name),
            None => "its key is yet to be destroyed".to_owned(),
        };
        let last_crl = self.scene.inputs().join(wish.last_crl.name.as_str());
        closing::close(&ceremony, &ClosingWish { serial: wish.serial.clone(), last_crl, statement })?;
        Ok(())
    }

    /// Destroys both keys of a root: what the one signed, nobody could answer for without the other.
    pub(super) fn destroy(&mut self, wish: &DestroyKey) -> Result<(), GuidedError> {
        let plan = self.plan(&wish.root)?;
        let root = self.known(plan)?;
        let (serial, keys) = (
            root.certificate.serial().clone(),
            [
                (RootKey::Root, Fingerprint::new(root.certificate.public_key().fingerprint())),
                (RootKey::Exchange, Fingerprint::new(root.charter.exchange_key.fingerprint())),
            ],
        );
        self.tell_settled(&wish.root, &root)?;
        drop(root);
        let destroyed =
            |action: &Action| matches!(action, Action::KeyDestroyed { key, .. } if *key == keys[1].1);
        if self.table.did(destroyed) {
            return Ok(());
        }
        self.table
            .show(&format!("  The keys of the root {} are destroyed, for good: {}", wish.root, wish.why))?;
        self.table.agree(&[])?;
        let path = self.scene.root(&wish.root);
        let secrets = self.known_secrets(plan)?;
        self.keys.remove(&wish.root);
        let gone = destruction::destroy(
            &path,
            self.held(),
            &DestructionWish { serial, reason: wish.why.clone(), secrets },
        );
        match gone {
            Err(destruction::DestroyError::Root(crate::ceremony::OpenRootError::KeysDestroyed {
                ..
            })) => {}
            gone => drop(gone?),
        }
        for (purpose, key) in keys {
            let how = format!("both halves were overwritten or destroyed on the token: {}", wish.why);
            self.table.record(Action::KeyDestroyed { root: wish.root.clone(), purpose, key, how })?;
        }
        Ok(())
    }
}

//! `found-root`: a new root in its directory, once what an interrupted attempt left is put away.

use std::fs;
use std::path::{Path, PathBuf};

use ceremony::file::act::{Act, ActKind, LinkCertificates};
use ceremony::file::root::{KeyPlace, RootName, RootPlan};
use ceremony::people::{Person, Role};
use ceremony::transcript::action::{Action, KnownPerson};

use super::super::error::GuidedError;
use super::super::objects::{Earlier, Predecessor};
use super::super::scene::{settle, unreadable};
use super::Stage;
use crate::ceremony::certify;
use crate::ceremony::root::{RootWish, found_with_keys};
use crate::charter::{self, KeyStore, ProfileChoice};
use crate::gate::Gate;
use crate::keys::SecretSource;
use crate::shares::{self, DealWish, HolderWish};

impl<'a> Stage<'_, 'a> {
    pub(super) fn found(&mut self, act: &Act, plan: &'a RootPlan) -> Result<(), GuidedError> {
        let directory = self.scene.root(&plan.name);
        if directory.join(charter::FILE_NAME).is_file() {
            // Founded by this very act before it was interrupted, or by somebody else.
            return match self.products(act)?.is_empty() {
                // Recorded at the latest when the keys are opened the next time.
                false => self.after_founding(plan),
                true => Err(GuidedError::RootExists { name: plan.name.to_string() }),
            };
        }
        let again = self.put_away(plan)?;
        let holders: Vec<&Person> = self.file.people().with(Role::ShareHolder).collect();
        let mut wish = self.founding_wish(plan, (&holders, again))?;
        let predecessor = self.predecessor_of_root(&wish)?;
        let earlier = Earlier { predecessor, ..self.earlier()? };
        let (founded, keys) = self.watch(act, &earlier, |gate: Gate| {
            wish.secrets.gate = Some(gate);
            found_with_keys(&wish)
        })??;
        if founded.shares.is_some() {
            self.table.show("  Every share-holder takes the own medium, and has the share checked: offline-root share check.")?;
        }
        self.keys.insert(plan.name.clone(), keys);
        self.after_founding(plan)
    }

    /// Records who has a share now, or what the token says of the new keys.
    fn after_founding(&mut self, plan: &'a RootPlan) -> Result<(), GuidedError> {
        if plan.keys == KeyPlace::Shared {
            let holders = self.file.people().with(Role::ShareHolder).map(KnownPerson::from).collect();
            let combined = Action::SharesCombined { root: plan.name.clone(), holders };
            if !self.table.did(|action| *action == combined) {
                self.table.record(combined)?;
            }
        }
        let Some(keys) = self.keys.get(&plan.name).cloned() else {
            // Founded before an interruption: a token is looked at when its keys are opened.
            if matches!(plan.keys, KeyPlace::Token(_)) {
                let ceremony = self.root(plan, self.held())?;
                self.open_keys(plan, &ceremony)?;
            }
            return Ok(());
        };
        let root = self.known(plan)?;
        self.token_seen(plan, &keys, (root.certificate.public_key(), &root.charter.exchange_key))
    }

    /// What a root is to be; of a shared one, who gets a share, and whether there may be shares of an attempt before.
    pub(super) fn founding_wish(
        &mut self,
        plan: &RootPlan,
        (holders, again): (&[&Person], bool),
    ) -> Result<RootWish, GuidedError> {
        let suffix = format!("-{}", plan.suite.suffix());
        let subject = &plan.subject;
        let (keys, key_label) = store_of(&plan.keys);
        Ok(RootWish {
            directory: self.scene.root(&plan.name),
            suite: plan.suite,
            tenant: plan.tenant.clone(),
            country: subject.country.clone(),
            organization: subject.organization.clone(),
            common_name: subject.common_name.clone(),
            profile: plan.profile.strip_suffix(&suffix).unwrap_or(&plan.profile).to_owned(),
            profiles: ProfileChoice {
                variant: plan.profiles.variant.clone(),
                hw_type: plan.profiles.hw_type.clone(),
                policy_arc: plan.profiles.policy_arc.clone(),
            },
            time: self.held(),
            successor_of: self.succeeded(&plan.name),
            dealing: if plan.keys == KeyPlace::Shared {
                Some(self.dealing(&plan.name, (holders, again))?)
            } else {
                None
            },
            keys,
            key_label,
            secrets: self.new_secrets(plan)?,
            points: plan.points.clone(),
        })
    }

    /// The certificate of the root that a new one succeeds: a later act of the file links the two.
    fn succeeded(&self, name: &RootName) -> Option<PathBuf> {
        let old = self.file.acts().iter().find_map(|act| {
            let ActKind::LinkCertificates(LinkCertificates { old, new }) = &act.kind else { return None };
            (new == name).then_some(old)
        })?;
        Some(self.scene.root(old).join("public/root.crt")).filter(|certificate| certificate.is_file())
    }

    fn predecessor_of_root(&self, wish: &RootWish) -> Result<Option<Predecessor>, GuidedError> {
        let Some(path) = &wish.successor_of else { return Ok(None) };
        let certificate = certify::read_certificate(path)?;
        Ok(Some(Predecessor { how: "Succeeds", certificate }))
    }

    /// Where the secrets of a root that is not founded yet come from.
    fn new_secrets(&mut self, plan: &RootPlan) -> Result<SecretSource, GuidedError> {
        let file = self.means.root_secrets.get(&plan.name).cloned();
        match &plan.keys {
            KeyPlace::File => {
                self.table.show(&format!(
                    "  A passphrase for the key files of the root {} is chosen.",
                    plan.name
                ))?;
                Ok(SecretSource { passphrase_file: file, ..SecretSource::default() })
            }
            KeyPlace::Shared => Ok(SecretSource::default()),
            KeyPlace::Token(token) => {
                self.look_at(&plan.name, token)?;
                Ok(SecretSource { pin_file: file, ..SecretSource::default() })
            }
        }
    }

    /// Who gets a share, and where; `again` when an earlier attempt may have left shares there.
    fn dealing(
        &mut self,
        root: &RootName,
        (holders, again): (&[&Person], bool),
    ) -> Result<DealWish, GuidedError> {
        let mut wish = DealWish {
            holders: Vec::new(),
            threshold: self.file.quorum().map_or(0, |quorum| quorum.threshold),
            passphrase_files: Vec::new(),
        };
        for person in holders {
            let key = self.scene.path().join(format!("{}.pem", person.fingerprint()));
            settle(&key, crate::ceremony::armour("PUBLIC KEY", person.key.spki_der())?.as_bytes())?;
            let out = self.share_file(root, person)?;
            if again {
                remove_unused_share(&out)?;
            }
            wish.holders.push(HolderWish { name: person.name.clone(), key, out });
            wish.passphrase_files.extend(self.means.share_passphrases.get(&person.name).cloned());
        }
        Ok(wish)
    }
}

/// Where the charter says that keys are, and what the key is called there.
pub(super) fn store_of(keys: &KeyPlace) -> (KeyStore, Option<String>) {
    match keys {
        KeyPlace::File => (KeyStore::File, None),
        KeyPlace::Shared => (KeyStore::Shared, None),
        KeyPlace::Token(token) => {
            (KeyStore::Token { uri: super::unlocking::uri(token) }, Some(token.key_label.clone()))
        }
    }
}

/// A share of a founding that was cut short opens nothing. What is no share is left alone, and then refused.
fn remove_unused_share(path: &Path) -> Result<(), GuidedError> {
    let is_share = shares::is_share(path);
    if is_share { fs::remove_file(path).map_err(unreadable(path)) } else { Ok(()) }
}

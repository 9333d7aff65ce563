//! `found-root`: a new root in its directory; or, after an interruption, what an earlier attempt left is put away first.
//!
//! A founding that was cut short is never taken up again. Its keys signed nothing that anybody holds: they are destroyed,
//! and that is recorded (case R-21).

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use ceremony::file::act::{Act, ActKind, RootKey};
use ceremony::file::root::{KeyPlace, RootName, RootPlan};
use ceremony::people::Role;
use ceremony::transcript::action::{Action, KnownPerson};
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::super::scene::{settle, unreadable};
use super::Stage;
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
        let again = self.put_away(&plan.name)?;
        let mut wish = self.founding_wish(plan, again)?;
        let earlier = self.earlier()?;
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

    fn founding_wish(&mut self, plan: &RootPlan, again: bool) -> Result<RootWish, GuidedError> {
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
            successor_of: None,
            dealing: if plan.keys == KeyPlace::Shared {
                Some(self.dealing(&plan.name, again)?)
            } else {
                None
            },
            keys,
            key_label,
            secrets: self.new_secrets(plan)?,
            points: plan.points.clone(),
        })
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
    fn dealing(&mut self, root: &RootName, again: bool) -> Result<DealWish, GuidedError> {
        let mut wish = DealWish {
            holders: Vec::new(),
            threshold: self.file.quorum().map_or(0, |quorum| quorum.threshold),
            passphrase_files: Vec::new(),
        };
        let people: Vec<_> = self.file.people().with(Role::ShareHolder).collect();
        for person in people {
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

    /// Puts away what a founding that was cut short left, and destroys its keys; tells whether there was anything.
    pub(super) fn put_away(&mut self, name: &RootName) -> Result<bool, GuidedError> {
        let directory = self.scene.root(name);
        if !directory.is_dir() {
            return Ok(false);
        }
        let mut destroyed = 0_usize;
        for keys in key_directories(&directory).map_err(unreadable(&directory))? {
            destroyed += destroy_files(&keys).map_err(unreadable(&keys))?;
        }
        let how = "its founding was cut short: the key file was overwritten and removed";
        let on_token = self.file.root(name).is_some_and(|plan| matches!(plan.keys, KeyPlace::Token(_)));
        match self.last_key_made(name) {
            // Which of the keys on the token are of this founding, its label says; a person takes them away.
            Some(key) if on_token => self.table.record(Action::Incident {
                what: format!("the founding of the root {name} was cut short: its key {key} signed nothing that is on record, and is on the token still; destroy it there, with its exchange key"),
            })?,
            Some(key) => self.table.record(Action::KeyDestroyed {
                root: name.clone(),
                purpose: RootKey::Root,
                key,
                how: how.to_owned(),
            })?,
            None if destroyed > 0 => self.table.record(Action::Incident {
                what: format!("the founding of the root {name} was cut short before its key was recorded: {destroyed} key files were overwritten and removed"),
            })?,
            None => {}
        }
        let aside = (1..).map(|number: u32| directory.with_extension(format!("unfinished-{number}")));
        let free = aside.into_iter().find(|path| !path.exists());
        let free = free.unwrap_or_else(|| directory.with_extension("unfinished"));
        fs::rename(&directory, &free).map_err(unreadable(&directory))?;
        Ok(true)
    }

    /// Case R-21: what a broken-off ceremony made and never used is destroyed.
    pub(crate) fn destroy_unused_if_broken_off(&mut self) -> Result<(), GuidedError> {
        if !self.table.did(|action| matches!(action, Action::Aborted { .. })) {
            return Ok(());
        }
        for act in self.file.acts() {
            if let ActKind::FoundRoot(founding) = &act.kind
                && !self.scene.root(&founding.root).join(charter::FILE_NAME).is_file()
            {
                self.put_away(&founding.root)?;
            }
        }
        Ok(())
    }

    /// The root key that was made last, unless it was destroyed already.
    fn last_key_made(&self, name: &RootName) -> Option<Fingerprint> {
        let last = self.table.transcript().actions().rev().find_map(|(_, action)| {
            let Action::KeyMade { root, purpose: RootKey::Root, key } = action else { return None };
            (root == name).then_some(*key)
        })?;
        let gone = |action: &Action| matches!(action, Action::KeyDestroyed { key, .. } if *key == last);
        (!self.table.did(gone)).then_some(last)
    }
}

/// Where the charter says that keys are, and what the key is called there.
fn store_of(keys: &KeyPlace) -> (KeyStore, Option<String>) {
    match keys {
        KeyPlace::File => (KeyStore::File, None),
        KeyPlace::Shared => (KeyStore::Shared, None),
        KeyPlace::Token(token) => {
            (KeyStore::Token { uri: super::unlocking::uri(token) }, Some(token.key_label.clone()))
        }
    }
}

/// `keys`, and in a shared root the sets below it.
fn key_directories(root: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let keys = root.join("keys");
    if !keys.is_dir() {
        return Ok(Vec::new());
    }
    let mut all = vec![keys.clone()];
    for entry in fs::read_dir(&keys)? {
        let path = entry?.path();
        if path.is_dir() {
            all.push(path);
        }
    }
    Ok(all)
}

/// Overwrites and removes every file of a directory; returns how many there were.
fn destroy_files(directory: &Path) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            let length = fs::metadata(&path)?.len();
            let mut file = OpenOptions::new().write(true).open(&path)?;
            io::copy(&mut io::repeat(0).take(length), &mut file)?;
            file.sync_all()?;
            fs::remove_file(&path)?;
            count += 1;
        }
    }
    Ok(count)
}

/// A share of a founding that was cut short opens nothing. What is no share is left alone, and then refused.
fn remove_unused_share(path: &Path) -> Result<(), GuidedError> {
    let is_share = shares::is_share(path);
    if is_share { fs::remove_file(path).map_err(unreadable(path)) } else { Ok(()) }
}

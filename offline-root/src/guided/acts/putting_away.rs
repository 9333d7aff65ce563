//! What a founding that was cut short left: never taken up again. Its keys signed nothing that anybody holds: they are
//! destroyed, in files and on the token, and that is recorded (case R-21).

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ceremony::file::act::{ActKind, RootKey};
use ceremony::file::root::{KeyPlace, RootName, RootPlan};
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;

use super::super::error::GuidedError;
use super::super::scene::unreadable;
use super::Stage;
use super::unlocking::uri;
use crate::charter;
use crate::explain::Explained;
use crate::keys;
use crate::new_file;
use crate::refusal::sentence;

/// How file keys were destroyed.
const OVERWRITTEN: &str = "its founding was cut short: the key file was overwritten and removed";

/// How keys on a token were.
const REMOVED: &str =
    "its founding was cut short: both halves were removed from the token, which holds none of its label";

impl<'a> Stage<'_, 'a> {
    /// Puts away what a founding that was cut short left, and destroys its keys; tells whether there was anything.
    pub(super) fn put_away(&mut self, plan: &'a RootPlan) -> Result<bool, GuidedError> {
        let directory = self.scene.root(&plan.name);
        if !directory.is_dir() {
            return Ok(false);
        }
        if matches!(plan.keys, KeyPlace::Token(_)) {
            self.destroy_on_token(plan)?;
        } else {
            self.destroy_in_files(plan, &directory)?;
        }
        self.move_aside(&directory)?;
        Ok(true)
    }

    fn move_aside(&self, directory: &Path) -> Result<(), GuidedError> {
        let aside = (1..).map(|number: u32| directory.with_extension(format!("unfinished-{number}")));
        let free = aside.into_iter().find(|path| !path.exists());
        let free = free.unwrap_or_else(|| directory.with_extension("unfinished"));
        Ok(new_file::rename(directory, &free)?)
    }

    fn destroy_in_files(&mut self, plan: &RootPlan, directory: &Path) -> Result<(), GuidedError> {
        let mut destroyed = 0_usize;
        for keys in key_directories(directory).map_err(unreadable(directory))? {
            destroyed += destroy_files(&keys).map_err(unreadable(&keys))?;
        }
        match self.last_key_made(&plan.name) {
            Some(key) => self.key_destroyed(plan, RootKey::Root, (key, OVERWRITTEN)),
            None if destroyed > 0 => self.table.record(Action::Incident {
                what: format!("the founding of the root {} was cut short before its key was recorded: {destroyed} key files were overwritten and removed", plan.name),
            }),
            None => Ok(()),
        }
    }

    /// Which keys on a token are of this founding is known from the labels that were announced, of which there were none before.
    fn destroy_on_token(&mut self, plan: &'a RootPlan) -> Result<(), GuidedError> {
        let KeyPlace::Token(token) = &plan.keys else { return Ok(()) };
        let announced =
            |action: &Action| matches!(action, Action::KeysAnnounced { root, .. } if *root == plan.name);
        if !self.table.did(announced) {
            return Ok(());
        }
        self.table.show(&format!(
            "  What an interrupted founding of the root {} left on the token is destroyed.",
            plan.name
        ))?;
        let secrets = self.known_secrets(plan)?;
        let labels = keys::labels(&token.key_label);
        let gone = keys::destroy_announced(&uri(token), &labels, &secrets);
        let gone = gone.map_err(crate::ceremony::destruction::DestroyError::from)?;
        // One that was destroyed by a run which could not say so any more.
        let made = self.last_key_made(&plan.name).map(|key| (RootKey::Root, key));
        let of = |label: &String| if *label == token.key_label { RootKey::Root } else { RootKey::Exchange };
        let gone = gone.iter().map(|(label, key)| (of(label), Fingerprint::new(key.fingerprint())));
        let mut all: Vec<(RootKey, Fingerprint)> = made.into_iter().chain(gone).collect();
        all.dedup();
        for (purpose, key) in all {
            self.key_destroyed(plan, purpose, (key, REMOVED))?;
        }
        Ok(())
    }

    fn key_destroyed(
        &mut self,
        plan: &RootPlan,
        purpose: RootKey,
        (key, how): (Fingerprint, &str),
    ) -> Result<(), GuidedError> {
        let (root, how) = (plan.name.clone(), how.to_owned());
        self.table.record(Action::KeyDestroyed { root, purpose, key, how })
    }

    /// Case R-21: what a broken-off ceremony made and never used is destroyed. What cannot be is told, and stays for people: a
    /// token that is gone must not keep the ceremony open.
    pub(crate) fn destroy_unused_if_broken_off(&mut self) -> Result<(), GuidedError> {
        if !self.table.did(|action| matches!(action, Action::Aborted { .. })) {
            return Ok(());
        }
        for plan in self.unfinished()? {
            let lacks_stand_in = plan.certificate.is_some();
            let gone =
                if lacks_stand_in { self.put_stand_in_away(plan) } else { self.put_away(plan).map(|_| ()) };
            match gone {
                Err(error @ GuidedError::Act(_)) => {
                    let why = sentence(&error);
                    self.table.record(Action::Incident {
                        what: format!("the keys of the root {}, whose founding was cut short, may be on its token still: {why} ({}); destroy them there", plan.name, error.code()),
                    })?;
                    self.move_aside(&self.scene.root(&plan.name))?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// The roots that this ceremony founds or makes stand-ins for, and did not.
    fn unfinished(&self) -> Result<Vec<&'a RootPlan>, GuidedError> {
        let file = self.file;
        let founded = file.acts().iter().filter_map(|act| {
            let ActKind::FoundRoot(founding) = &act.kind else { return None };
            Some(&founding.root)
        });
        let is_root = |root: &RootName| self.scene.root(root).join(charter::FILE_NAME).is_file();
        let stand_ins = self.lacking_stand_ins().into_iter().map(|original| &original.root);
        let unfinished = founded
            .filter(|root| !is_root(root))
            .chain(stand_ins.filter(|root| !is_root(root) || self.began_stand_in(root)));
        unfinished.map(|root| self.plan(root)).collect()
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

/// `keys`, and in a shared root the sets below it.
fn key_directories(root: &Path) -> io::Result<Vec<PathBuf>> {
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

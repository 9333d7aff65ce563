//! The keys of a root, unlocked once for the whole ceremony: by a passphrase, by shares, or by the PIN of a token.

use std::path::PathBuf;

use ca_core::public_key::PublicKey;
use ceremony::file::act::Act;
use ceremony::file::root::{KeyPlace, RootName, RootPlan, TokenChoice};
use ceremony::people::{Person, Role};
use ceremony::transcript::action::{Action, KnownPerson, TokenKey, TokenName, TokenSeen};
use ceremony::words::Fingerprint;
use signer_pkcs11::{TokenUri, survey};

use super::super::error::GuidedError;
use super::Stage;
use crate::ceremony::Ceremony;
use crate::keys::{SecretSource, UnlockError, UnlockedKeys};
use crate::shares::{Holder, ShareSources};

impl<'a> Stage<'_, 'a> {
    /// Returns the keys of a root; asks for what opens them the first time.
    pub(super) fn open_keys(
        &mut self,
        plan: &'a RootPlan,
        ceremony: &Ceremony,
    ) -> Result<UnlockedKeys, GuidedError> {
        if let Some(keys) = self.keys.get(&plan.name) {
            return Ok(keys.clone());
        }
        self.table.show(&format!("  The keys of the root {} are opened.", plan.name))?;
        let secrets = self.known_secrets(plan)?;
        let keys = ceremony.unlock(&[&ceremony.charter.exchange_key], &secrets)?;
        if !keys.opened_by().is_empty() {
            let holders = self.known_holders(&plan.name, keys.opened_by())?;
            self.table.record(Action::SharesCombined { root: plan.name.clone(), holders })?;
        }
        self.token_seen(plan, &keys, (ceremony.certificate.public_key(), &ceremony.charter.exchange_key))?;
        self.keys.insert(plan.name.clone(), keys.clone());
        Ok(keys)
    }

    /// those whose shares opened the keys are share-holders of this ceremony, by their keys and not by their names.
    fn known_holders(&self, root: &RootName, opened_by: &[Holder]) -> Result<Vec<KnownPerson>, GuidedError> {
        let known = opened_by.iter().map(|holder| {
            let key = Fingerprint::new(*holder.key());
            let person = self.file.people().by_key(&key);
            person.filter(|person| person.role == Role::ShareHolder).map(KnownPerson::from).ok_or_else(|| {
                let (name, medium) = (holder.name().to_owned(), self.means.share_media.get(holder.name()));
                let file = medium.cloned().unwrap_or_default().join(format!("{root}.{}", self.share_suffix));
                GuidedError::NotThatPerson { name, file }
            })
        });
        known.collect()
    }

    /// Where what opens the keys of a root comes from.
    pub(super) fn known_secrets(&mut self, plan: &'a RootPlan) -> Result<SecretSource, GuidedError> {
        let file = self.means.root_secrets.get(&plan.name).cloned();
        Ok(match &plan.keys {
            KeyPlace::File => SecretSource { passphrase_file: file, ..SecretSource::default() },
            KeyPlace::Shared => {
                self.together = self.come_forward(&plan.name)?;
                let here = self.together.clone();
                SecretSource { shares: self.shares(&plan.name, &here)?, ..SecretSource::default() }
            }
            KeyPlace::Token(token) => {
                self.look_at(&plan.name, token)?;
                SecretSource { pin_file: file, ..SecretSource::default() }
            }
        })
    }

    /// Records what a token says of itself and of the keys on it.
    pub(super) fn token_seen(
        &mut self,
        plan: &RootPlan,
        keys: &UnlockedKeys,
        (root, exchange): (&PublicKey, &PublicKey),
    ) -> Result<(), GuidedError> {
        let KeyPlace::Token(token) = &plan.keys else { return Ok(()) };
        let survey = survey(&TokenUri::parse(&uri(token)).map_err(UnlockError::from)?)?;
        let keys = keys.on_token(&[root, exchange])?.into_iter().map(|(key, attributes)| TokenKey {
            label: key.label,
            key: Fingerprint::new(key.public_key.fingerprint()),
            sensitive: attributes.sensitive,
            always_sensitive: attributes.always_sensitive,
            extractable: attributes.extractable,
            never_extractable: attributes.never_extractable,
            local: attributes.local,
        });
        self.table.record(Action::TokenSeen(TokenSeen {
            root: plan.name.clone(),
            label: survey.token.label,
            serial: survey.token.serial,
            manufacturer: survey.token.manufacturer,
            model: survey.token.model,
            firmware: survey.firmware,
            keys: keys.collect(),
            stands_for: self.stands_for(plan, token),
        }))
    }

    /// The token of the ceremony file in whose place another one is.
    fn stands_for(&self, plan: &RootPlan, token: &TokenChoice) -> Option<TokenName> {
        let KeyPlace::Token(named) = &self.table.file.root(&plan.name)?.keys else { return None };
        let TokenChoice { label, serial, .. } = named.clone();
        (named != token).then_some(TokenName { label, serial })
    }

    /// Asks which share-holders are at the table, until they are as many as the quorum.
    fn come_forward(&mut self, root: &RootName) -> Result<Vec<&'a Person>, GuidedError> {
        let threshold = usize::from(self.file.quorum().map_or(0, |quorum| quorum.threshold));
        let all: Vec<&Person> = self.file.people().with(Role::ShareHolder).collect();
        loop {
            let names = self.table.ask(&format!(
                "{threshold} share-holders come forward for the root {root}. Type their names, with commas between them"
            ))?;
            let mut here: Vec<&Person> = Vec::new();
            for name in names.split(',').map(str::trim) {
                let found = all.iter().find(|person| person.name == name);
                here.extend(found.filter(|person| !here.contains(person)));
            }
            if here.len() >= threshold && here.len() == names.split(',').count() {
                return Ok(here);
            }
            self.table
                .show(&format!("  {} of the names are share-holders of the file, each once.", here.len()))?;
        }
    }

    fn shares(&mut self, root: &RootName, holders: &[&Person]) -> Result<ShareSources, GuidedError> {
        let mut sources = ShareSources::default();
        for person in holders {
            sources.files.push(self.share_file(root, person)?);
            sources.passphrase_files.extend(self.means.share_passphrases.get(&person.name).cloned());
        }
        Ok(sources)
    }

    /// Where the share of a person is, or is to be.
    pub(super) fn share_file(&mut self, root: &RootName, person: &Person) -> Result<PathBuf, GuidedError> {
        let medium = match self.means.share_media.get(&person.name) {
            Some(medium) => medium.clone(),
            None => self.table.ask(&format!("{}: which directory is your own medium", person.name))?.into(),
        };
        Ok(medium.join(format!("{root}.{}", self.share_suffix)))
    }

    /// Who must confirm an act beside operator and witnesses: the share-holders, where a root's key is on a token. They come
    /// forward once in each run.
    pub(super) fn quorum(&mut self, act: &Act) -> Result<Vec<&'a Person>, GuidedError> {
        let file = self.file;
        let on_token =
            |name: &&RootName| file.root(name).is_some_and(|plan| matches!(plan.keys, KeyPlace::Token(_)));
        let roots: Vec<RootName> = act.kind.roots().into_iter().filter(on_token).cloned().collect();
        let Some(first) = roots.first().filter(|_| file.quorum().is_some()) else { return Ok(Vec::new()) };
        if self.together.is_empty() {
            self.together = self.come_forward(first)?;
        }
        let here = self.together.clone();
        for person in &here {
            self.table.seat(person)?;
        }
        Ok(here)
    }

    /// Records that the quorum of a token came together, before anything is signed with it.
    pub(super) fn record_quorum(&mut self, act: &Act) -> Result<(), GuidedError> {
        let holders: Vec<KnownPerson> = self.quorum(act)?.into_iter().map(KnownPerson::from).collect();
        if holders.is_empty() {
            return Ok(());
        }
        for root in act.kind.roots() {
            let combined = Action::SharesCombined { root: root.clone(), holders: holders.clone() };
            if !self.table.did(|action| *action == combined) {
                self.table.record(combined)?;
            }
        }
        Ok(())
    }

    /// Looks at a token before its PIN is asked for (cases ).
    pub(super) fn look_at(&mut self, root: &RootName, token: &TokenChoice) -> Result<(), GuidedError> {
        let survey = survey(&TokenUri::parse(&uri(token)).map_err(UnlockError::from)?)?;
        self.table.show(&format!(
            "  The token of the root {root} is {}.\n  Its PIN: {}.",
            survey.token, survey.tries
        ))
    }
}

/// The URI of a token (RFC 7512): by label and serial number, never by slot (case R-18).
pub(super) fn uri(token: &TokenChoice) -> String {
    let TokenChoice { module, label, serial, .. } = token;
    let module = escaped(&module.display().to_string());
    format!("pkcs11:token={};serial={}?module-path={module}", escaped(label), escaped(serial))
}

/// RFC 7512 §2.3: what is not unreserved is written as `%` and two digits.
fn escaped(text: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::new(), |text, octet| {
        if plain(octet) { text + &char::from(octet).to_string() } else { format!("{text}%{octet:02X}") }
    })
}

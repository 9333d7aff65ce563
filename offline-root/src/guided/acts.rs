//! An act of the ceremony file, from its announcement to its outputs: shown, confirmed, signed, verified, linted, recorded.
//!
//! Every step can be interrupted. What the ledger of a root holds was done, and is recorded, not done again; what was only
//! drafted is drafted anew. The two are told apart by the SHA-256 of the to-be-signed octets, which the transcript has before
//! any key has them.

mod ending;
mod stand_ins;
mod founding;
mod putting_away;
mod generations;
mod subordinates;
mod mishaps;
mod products;
mod unlocking;
mod roots;

use ca_core::certificate::Certificate;
use ca_core::public_key::PublicKey;
use ceremony::earlier::PreviousCeremony;
use ceremony::file::CeremonyFile;
use ceremony::file::act::{Act, ActKind, CrlPeriod, FileName, InputFile, LinkCertificates, RootKey};
use ceremony::file::root::{RootName, RootPlan};
use ceremony::people::Person;
use ceremony::transcript::action::Action;
use ceremony::words::Fingerprint;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{GuidedError, OutputError};
use super::means::Means;
use super::objects::{Draft, Earlier, Line, beside, of_crl};
use super::opening::compare;
use super::originals::Original;
use super::previous;
use super::scene::{Scene, unreadable};
use super::setting::Setting;
use super::table::Table;
use crate::ceremony::OpenRootError;
use crate::ceremony::crl::{self, CrlWish};
use crate::ceremony::link;
use crate::charter;
use crate::gate::{Gate, Waiting, watched};
use crate::keys::{SecretSource, UnlockedKeys};
use crate::ledger_file::{FileLedger, InspectedLedger};
use crate::stated_time::StatedTime;

/// Where acts are done, and by whom.
pub(crate) struct Stage<'t, 'a> {
    scene: &'a Scene,
    file: &'a CeremonyFile,
    means: &'a Means,
    previous: Option<&'a PreviousCeremony>,
    originals: &'a [Original],
    share_suffix: &'static str,
    table: &'t mut Table<'a>,
    /// The keys that were unlocked, until the ceremony ends.
    keys: BTreeMap<RootName, UnlockedKeys>,
    /// The root whose key is at work.
    signing: String,
    /// The share-holders who came forward in this run.
    together: Vec<&'a Person>,
}

impl<'t, 'a> Stage<'t, 'a> {
    pub(crate) const fn new(scene: &'a Scene, setting: &'a Setting, table: &'t mut Table<'a>) -> Self {
        Self {
            scene,
            file: &setting.file,
            means: &setting.means,
            previous: setting.beforehand.previous.as_ref(),
            originals: setting.originals.as_slice(),
            share_suffix: setting.share_suffix,
            table,
            keys: BTreeMap::new(),
            signing: String::new(),
            together: Vec::new(),
        }
    }

    /// Does an act, or what is left of it.
    pub(crate) fn perform(&mut self, act: &Act) -> Result<(), GuidedError> {
        let number = act.number;
        if self.table.did(|action| *action == Action::ActEnded { act: number }) {
            return Ok(());
        }
        self.table.show(&format!("\nAct {number}: {}", act.kind.name()))?;
        if !self.table.did(|action| *action == Action::ActBegun { act: number }) {
            for input in act.kind.inputs() {
                // what lies on the medium is what was reviewed, said in words.
                compare(self.table, input.name.as_str(), &input.sha256)?;
            }
            let quorum = self.quorum(act)?;
            self.table.record_by(Action::ActBegun { act: number }, &quorum)?;
        }
        while let Err(error) = self.act(act) {
            self.put_right(act, error)?;
        }
        self.record_quorum(act)?;
        self.deliver(act)
    }

    fn act(&mut self, act: &Act) -> Result<(), GuidedError> {
        match &act.kind {
            ActKind::FoundRoot(founding) => self.found(act, self.plan(&founding.root)?),
            ActKind::Crl(signing) => self.sign_crl(act, &signing.root, &signing.period),
            ActKind::CrlSeries(series) => {
                series.periods.iter().try_for_each(|period| self.sign_crl(act, &series.root, period))
            }
            ActKind::SignSubCa(signing) => self.sign_subordinate(act, signing),
            ActKind::Revoke(revocation) => self.revoke(act, revocation),
            ActKind::CrossCertificate(certifying) => self.cross_certify(act, certifying),
            ActKind::LinkCertificates(LinkCertificates { old, new }) => {
                self.link(act, old, new)?;
                self.link(act, new, old)
            }
            ActKind::CloseSubCa(closing) => self.close_subordinate(act, closing),
            ActKind::DestroyKey(destroying) if destroying.key == RootKey::Root => self.destroy(destroying),
            ActKind::DestroyKey(_) => Err(GuidedError::UnknownAct {
                number: act.number,
                kind: "destroy-key of a key that is not the root's",
            }),
        }
    }

    fn plan(&self, name: &RootName) -> Result<&'a RootPlan, GuidedError> {
        self.file.root(name).ok_or_else(|| GuidedError::AnotherRoot { name: name.to_string() })
    }

    fn held(&self) -> StatedTime {
        StatedTime::at(self.file.held())
    }

    fn sign_crl(&mut self, act: &Act, name: &RootName, period: &CrlPeriod) -> Result<(), GuidedError> {
        let plan = self.plan(name)?;
        if self.products(act)?.iter().any(|product| product.speaks_for(period)) {
            return Ok(());
        }
        // Before the root is opened, which then has its ledger for itself.
        let earlier = self.earlier()?;
        let ceremony = self.root(plan, self.held())?;
        let opened = self.open_keys(plan, &ceremony)?;
        let out = self.scratch("crl")?;
        self.watch(act, &earlier, |gate| {
            let (this_update, next_update) =
                (StatedTime::at(period.this_update), StatedTime::at(period.next_update));
            let secrets = behind(opened, gate);
            crl::sign(&ceremony, &CrlWish { this_update, next_update, time: None, out, secrets })
        })??;
        Ok(())
    }

    /// A path for what an act writes on its way.
    fn scratch(&self, name: &str) -> Result<PathBuf, GuidedError> {
        let path = self.scene.scratch().join(name);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(unreadable(&path)(cause)),
            Ok(()) | Err(_) => Ok(path),
        }
    }

    /// Does what signs, and has the people look at everything before it is signed.
    fn watch<T: Send>(
        &mut self,
        act: &Act,
        earlier: &Earlier,
        work: impl FnOnce(Gate) -> T + Send,
    ) -> Result<T, GuidedError> {
        watched(work, |waiting| match waiting {
            Waiting::Signature { key, octets } => self.see(act, earlier, (key, octets)),
            Waiting::Keys { labels } => self.announce(act, labels),
        })
    }

    /// Before there are keys on a token: after a power cut it is known which of those there are of this founding.
    fn announce(&mut self, act: &Act, labels: &[String]) -> Result<(), GuidedError> {
        for root in act.kind.roots() {
            let (root, labels) = (root.clone(), labels.to_vec());
            self.table.record(Action::KeysAnnounced { root, labels })?;
        }
        Ok(())
    }

    fn see(
        &mut self,
        act: &Act,
        earlier: &Earlier,
        (key, octets): (&PublicKey, &[u8]),
    ) -> Result<(), GuidedError> {
        let draft = Draft::read(key, octets);
        let now = match &draft {
            Draft::Certificate(certificate) => earlier.lines_of(certificate),
            Draft::Crl(crl) => of_crl(crl).map_err(OutputError::DraftCrl)?,
            Draft::Response => return self.see_response(act),
        };
        let object = name_of(act, &draft, &self.signing)?;
        if let (ActKind::FoundRoot(founding), Draft::Certificate(certificate)) = (&act.kind, &draft) {
            self.key_made(&founding.root, RootKey::Root, certificate.public_key())?;
        }
        let to_be_signed = Fingerprint::of(octets);
        // What broke a rule never came this far (case R-05).
        self.table.record(Action::Drafted {
            act: act.number,
            object: object.clone(),
            to_be_signed,
            lints: Vec::new(),
        })?;
        let shown = words_of(&object, &now, self.beside(act, &draft, earlier), &to_be_signed);
        self.table.show(&shown)?;
        let quorum = self.quorum(act)?;
        let shown = Fingerprint::of(shown.as_bytes());
        self.table.confirm(Action::Confirmed { act: act.number, object, shown }, &quorum)
    }

    /// What a draft is shown beside: the object of its kind in the previous ceremony, else the last one in this room.
    fn beside(&self, act: &Act, draft: &Draft, earlier: &Earlier) -> (String, Vec<Line>) {
        let marks = "= the same, - then, + now";
        let in_room = earlier.like(draft);
        if earlier.predecessor.is_some() && matches!(draft, Draft::Certificate(_)) {
            return (format!("beside the one that it follows: {marks}"), in_room);
        }
        let Some(previous) = self.previous else {
            let heading = if in_room.is_empty() {
                "the first of its kind in this room".to_owned()
            } else {
                format!("beside the one before: {marks}")
            };
            return (heading, in_room);
        };
        match previous::like(previous, draft, self.profile_reviewed(act).as_deref()) {
            Some((name, lines)) => (format!("beside {name} of the previous ceremony: {marks}"), lines),
            None if in_room.is_empty() => {
                ("the first of its kind, in the previous ceremony and in this room".to_owned(), in_room)
            }
            None => {
                let heading = "none of its kind in the previous ceremony; beside the last in this room";
                (format!("{heading}: {marks}"), in_room)
            }
        }
    }

    /// The profile of the certificate that an act makes, as it was reviewed.
    fn profile_reviewed(&self, act: &Act) -> Option<String> {
        match &act.kind {
            ActKind::FoundRoot(founding) => Some(self.file.root(&founding.root)?.profile.clone()),
            ActKind::SignSubCa(signing) => Some(signing.profile.to_string()),
            ActKind::CrossCertificate(certifying) => Some(certifying.profile.to_string()),
            ActKind::LinkCertificates(link) => {
                Some(format!("{}-{}", link::PROFILE, self.file.root(&link.old)?.suite.suffix()))
            }
            ActKind::Crl(_)
            | ActKind::CrlSeries(_)
            | ActKind::Revoke(_)
            | ActKind::CloseSubCa(_)
            | ActKind::DestroyKey(_) => None,
        }
    }

    /// Records a key, unless it stands in the transcript already.
    fn key_made(&mut self, root: &RootName, purpose: RootKey, key: &PublicKey) -> Result<(), GuidedError> {
        let made = Action::KeyMade { root: root.clone(), purpose, key: Fingerprint::new(key.fingerprint()) };
        if self.table.did(|action| *action == made) { Ok(()) } else { self.table.record(made) }
    }

    /// Reads what all roots of the room signed so far.
    fn earlier(&self) -> Result<Earlier, GuidedError> {
        let mut earlier = Earlier::default();
        let roots = self.scene.roots();
        for entry in fs::read_dir(&roots).map_err(unreadable(&roots))? {
            let path = entry.map_err(unreadable(&roots))?.path();
            if let Some(ledger) = inspected(&path)? {
                let rows = ledger.certificates.iter();
                earlier
                    .certificates
                    .extend(rows.filter_map(|row| Certificate::from_der(&row.certificate).ok()));
                earlier.crls.extend(ledger.crls.into_iter().map(|inspected| inspected.crl.der));
            }
        }
        Ok(earlier)
    }
}

/// Looks into the ledger of a root, if there is a root.
fn inspected(root: &Path) -> Result<Option<InspectedLedger>, GuidedError> {
    if !root.join(charter::FILE_NAME).is_file() {
        return Ok(None);
    }
    Ok(Some(FileLedger::inspect(&root.join("ledger")).map_err(OpenRootError::from)?))
}

/// Keys that sign only what has passed the gate.
fn behind(opened: UnlockedKeys, gate: Gate) -> SecretSource {
    SecretSource { opened: Some(opened), gate: Some(gate), ..SecretSource::default() }
}

/// What an output is called.
fn name_of(act: &Act, draft: &Draft, by: &str) -> Result<FileName, GuidedError> {
    let name = match (&act.kind, draft) {
        (kind, Draft::Crl(crl)) => {
            // By its time and not by its number: a draft that a power cut undid has used a number up.
            let root = kind.roots().first().map(ToString::to_string).unwrap_or_default();
            let from = crl.period().map_err(OutputError::DraftCrl)?.0.to_string();
            let date = from.get(..10).unwrap_or_default();
            format!("{root}-act-{}-{date}.crl", act.number)
        }
        (ActKind::FoundRoot(founding), _) => format!("{}.crt", founding.root),
        (ActKind::SignSubCa(signing), _) => format!("{}.crt", stem(&signing.request)),
        (ActKind::CrossCertificate(signing), _) => {
            format!("{}-by-{}.crt", stem(&signing.request), signing.root)
        }
        (ActKind::LinkCertificates(link), _) => format!("{}-by-{}.crt", other(link, by), by),
        (kind, _) => format!("act-{}-{}.crt", act.number, kind.name()),
    };
    Ok(name.try_into()?)
}

/// The root of a pair that the other one certifies.
fn other<'a>(link: &'a LinkCertificates, by: &str) -> &'a str {
    if link.old.as_str() == by { link.new.as_str() } else { link.old.as_str() }
}

/// The name of an input without what follows its first dot.
fn stem(input: &InputFile) -> &str {
    let name = input.name.as_str();
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

/// What people are shown of an object, and what the transcript has the SHA-256 of.
fn words_of(
    object: &FileName,
    now: &[Line],
    (heading, before): (String, Vec<Line>),
    to_be_signed: &Fingerprint,
) -> String {
    let words: Vec<String> = to_be_signed.words().chunks(8).map(|eight| eight.join(" ")).collect();
    format!(
        "\nTo be signed: {object}, {heading}\n{}  SHA-256 of the to-be-signed octets, in words\n    {}",
        beside(now, &before),
        words.join("\n    ")
    )
}

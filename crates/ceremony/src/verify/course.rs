//! The course that a ceremony takes: what must come before what, and who must have come together.
//!
//! Follows the transcript step by step; what the signed objects are worth is for others to say.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::Findings;
use crate::bundle::TRANSCRIPT;
use crate::file::CeremonyFile;
use crate::file::act::{Act, ActKind, FileName, RootKey};
use crate::file::root::{KeyPlace, RootName, RootPlan};
use crate::people::Role;
use crate::quorum::StepQuorum;
use crate::transcript::Transcript;
use crate::transcript::action::{Action, KnownPerson, TokenSeen};
use crate::words::Fingerprint;

/// How far an object came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Drafted,
    Signed,
    Verified,
    LintedAgain,
}

/// An object of the transcript.
#[derive(Debug, Clone)]
pub(super) struct Object {
    /// By which act.
    pub(super) act: u32,
    /// SHA-256 of the to-be-signed octets; responses are not drafted in the transcript.
    pub(super) to_be_signed: Option<Fingerprint>,
    /// SHA-256 of the signed octets.
    pub(super) sha256: Option<Fingerprint>,
    stage: Option<Stage>,
}

/// A serial number that an interruption used up.
#[derive(Debug)]
pub(super) struct SettledSerial {
    pub(super) root: RootName,
    /// In hexadecimal.
    pub(super) serial: String,
    /// Whether something may bear it, so that CRLs list it.
    pub(super) uncertain: bool,
    /// The act that was under way, or had ended last.
    pub(super) act: u32,
}

/// What was learned on the way.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// Every object, by its name.
    pub(super) objects: BTreeMap<FileName, Object>,
    /// Keys that were made.
    pub(super) keys: Vec<(RootName, RootKey, Fingerprint)>,
    /// In a rehearsal: the certificates that stand in for those of roots from before.
    pub(super) stand_ins: BTreeMap<RootName, Fingerprint>,
    /// Serial numbers of each root that an interruption used up.
    pub(super) settled: Vec<SettledSerial>,
    /// Acts that were done to their end.
    pub(super) ended: BTreeSet<u32>,
    /// Whether the ceremony was broken off.
    pub(super) aborted: bool,
}

/// Follows a transcript.
pub(super) fn follow(file: &CeremonyFile, transcript: &Transcript, findings: &mut Findings) -> Course {
    let mut walk = Walk { file, course: Course::default(), state: State::default() };
    let quorum = StepQuorum::of(file);
    for entry in transcript.entries() {
        let (step, action) = (entry.step(), entry.action());
        if let Err(what) = walk.step(step, action) {
            findings.at_step(TRANSCRIPT, step, what);
        }
        if let Some(Err(error)) = quorum.map(|quorum| quorum.check_entry(entry)) {
            findings.at_step(TRANSCRIPT, step, error.to_string());
        }
    }
    for what in walk.at_the_end() {
        findings.note(Some(TRANSCRIPT), what);
    }
    walk.course
}

#[derive(Debug, Default)]
struct State {
    rehearsal: bool,
    /// Kinds of steps that there were.
    done: BTreeSet<&'static str>,
    open_act: Option<u32>,
    last_act: u32,
    /// Roots whose share-holders came together.
    together: BTreeSet<RootName>,
    /// Roots whose token was seen.
    seen: BTreeSet<RootName>,
    destroyed: BTreeSet<Fingerprint>,
    revoked: BTreeSet<u32>,
}

struct Walk<'a> {
    file: &'a CeremonyFile,
    course: Course,
    state: State,
}

impl Walk<'_> {
    fn step(&mut self, step: u32, action: &Action) -> Result<(), String> {
        require(!self.done("closed"), "the ceremony was closed before")?;
        require(
            (step == 1) == matches!(action, Action::Opened { .. }),
            "a ceremony is opened once, at its first step",
        )?;
        let after_abort = matches!(
            action,
            Action::KeyDestroyed { .. }
                | Action::Settled { .. }
                | Action::Incident { .. }
                | Action::Resumed { .. }
                | Action::Closed
        );
        require(!self.course.aborted || after_abort, "the ceremony was broken off before")?;
        self.state.done.insert(action.name());
        match action {
            Action::Opened { .. }
            | Action::PeopleConfirmed { .. }
            | Action::InputReadAloud { .. }
            | Action::PreviousVerified { .. }
            | Action::Rehearsed { .. }
            | Action::NetworkChecked { .. } => self.opening(action),
            Action::StoodIn { root, certificate, stands_for } => {
                self.stood_in(root, (*certificate, *stands_for))
            }
            Action::TokenSeen(seen) => self.token(seen),
            Action::SharesCombined { root, holders } => self.shares(root, holders),
            Action::ActBegun { act } => self.begin(*act),
            Action::KeysAnnounced { root, .. } => {
                require(self.founds(root), format!("no act is under way that makes a key of {root}"))
            }
            Action::KeyMade { root, purpose, key } => self.key_made(root, *purpose, *key),
            Action::Drafted { act, object, to_be_signed, lints } => {
                self.drafted(*act, object, (*to_be_signed, lints))
            }
            Action::Confirmed { act, .. } => self.in_act(*act).map(|_| ()),
            Action::Signed { act, object, sha256 } => self.signed(*act, object, *sha256),
            Action::Verified { act, object } => self.advance(*act, object, Stage::Signed, Stage::Verified),
            Action::LintAfter { act, object, lints } => {
                require(lints.is_empty(), "the signed object breaks rules")?;
                self.advance(*act, object, Stage::Verified, Stage::LintedAgain)
            }
            Action::Settled { root, unused, uncertain } => self.settle(root, [unused, uncertain]),
            Action::Revoked { act, root, serial, reason } => self.revoked(*act, root, (serial, reason)),
            Action::KeyDestroyed { key, .. } => {
                self.state.destroyed.insert(*key);
                Ok(())
            }
            Action::ActEnded { act } => self.end(*act),
            Action::Aborted { .. } => {
                self.course.aborted = true;
                Ok(())
            }
            Action::Resumed { .. } | Action::Incident { .. } | Action::Closed => Ok(()),
        }
    }

    fn done(&self, step: &str) -> bool {
        self.state.done.contains(step)
    }

    fn opening(&mut self, action: &Action) -> Result<(), String> {
        if let Action::Opened { title, rehearsal, .. } = action {
            self.state.rehearsal = *rehearsal;
            require(title == self.file.title(), "it has another title than the ceremony file")?;
        }
        if let Action::PeopleConfirmed { present } = action {
            let here = |role| present.iter().any(|name| self.has(name, role));
            for role in [Role::Administrator, Role::Operator, Role::Witness] {
                require(here(role), format!("no {role} was present"))?;
            }
            if let Some(name) = present.iter().find(|name| self.file.people().named(name).is_none()) {
                return Err(format!("{name} was present, whom the ceremony file does not name"));
            }
        }
        if let Action::PreviousVerified { manifest } = action {
            require(
                self.file.previous() == Some(manifest),
                "another ceremony was before than the file names",
            )?;
        }
        if let Action::InputReadAloud { sha256 } = action {
            require(sha256 == self.file.fingerprint(), "another ceremony file was read aloud")?;
        }
        Ok(())
    }

    /// Before the file is read aloud, and once for each root from before.
    fn stood_in(
        &mut self,
        root: &RootName,
        (certificate, stands_for): (Fingerprint, Fingerprint),
    ) -> Result<(), String> {
        require(
            self.state.rehearsal,
            "something stands in for a root: that is done in a rehearsal, and only there",
        )?;
        let opening = self.done("people-confirmed") && !self.done("input-read-aloud");
        require(
            opening,
            "a stand-in is made after people confirmed who they are, before the file is read aloud",
        )?;
        require(
            self.plan(root)?.certificate == Some(stands_for),
            format!("the stand-in of {root} stands for another certificate than the ceremony file names"),
        )?;
        require(certificate != stands_for, format!("the rehearsal used the root {root} itself"))?;
        let before = self.course.stand_ins.insert(root.clone(), certificate);
        require(before.is_none(), format!("{root} has two stand-ins"))
    }

    /// Tells whether the certificate of a root is that of another ceremony, and nothing stands in for it yet.
    fn lacks_stand_in(&self, root: &RootPlan) -> bool {
        root.certificate.is_some() && !self.course.stand_ins.contains_key(&root.name)
    }

    fn has(&self, name: &str, role: Role) -> bool {
        self.file.people().named(name).is_some_and(|person| person.role == role)
    }

    fn plan(&self, root: &RootName) -> Result<&RootPlan, String> {
        self.file.root(root).ok_or_else(|| format!("there is no root {root} in the ceremony file"))
    }

    fn token(&mut self, seen: &TokenSeen) -> Result<(), String> {
        let KeyPlace::Token(wanted) = &self.plan(&seen.root)?.keys else {
            return Err(format!("the key of {} is on no token", seen.root));
        };
        // by what is written on it. In a rehearsal another one says whose place it takes.
        let found =
            seen.stands_for.as_ref().map_or((&seen.label, &seen.serial), |real| (&real.label, &real.serial));
        require(
            found == (&wanted.label, &wanted.serial),
            format!("the token {} {} is not the one of the ceremony file", found.0, found.1),
        )?;
        require(
            seen.stands_for.is_some() == self.state.rehearsal,
            "a soft token takes the place of a token in a rehearsal, and only there",
        )?;
        require(
            !self.state.rehearsal || seen.serial != wanted.serial,
            "the rehearsal used the token of the ceremony file itself",
        )?;
        for key in &seen.keys {
            let kept = key.sensitive && key.always_sensitive && !key.extractable && key.never_extractable;
            require(
                kept && key.local,
                format!("the key {} could have left the token, or came from elsewhere", key.label),
            )?;
        }
        self.state.seen.insert(seen.root.clone());
        Ok(())
    }

    /// enough share-holders, each once, and nobody else; a person is known by the key, not by the name.
    fn shares(&mut self, root: &RootName, holders: &[KnownPerson]) -> Result<(), String> {
        self.plan(root)?;
        let wanted = self.file.quorum().map_or(0, |quorum| usize::from(quorum.threshold));
        let distinct: BTreeSet<&Fingerprint> = holders.iter().map(|holder| &holder.key).collect();
        require(distinct.len() == holders.len(), "one share-holder is named twice")?;
        let is_one = |holder: &KnownPerson| {
            let known = self.file.people().by_key(&holder.key);
            known.is_some_and(|person| person.name == holder.person && person.role == Role::ShareHolder)
        };
        if let Some(other) = holders.iter().find(|holder| !is_one(holder)) {
            return Err(format!("{} is no share-holder known by this key", other.person));
        }
        require(holders.len() >= wanted, format!("{} share-holders came, and {wanted} must", holders.len()))?;
        self.state.together.insert(root.clone());
        Ok(())
    }

    fn begin(&mut self, act: u32) -> Result<(), String> {
        for (step, what) in [
            ("opened", "before the ceremony was opened"),
            ("people-confirmed", "before people confirmed who they are"),
            ("input-read-aloud", "before the ceremony file was read aloud"),
            ("network-checked", "before it was looked whether a network interface is up"),
        ] {
            require(self.done(step), format!("an act begins {what}"))?;
        }
        require(
            self.file.previous().is_none() || self.done("previous-verified"),
            "an act begins before the bundle of the previous ceremony was verified",
        )?;
        let lacking = self.file.roots().iter().find(|root| self.state.rehearsal && self.lacks_stand_in(root));
        if let Some(root) = lacking {
            return Err(format!(
                "an act of a rehearsal begins, and nothing stands in for the root {}",
                root.name
            ));
        }
        let again = self.done("resumed") && self.state.open_act == Some(act);
        let next = self.state.open_act.is_none() && act == self.state.last_act.saturating_add(1);
        require(again || next, format!("act {act} does not come next"))?;
        require(self.file.act(act).is_some(), format!("the ceremony file has no act {act}"))?;
        (self.state.open_act, self.state.last_act) = (Some(act), act);
        Ok(())
    }

    fn in_act(&self, act: u32) -> Result<&Act, String> {
        require(self.state.open_act == Some(act), format!("act {act} is not under way"))?;
        self.file.act(act).ok_or_else(|| format!("the ceremony file has no act {act}"))
    }

    fn key_made(&mut self, root: &RootName, purpose: RootKey, key: Fingerprint) -> Result<(), String> {
        self.course.keys.push((root.clone(), purpose, key));
        require(self.founds(root), format!("no act is under way that makes a key of {root}"))
    }

    /// Tells whether a key of a root may be made: by the act that founds it, or for its stand-in.
    fn founds(&self, root: &RootName) -> bool {
        let open = self.state.open_act.and_then(|act| self.file.act(act));
        let stands_in =
            || self.state.rehearsal && self.plan(root).is_ok_and(|plan| self.lacks_stand_in(plan));
        open.map_or_else(stands_in, |act| matches!(&act.kind, ActKind::FoundRoot(act) if act.root == *root))
    }

    fn settle(&mut self, root: &RootName, serials: [&Vec<String>; 2]) -> Result<(), String> {
        self.plan(root)?;
        for (uncertain, serials) in [false, true].into_iter().zip(serials) {
            let act = self.state.last_act;
            let settled = |serial: &String| SettledSerial {
                root: root.clone(),
                serial: serial.clone(),
                uncertain,
                act,
            };
            self.course.settled.extend(serials.iter().map(settled));
        }
        Ok(())
    }

    fn drafted(
        &mut self,
        act: u32,
        object: &FileName,
        (to_be_signed, lints): (Fingerprint, &[String]),
    ) -> Result<(), String> {
        self.in_act(act)?;
        let signed = self.course.objects.get(object).is_some_and(|object| object.sha256.is_some());
        require(!signed, format!("{object} is drafted once more after it was signed"))?;
        let stage = lints.is_empty().then_some(Stage::Drafted);
        let drafted = Object { act, to_be_signed: Some(to_be_signed), sha256: None, stage };
        self.course.objects.insert(object.clone(), drafted);
        Ok(())
    }

    fn signed(&mut self, act: u32, object: &FileName, sha256: Fingerprint) -> Result<(), String> {
        let roots: Vec<RootName> = self.in_act(act)?.kind.roots().into_iter().cloned().collect();
        for root in &roots {
            self.unlocked(root)?;
        }
        let of_act = Object { act, to_be_signed: None, sha256: None, stage: Some(Stage::Drafted) };
        let entry = self.course.objects.entry(object.clone()).or_insert(of_act);
        // what breaks a rule is not signed.
        require(entry.stage.is_some(), format!("{object} was signed although its draft breaks rules"))?;
        require(entry.act == act && entry.sha256.is_none(), format!("{object} is signed twice"))?;
        (entry.sha256, entry.stage) = (Some(sha256), Some(Stage::Signed));
        Ok(())
    }

    fn unlocked(&self, root: &RootName) -> Result<(), String> {
        let keys = &self.plan(root)?.keys;
        let together = !keys.needs_quorum() || self.state.together.contains(root);
        require(together, format!("it was signed before the share-holders of {root} came together"))?;
        let seen = !matches!(keys, KeyPlace::Token(_)) || self.state.seen.contains(root);
        require(seen, format!("it was signed before the token of {root} was seen"))
    }

    fn advance(&mut self, act: u32, object: &FileName, from: Stage, to: Stage) -> Result<(), String> {
        self.in_act(act)?;
        let known = self.course.objects.get_mut(object).filter(|object| object.act == act);
        let known = known.ok_or_else(|| format!("{object} was not made by this act"))?;
        require(known.stage == Some(from), format!("{object} was not {from:?} before").to_lowercase())?;
        known.stage = Some(to);
        Ok(())
    }

    fn revoked(&mut self, act: u32, root: &RootName, (serial, reason): (&str, &str)) -> Result<(), String> {
        let ActKind::Revoke(wanted) = &self.in_act(act)?.kind else {
            return Err(format!("act {act} revokes nothing"));
        };
        let same =
            wanted.root == *root && wanted.serial.to_string() == serial && wanted.reason.name() == reason;
        require(same, "it is not what the ceremony file wants revoked")?;
        self.state.revoked.insert(act);
        Ok(())
    }

    fn end(&mut self, act: u32) -> Result<(), String> {
        let kind = self.in_act(act)?.kind.clone();
        self.state.open_act = None;
        self.course.ended.insert(act);
        let mut objects = self.course.objects.iter().filter(|(_, object)| object.act == act);
        if let Some((name, _)) = objects.find(|(_, object)| object.stage != Some(Stage::LintedAgain)) {
            return Err(format!("{name} was not signed, verified and linted again"));
        }
        if let ActKind::Revoke(_) = kind {
            require(self.state.revoked.contains(&act), "nothing was revoked")?;
        }
        if let ActKind::DestroyKey(_) = kind {
            require(!self.state.destroyed.is_empty(), "no key was destroyed")?;
        }
        Ok(())
    }

    fn at_the_end(&self) -> Vec<String> {
        let mut lacking = Vec::new();
        if !self.done("closed") {
            lacking.push("the ceremony was not closed".to_owned());
        }
        let undone = self.file.acts().iter().filter(|act| !self.course.ended.contains(&act.number));
        if self.course.aborted {
            // a key that no root came of is destroyed; a root whose founding came to its end stays.
            let unfounded = |act: &Act| {
                if let ActKind::FoundRoot(founding) = &act.kind { Some(founding.root.clone()) } else { None }
            };
            let lacking_stand_in = self.file.roots().iter().filter(|root| self.lacks_stand_in(root));
            let undone: BTreeSet<RootName> =
                undone.filter_map(unfounded).chain(lacking_stand_in.map(|root| root.name.clone())).collect();
            let unused = self.course.keys.iter().filter(|(root, ..)| undone.contains(root));
            let kept = unused.filter(|(.., key)| !self.state.destroyed.contains(key));
            lacking.extend(kept.map(|(root, ..)| format!("an unused key of {root} was not destroyed")));
        } else {
            lacking.extend(undone.map(|act| format!("act {} was not done", act.number)));
        }
        lacking
    }
}

fn require(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

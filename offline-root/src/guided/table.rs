//! The table that operator and witnesses sit at: each with the own key; together they sign every step of the transcript.
//!
//! A key is unlocked once, when its holder sits down. What changes the world is signed only after its holder said so, word
//! by word; what the program merely found is signed along with it.

use ca_core::ports::Signer;
use ceremony::file::CeremonyFile;
use ceremony::people::{Person, Role};
use ceremony::transcript::action::Action;
use ceremony::transcript::{Journal, NamedFingerprint, Transcript};

use super::error::GuidedError;
use super::means::Means;
use super::room::Room;
use crate::person::PersonKey;

/// What a person types to agree.
const YES: &str = "yes";

/// What the operator types to break the ceremony off.
const ABORT: &str = "abort";

/// A person who sits at the table.
struct Seat<'a> {
    person: &'a Person,
    key: PersonKey,
}

/// People, their keys, and the transcript that they write.
pub(crate) struct Table<'a> {
    pub(crate) file: &'a CeremonyFile,
    room: &'a mut dyn Room,
    means: &'a Means,
    journal: Journal<'a>,
    seats: Vec<Seat<'a>>,
}

impl<'a> Table<'a> {
    /// Lays the table. Nobody sits at it yet.
    pub(crate) const fn lay(
        file: &'a CeremonyFile,
        room: &'a mut dyn Room,
        means: &'a Means,
        journal: Journal<'a>,
    ) -> Self {
        Self { file, room, means, journal, seats: Vec::new() }
    }

    pub(crate) fn show(&mut self, text: &str) -> Result<(), GuidedError> {
        Ok(self.room.show(text)?)
    }

    /// Asks a question; `abort` breaks the ceremony off, whatever was asked.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, GuidedError> {
        let answer = self.room.ask(question)?;
        if answer != ABORT {
            return Ok(answer);
        }
        let why = self.room.ask("Why is the ceremony broken off? In one sentence")?;
        Err(GuidedError::Aborted { why })
    }

    /// Asks until the answer is the one expected.
    pub(crate) fn insist(&mut self, question: &str, expected: &str) -> Result<(), GuidedError> {
        while !self.ask(question)?.eq_ignore_ascii_case(expected) {
            self.show("  That is not what is written. Look again; type `abort` if it cannot be right.")?;
        }
        Ok(())
    }

    /// Returns what was done so far.
    pub(crate) const fn transcript(&self) -> &Transcript {
        self.journal.transcript()
    }

    /// Tells whether something was done already.
    pub(crate) fn did(&self, what: impl Fn(&Action) -> bool) -> bool {
        self.transcript().actions().any(|(_, action)| what(action))
    }

    /// A person sits down: the key in the person's file is the one that the ceremony file names.
    pub(crate) fn seat(&mut self, person: &'a Person) -> Result<(), GuidedError> {
        if self.seats.iter().any(|seat| seat.person == person) {
            return Ok(());
        }
        let file = match self.means.key_files.get(&person.name) {
            Some(file) => file.clone(),
            None => self.ask(&format!("{}: which file is your key in", person.name))?.into(),
        };
        let passphrase = self.means.passphrase_files.get(&person.name).map(std::path::PathBuf::as_path);
        let key = PersonKey::unlock(&file, passphrase)?;
        // a person is known by the key.
        if *key.public_key() != person.key {
            return Err(GuidedError::NotThatPerson { name: person.name.clone(), file });
        }
        self.show(&format!("  {}, {}: the key is the one in the ceremony file.", person.name, person.role))?;
        self.seats.push(Seat { person, key });
        Ok(())
    }

    /// Records a step; operator and witnesses sign it. When this returns, it is on the disk.
    pub(crate) fn record(&mut self, action: Action) -> Result<(), GuidedError> {
        self.record_with(action, Vec::new(), Vec::new())
    }

    /// Records a step that share-holders sign as well.
    pub(crate) fn record_by(&mut self, action: Action, quorum: &[&Person]) -> Result<(), GuidedError> {
        self.append(action, (Vec::new(), Vec::new()), quorum)
    }

    pub(crate) fn record_with(
        &mut self,
        action: Action,
        inputs: Vec<NamedFingerprint>,
        outputs: Vec<NamedFingerprint>,
    ) -> Result<(), GuidedError> {
        self.append(action, (inputs, outputs), &[])
    }

    /// Has operator and witnesses say, one after the other, that they agree; then the step is recorded. `quorum` are
    /// others whose word it needs.
    pub(crate) fn confirm(&mut self, action: Action, quorum: &[&'a Person]) -> Result<(), GuidedError> {
        self.agree(quorum)?;
        self.append(action, (Vec::new(), Vec::new()), quorum)
    }

    /// Has operator and witnesses say, one after the other, that they agree.
    pub(crate) fn agree(&mut self, quorum: &[&'a Person]) -> Result<(), GuidedError> {
        let table = self.seats.iter().map(|seat| seat.person).filter(|person| signs_every_step(person));
        let all: Vec<&Person> = table.chain(quorum.iter().copied()).collect();
        for person in all {
            self.insist(&format!("{}: type {YES} to sign this step with your key", person.name), YES)?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        action: Action,
        (inputs, outputs): (Vec<NamedFingerprint>, Vec<NamedFingerprint>),
        quorum: &[&Person],
    ) -> Result<(), GuidedError> {
        let name = action.name();
        let mut draft = self.journal.transcript().draft(self.file.held(), action, inputs, outputs);
        for seat in &self.seats {
            if signs_every_step(seat.person) || quorum.contains(&seat.person) {
                draft = draft.sign(seat.person, seat.key.signer())?;
            }
        }
        let step = self.journal.append(draft)?.step();
        self.show(&format!("  [step {step}: {name}]"))
    }

    /// Tells whether operator and a witness sit at it, so that steps can be recorded.
    pub(crate) fn is_laid(&self) -> bool {
        let here = |role| self.seats.iter().any(|seat| seat.person.role == role);
        here(Role::Operator) && here(Role::Witness)
    }

    /// Has operator and witnesses sign something that is no step.
    pub(crate) fn each_key<T>(
        &self,
        begin: T,
        mut sign: impl FnMut(T, &Person, &dyn Signer) -> Result<T, GuidedError>,
    ) -> Result<T, GuidedError> {
        let seats = self.seats.iter().filter(|seat| signs_every_step(seat.person));
        let mut signed = begin;
        for seat in seats {
            signed = sign(signed, seat.person, seat.key.signer())?;
        }
        Ok(signed)
    }
}

const fn signs_every_step(person: &Person) -> bool {
    matches!(person.role, Role::Operator | Role::Witness)
}

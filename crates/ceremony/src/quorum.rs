//! The quorum of a step: m of n share-holders say yes to it before a token is used, each by a signature of their own key.
//!
//! Keys in files under a shared wrap key cannot be had without m people; a token opens for whoever has its PIN. So the line
//! of the transcript that begins an act on a token, and each line that confirms what is to be signed, carries the signatures
//! of m share-holders beside those of operator and witness. They sign the octets of that line, which holds the one before
//! it: no yes can be used for another step. Whoever reads the transcript counts again; nothing here holds a key.

use crate::file::CeremonyFile;
use crate::file::root::KeyPlace;
use crate::people::{People, Person, Role};
use crate::transcript::action::Action;
use crate::transcript::entry::EntryError;
use crate::transcript::{DraftEntry, Entry, PersonSignature};

/// Who may say yes to a step of a ceremony, and how many of them must.
#[derive(Debug, Clone, Copy)]
pub struct StepQuorum<'a> {
    file: &'a CeremonyFile,
    threshold: u8,
}

impl<'a> StepQuorum<'a> {
    /// Takes the quorum of a ceremony file; nothing when it has none.
    #[must_use]
    pub fn of(file: &'a CeremonyFile) -> Option<Self> {
        file.quorum().map(|quorum| Self { file, threshold: quorum.threshold })
    }

    /// Lists those whose yes counts.
    pub fn holders(&self) -> impl Iterator<Item = &'a Person> {
        self.people().with(Role::ShareHolder)
    }

    /// Tells whether an action needs it: the beginning of an act on a token, and what is to be signed there.
    #[must_use]
    pub fn is_needed_for(&self, action: &Action) -> bool {
        let act = match action {
            Action::ActBegun { act } | Action::Confirmed { act, .. } => self.file.act(*act),
            Action::Opened { .. }
            | Action::PeopleConfirmed { .. }
            | Action::StoodIn { .. }
            | Action::InputReadAloud { .. }
            | Action::PreviousVerified { .. }
            | Action::Rehearsed { .. }
            | Action::NetworkChecked { .. }
            | Action::TokenSeen(_)
            | Action::SharesCombined { .. }
            | Action::KeysAnnounced { .. }
            | Action::KeyMade { .. }
            | Action::Drafted { .. }
            | Action::Signed { .. }
            | Action::Verified { .. }
            | Action::LintAfter { .. }
            | Action::Settled { .. }
            | Action::Revoked { .. }
            | Action::KeyDestroyed { .. }
            | Action::ActEnded { .. }
            | Action::Resumed { .. }
            | Action::Incident { .. }
            | Action::Aborted { .. }
            | Action::Closed => None,
        };
        let roots = act.map(|act| act.kind.roots()).unwrap_or_default();
        roots
            .iter()
            .filter_map(|name| self.file.root(name))
            .any(|root| matches!(root.keys, KeyPlace::Token(_)))
    }

    /// Counts the share-holders who signed a draft, before it is appended and the step is done.
    ///
    /// # Errors
    /// [`QuorumError`].
    pub fn check_draft(&self, draft: &DraftEntry) -> Result<Vec<&'a Person>, QuorumError> {
        let octets = draft.octets().map_err(|_| QuorumError::NoOctets)?;
        self.satisfied_by(&octets, draft.signatures())
    }

    /// Counts the share-holders who signed a line of a transcript, if it needs them.
    ///
    /// # Errors
    /// [`QuorumError`].
    pub fn check_entry(&self, entry: &Entry) -> Result<Vec<&'a Person>, QuorumError> {
        if !self.is_needed_for(entry.action()) {
            return Ok(Vec::new());
        }
        let octets = entry.octets().map_err(|_| QuorumError::NoOctets)?;
        self.satisfied_by(&octets, entry.signatures())
    }

    /// Counts the share-holders who signed the octets of a step; returns who said yes. Operator and witness may have signed
    /// as well and do not count.
    ///
    /// # Errors
    /// [`QuorumError`] with the name of whoever signed wrongly, or of those who have not signed.
    pub fn satisfied_by(
        &self,
        step: &[u8],
        signatures: &[PersonSignature],
    ) -> Result<Vec<&'a Person>, QuorumError> {
        let mut agreed: Vec<&'a Person> = Vec::new();
        for signature in signatures {
            let person = signature.verify(step, self.people()).map_err(|error| refused(signature, &error))?;
            // R-02: one person is one yes.
            if agreed.contains(&person) {
                return Err(QuorumError::Repeated { person: person.name.clone() });
            }
            if person.role == Role::ShareHolder {
                agreed.push(person);
            }
        }
        let needed = usize::from(self.threshold);
        if agreed.len() >= needed {
            return Ok(agreed);
        }
        let absent = self.holders().filter(|holder| !agreed.contains(holder));
        let absent = absent.map(|person| person.name.clone()).collect();
        Err(QuorumError::TooFew { given: agreed.len(), needed, absent })
    }

    fn people(&self) -> &'a People {
        self.file.people()
    }
}

fn refused(signature: &PersonSignature, error: &EntryError) -> QuorumError {
    let person = signature.person.clone();
    if matches!(error, EntryError::Stranger { .. }) {
        QuorumError::Unknown { person }
    } else {
        QuorumError::Invalid { person }
    }
}

/// Why a step has no quorum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuorumError {
    /// Somebody signed whom the ceremony file does not name, or with another key.
    #[error("{person} signed, who is not known by this key to the ceremony file")]
    Unknown {
        /// Who.
        person: String,
    },
    /// One person, two signatures.
    #[error("{person} signed twice")]
    Repeated {
        /// Who.
        person: String,
    },
    /// A signature over something else, or by another key.
    #[error("the signature of {person} is not one over this step")]
    Invalid {
        /// Who.
        person: String,
    },
    /// Not enough share-holders signed.
    #[error(
        "{given} of the {needed} share-holders who are needed signed: {missing} missing, of {absent}",
        missing = needed.saturating_sub(*given),
        absent = absent.join(", ")
    )]
    TooFew {
        /// How many signed.
        given: usize,
        /// How many are needed.
        needed: usize,
        /// Who has not signed.
        absent: Vec<String>,
    },
    /// The step cannot be written; a fault of this program.
    #[error("the octets of the step cannot be written")]
    NoOctets,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, SoftKeys, person};
    use crate::words::Fingerprint;

    const STEP: &[u8] = b"the octets of a step";
    const HOLDERS: [&str; 5] = ["Sara", "Samir", "Sven", "Sita", "Simon"];

    /// Every kind of act, with the second of the two roots on a token.
    fn file() -> CeremonyFile {
        let token = r#"{ store = "token", module = "/usr/lib/m.so", label = "root", serial = "1", key_label = "next" }"#;
        let text = sample::everything();
        let (before, second) = text.split_at(text.rfind(r#"{ store = "shared" }"#).unwrap());
        let text = format!("{before}{}", second.replacen(r#"{ store = "shared" }"#, token, 1));
        CeremonyFile::parse(text.as_bytes()).unwrap()
    }

    fn signed(file: &CeremonyFile, names: &[&str]) -> Vec<PersonSignature> {
        names.iter().map(|name| PersonSignature::make(person(file, name), STEP, &SoftKeys).unwrap()).collect()
    }

    fn check(names: &[&str]) -> Result<Vec<String>, QuorumError> {
        let file = file();
        let agreed = StepQuorum::of(&file).unwrap().satisfied_by(STEP, &signed(&file, names))?;
        Ok(agreed.into_iter().map(|person| person.name.clone()).collect())
    }

    #[test]
    fn every_three_of_five_are_a_quorum_and_no_fewer() {
        for chosen in 0_u32..1 << HOLDERS.len() {
            let places = HOLDERS.iter().enumerate();
            let names: Vec<&str> =
                places.filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, name)| *name).collect();
            match check(&names) {
                Ok(agreed) => assert!(names.len() >= 3 && agreed == names),
                Err(QuorumError::TooFew { given, needed: 3, absent }) => {
                    assert!(names.len() < 3 && given == names.len() && absent.len() == 5 - given);
                }
                Err(other) => panic!("{other}"),
            }
        }
    }

    #[test]
    fn r_02_who_signs_twice_or_is_no_share_holder_does_not_count_twice_or_at_all() {
        let twice = check(&["Sara", "Samir", "Sara"]).unwrap_err();
        assert_eq!(twice, QuorumError::Repeated { person: "Sara".to_owned() });
        let others = check(&["Olga", "Wim", "Sara", "Samir"]).unwrap_err();
        assert_eq!(
            others.to_string(),
            "2 of the 3 share-holders who are needed signed: 1 missing, of Sven, Sita, Simon"
        );
        assert_eq!(check(&["Olga", "Sven", "Wim", "Sara", "Samir"]).unwrap(), ["Sven", "Sara", "Samir"]);
    }

    #[test]
    fn r_13_a_stranger_and_a_false_signature_are_named() {
        let file = file();
        let quorum = StepQuorum::of(&file).unwrap();
        let good = signed(&file, &["Sara", "Samir", "Sven"]);
        let with = |change: &dyn Fn(&mut PersonSignature)| {
            let mut signatures = good.clone();
            change(&mut signatures[1]);
            quorum.satisfied_by(STEP, &signatures).unwrap_err()
        };
        let unknown = |person: &str| QuorumError::Unknown { person: person.to_owned() };
        assert_eq!(with(&|signature| signature.person = "Nobody".to_owned()), unknown("Nobody"));
        assert_eq!(with(&|signature| signature.key = Fingerprint::of(b"another")), unknown("Samir"));
        let invalid = QuorumError::Invalid { person: "Samir".to_owned() };
        assert_eq!(with(&|signature| signature.signature.replace_range(10..12, "00")), invalid);
        assert_eq!(with(&|signature| signature.signature.clear()), invalid);
        // A yes to one step is none to another.
        assert!(matches!(quorum.satisfied_by(b"another step", &good), Err(QuorumError::Invalid { .. })));
    }

    #[test]
    fn is_needed_to_begin_an_act_on_a_token_and_for_what_is_signed_there() {
        let file = file();
        let quorum = StepQuorum::of(&file).unwrap();
        let on_token = |number: u32| {
            let act = file.act(number).unwrap();
            act.kind.roots().iter().any(|name| matches!(file.root(name).unwrap().keys, KeyPlace::Token(_)))
        };
        let mut seen = [false, false];
        for act in file.acts() {
            let action = Action::ActBegun { act: act.number };
            assert_eq!(quorum.is_needed_for(&action), on_token(act.number));
            seen[usize::from(on_token(act.number))] = true;
        }
        assert_eq!(seen, [true, true], "the sample has acts on a token and others");
        assert!(!quorum.is_needed_for(&Action::Closed));
        assert!(!quorum.is_needed_for(&Action::ActBegun { act: 999 }));
    }

    #[test]
    fn a_line_carries_its_quorum_into_the_transcript() {
        use crate::transcript::Transcript;
        let file = file();
        let quorum = StepQuorum::of(&file).unwrap();
        let act = file.acts().iter().map(|act| Action::ActBegun { act: act.number });
        let action = act.into_iter().find(|action| quorum.is_needed_for(action)).unwrap();
        let mut draft = Transcript::begin(&file).draft(file.held(), action, Vec::new(), Vec::new());
        for name in ["Olga", "Wim", "Sara", "Samir"] {
            draft = draft.sign(person(&file, name), &SoftKeys).unwrap();
        }
        assert!(matches!(quorum.check_draft(&draft), Err(QuorumError::TooFew { given: 2, .. })));
        let folder = tempfile::tempdir().unwrap();
        for (complete, name) in [(false, "without"), (true, "with")] {
            let mut journal = crate::transcript::Journal::create(&folder.path().join(name), &file).unwrap();
            if complete {
                draft = draft.sign(person(&file, "Simon"), &SoftKeys).unwrap();
                assert_eq!(quorum.check_draft(&draft).unwrap().len(), 3);
            }
            let entry = journal.append(draft.clone()).unwrap();
            assert_eq!(quorum.check_entry(entry).is_ok(), complete);
        }
    }
}

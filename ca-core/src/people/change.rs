//! Changes of who may do what: which may follow which, their audit events, and how these are read again.

use core::fmt;

use super::permission::Permission;
use super::permit::{Denied, Permit};
use super::person::{Bound, Credential, Grant, MAX_NAME, Person, PersonId, Reach};
use super::role::Role;
use crate::audit::{Act, AuditEvent};
use crate::record::Mark;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What stands in front of every operator's name in records.
const OPERATOR: &str = "operator:";

/// The most roles that one person holds at once.
const MAX_GRANTS: usize = 16;

/// The most credentials that one person has at once.
const MAX_CREDENTIALS: usize = 6;

/// The most changes of one person that wait at once.
const MAX_ASKED: usize = 8;

/// For how long a change waits for the word of a second person, in seconds: a day.
const WAITS: i64 = 86_400;

/// What happens to a person's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonAct {
    /// He is put on record under this name.
    Add {
        /// The name that is shown.
        name: String,
    },
    /// He is granted a role; one that he has for the same tenants gets another end.
    Grant {
        /// Which.
        role: Role,
        /// For whom.
        reach: Reach,
        /// Its last second, if it has one.
        until: Option<UnixTime>,
    },
    /// A role is withdrawn.
    Withdraw {
        /// Which.
        role: Role,
        /// For whom.
        reach: Reach,
    },
    /// He gets a credential.
    AddCredential(Credential),
    /// It is taken away.
    RemoveCredential(Credential),
    /// He is removed, for good.
    Remove,
}

/// A change that waits for the word of a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedChange {
    /// What.
    pub act: PersonAct,
    /// Who asked, and when.
    pub asked: Mark,
}

impl AskedChange {
    /// Returns the last second for which it waits.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.asked.at.plus_seconds(WAITS)
    }
}

/// A change to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonChange {
    /// Of whom.
    pub id: PersonId,
    /// By whom and when.
    pub mark: Mark,
    /// What.
    pub act: PersonAct,
    /// Its audit event, in the same transaction.
    pub event: AuditEvent,
    /// Whether it is made only on the word of a second person.
    pub by_two: bool,
}

impl PersonChange {
    /// Makes a change for whoever may make it. People belong to the installation, which `tenant` runs.
    ///
    /// # Errors
    /// [`Denied`] for a permit of another kind, or for single tenants.
    pub fn new(
        permit: &Permit,
        (id, act): (PersonId, PersonAct),
        tenant: &TenantId,
        now: UnixTime,
    ) -> Result<Self, Denied> {
        permit.check_for(Permission::ChangePeople)?;
        permit.check_everything()?;
        let actor = permit.actor(tenant)?;
        let mark = Mark { by: actor.to_string(), at: now };
        let event = AuditEvent {
            time: now,
            tenant: tenant.clone(),
            actor: mark.by.clone(),
            act: act.told(),
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("{id}{act}"),
            digest: Vec::new(),
        };
        Ok(Self { id, mark, act, event, by_two: false })
    }

    /// The same, for an installation where what gives takes two: a role or a credential that somebody gets. What takes away is
    /// made at once, and who is on nobody's record acts alone, since he could change the configuration as well.
    #[must_use]
    pub fn where_two_give(self, two: bool) -> Self {
        let gives = matches!(self.act, PersonAct::Grant { .. } | PersonAct::AddCredential(_));
        let by = self.mark.by.strip_prefix(OPERATOR).unwrap_or_default();
        let by_two = two && gives && PersonId::parse(by).is_ok();
        Self { by_two, ..self }
    }

    /// Returns the change that waits and that this one is the second word for, if there is one that still does.
    #[must_use]
    pub fn first_word<'p>(&self, known: &'p Person) -> Option<&'p AskedChange> {
        known.asked.iter().find(|one| one.act == self.act && self.mark.at <= one.until())
    }

    /// Returns the person with this change waiting. One of the same, whose word does not count any more, is this one's then.
    ///
    /// # Errors
    /// [`PersonConflict`], also for a change that could not be made.
    pub fn asked_of(&self, known: Person) -> Result<Person, PersonConflict> {
        let mut person = known.clone();
        drop(self.applied_to(Some(known))?);
        person.asked.retain(|one| one.act != self.act && self.mark.at <= one.until());
        if person.asked.len() >= MAX_ASKED {
            return Err(PersonConflict::TooMany);
        }
        person.asked.push(AskedChange { act: self.act.clone(), asked: self.mark.clone() });
        Ok(person)
    }

    /// Returns the audit event of a change that waits.
    #[must_use]
    pub fn asking(&self) -> AuditEvent {
        let detail = format!("{}; {}{}", self.id, self.act.gift(), self.act);
        AuditEvent { act: Act::PersonChangeAsked, detail, ..self.event.clone() }
    }

    /// Reads a change out of the audit event that it left; none where the event tells of something else.
    #[must_use]
    pub fn from_event(event: &AuditEvent) -> Option<Self> {
        let (id, rest) = event.detail.split_once("; ").unwrap_or((&event.detail, ""));
        let id = PersonId::parse(id).ok()?;
        let by_two = event.act == Act::PersonChangeAsked;
        let act = match rest.split_once("; ") {
            Some(("grant", rest)) if by_two => PersonAct::read(Act::RoleGranted, rest),
            Some(("credential", rest)) if by_two => PersonAct::read(Act::CredentialAdded, rest),
            _ => PersonAct::read(event.act, rest),
        };
        let act = act?;
        let mark = Mark { by: event.actor.clone(), at: event.time };
        Some(Self { id, mark, act, event: event.clone(), by_two })
    }

    /// Returns the person as he is after it. Whether a credential is somebody else's, the ledger knows.
    ///
    /// # Errors
    /// [`PersonConflict`]; nothing has changed.
    pub fn applied_to(&self, known: Option<Person>) -> Result<Person, PersonConflict> {
        // Nobody says what he himself may do.
        if self.mark.by == format!("{OPERATOR}{}", self.id) {
            return Err(PersonConflict::Oneself);
        }
        let mut person = match (known, &self.act) {
            (None, PersonAct::Add { name }) => return self.newcomer(name),
            (None, _) => return Err(PersonConflict::Unknown),
            (Some(person), _) if person.removed.is_some() => return Err(PersonConflict::Removed),
            (Some(_), PersonAct::Add { .. }) => return Err(PersonConflict::Known),
            (Some(person), _) => person,
        };
        person.asked.retain(|one| one.act != self.act);
        match &self.act {
            PersonAct::Add { .. } => return Err(PersonConflict::Known),
            PersonAct::Grant { role, reach, until } => self.grant(&mut person, (*role, reach, *until))?,
            PersonAct::Withdraw { role, reach } => {
                let held = person.grants.len();
                person.grants.retain(|grant| (grant.role, &grant.reach) != (*role, reach));
                if person.grants.len() == held {
                    return Err(PersonConflict::NotHeld { role: *role });
                }
            }
            PersonAct::AddCredential(credential) => self.bind(&mut person, credential)?,
            PersonAct::RemoveCredential(credential) => {
                if !person.is_known_by(credential) {
                    return Err(PersonConflict::NotHis);
                }
                person.credentials.retain(|bound| bound.credential != *credential);
            }
            PersonAct::Remove => {
                // What he has in an emergency ends with him, and is reviewed.
                let live = person.emergencies.iter_mut().filter(|one| one.ended.is_none());
                live.for_each(|one| one.ended = Some(self.mark.clone()));
                person.asked.clear();
                person.removed = Some(self.mark.clone());
            }
        }
        Ok(person)
    }

    fn newcomer(&self, name: &str) -> Result<Person, PersonConflict> {
        let characters = name.chars().count();
        if characters == 0 || characters > MAX_NAME || name.chars().any(char::is_control) {
            return Err(PersonConflict::Name);
        }
        Ok(Person {
            id: self.id.clone(),
            name: name.to_owned(),
            added: self.mark.clone(),
            removed: None,
            grants: Vec::new(),
            credentials: Vec::new(),
            emergencies: Vec::new(),
            asked: Vec::new(),
        })
    }

    fn grant(
        &self,
        person: &mut Person,
        (role, reach, until): (Role, &Reach, Option<UnixTime>),
    ) -> Result<(), PersonConflict> {
        let now = self.mark.at;
        if until.is_some_and(|until| until <= now) {
            return Err(PersonConflict::OverBefore);
        }
        // What is over stands in no way.
        let stays = |grant: &Grant| grant.holds(now) && (grant.role, &grant.reach) != (role, reach);
        let held: Vec<&Grant> = person.grants.iter().filter(|grant| stays(grant)).collect();
        if let Some(other) = held.iter().find(|grant| !role.goes_with(grant.role)) {
            return Err(PersonConflict::Exclusive { role, held: other.role });
        }
        if held.len() >= MAX_GRANTS {
            return Err(PersonConflict::TooMany);
        }
        let granted = self.mark.clone();
        person.grants.retain(stays);
        person.grants.push(Grant { role, reach: reach.clone(), granted, until });
        Ok(())
    }

    fn bind(&self, person: &mut Person, credential: &Credential) -> Result<(), PersonConflict> {
        if person.is_known_by(credential) {
            return Err(PersonConflict::Taken { by: person.id.clone() });
        }
        if person.credentials.len() >= MAX_CREDENTIALS {
            return Err(PersonConflict::TooMany);
        }
        person.credentials.push(Bound { credential: credential.clone(), added: self.mark.clone() });
        Ok(())
    }
}

impl PersonAct {
    /// Returns the word for what is given, in the record of one that waits.
    const fn gift(&self) -> &'static str {
        if let Self::AddCredential(_) = self { "credential" } else { "grant" }
    }

    const fn told(&self) -> Act {
        match self {
            Self::Add { .. } => Act::PersonAdded,
            Self::Grant { .. } => Act::RoleGranted,
            Self::Withdraw { .. } => Act::RoleWithdrawn,
            Self::AddCredential(_) => Act::CredentialAdded,
            Self::RemoveCredential(_) => Act::CredentialRemoved,
            Self::Remove => Act::PersonRemoved,
        }
    }

    fn read(act: Act, text: &str) -> Option<Self> {
        if act == Act::PersonAdded {
            return Some(Self::Add { name: text.to_owned() });
        }
        if act == Act::PersonRemoved {
            return Some(Self::Remove);
        }
        if act == Act::RoleGranted || act == Act::RoleWithdrawn {
            let (role, rest) = text.split_once(" for ")?;
            let role = Role::from_name(role)?;
            let (reach, until) = match rest.split_once(" until ") {
                Some((reach, until)) => (reach, Some(seconds(until)?)),
                None => (rest, None),
            };
            let reach = match reach.strip_prefix("tenant ") {
                Some(tenant) => Reach::Tenant(TenantId::parse(tenant).ok()?),
                None => Some(Reach::Everything).filter(|all| all.to_string() == reach)?,
            };
            let granted = Self::Grant { role, reach: reach.clone(), until };
            return Some(if act == Act::RoleGranted { granted } else { Self::Withdraw { role, reach } });
        }
        let credential = Credential::parse(text).ok();
        if act == Act::CredentialAdded {
            credential.map(Self::AddCredential)
        } else if act == Act::CredentialRemoved {
            credential.map(Self::RemoveCredential)
        } else {
            None
        }
    }
}

/// Reads the seconds behind a time, in parentheses.
fn seconds(text: &str) -> Option<UnixTime> {
    let (_, seconds) = text.strip_suffix(')')?.rsplit_once(" (")?;
    Some(UnixTime::from_seconds(seconds.parse().ok()?))
}

impl fmt::Display for PersonAct {
    /// Writes what stands in the audit record behind the person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { name } => write!(f, "; {name}"),
            Self::Grant { role, reach, until } => {
                write!(f, "; {role} for {reach}")?;
                until.map_or(Ok(()), |until| write!(f, " until {until} ({})", until.seconds()))
            }
            Self::Withdraw { role, reach } => write!(f, "; {role} for {reach}"),
            Self::AddCredential(credential) | Self::RemoveCredential(credential) => {
                write!(f, "; {credential}")
            }
            Self::Remove => Ok(()),
        }
    }
}

/// Why a change is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonConflict {
    /// There is no such person.
    #[error("nobody of that id is on record")]
    Unknown,
    /// The id is somebody's.
    #[error("the id is somebody's already")]
    Known,
    /// He was removed.
    #[error("this person was removed, and his id is never used again")]
    Removed,
    /// Who changes it is he himself.
    #[error("nobody changes what he himself may do")]
    Oneself,
    /// The name is none.
    #[error("a person has a name of 1 to {MAX_NAME} printable characters")]
    Name,
    /// M-01: nobody has both.
    #[error("nobody is {role} and {held}: auditor and ca-operations go with no other role")]
    Exclusive {
        /// What was to be granted.
        role: Role,
        /// What he has.
        held: Role,
    },
    /// The end of the role is past.
    #[error("the role would be over already")]
    OverBefore,
    /// He has as many as one person may have.
    #[error("one person has at most {MAX_GRANTS} roles and {MAX_CREDENTIALS} credentials")]
    TooMany,
    /// He does not have this role for these tenants.
    #[error("the person is not {role} for these tenants")]
    NotHeld {
        /// Which.
        role: Role,
    },
    /// The credential is somebody's, or was.
    #[error("the credential is that of {by}, or was: it is never anybody else's")]
    Taken {
        /// Whose.
        by: PersonId,
    },
    /// The credential is not his.
    #[error("the person does not have this credential")]
    NotHis,
    /// Who asks for it asked for it before.
    #[error("this waits for the word of another administrator: one of you cannot be both")]
    Asked,
}

impl PersonConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "person.unknown",
            Self::Known => "person.known",
            Self::Removed => "person.removed",
            Self::Oneself => "person.oneself",
            Self::Name => "person.name",
            Self::Exclusive { .. } => "person.exclusive",
            Self::OverBefore => "person.over-before",
            Self::TooMany => "person.too-many",
            Self::NotHeld { .. } => "person.not-held",
            Self::Taken { .. } => "person.credential-taken",
            Self::NotHis => "person.not-his",
            Self::Asked => "person.asked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::permit::may;
    use super::super::person::Caller;
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn tenant() -> TenantId {
        TenantId::parse("dso").unwrap()
    }

    fn change(act: PersonAct) -> PersonChange {
        let permit = may(&Caller::User(0), Permission::ChangePeople, None, NOW).unwrap();
        PersonChange::new(&permit, (PersonId::parse("ada").unwrap(), act), &tenant(), NOW).unwrap()
    }

    fn ada() -> Person {
        change(PersonAct::Add { name: "Ada Example".to_owned() }).applied_to(None).unwrap()
    }

    fn grant(role: Role) -> PersonAct {
        PersonAct::Grant { role, reach: Reach::Everything, until: None }
    }

    // M-01: every pair of roles.
    #[test]
    fn m_01_nobody_is_granted_auditor_or_ca_operations_beside_another_role() {
        for first in Role::ALL {
            let one = change(grant(first)).applied_to(Some(ada())).unwrap();
            for second in Role::ALL {
                let reach = Reach::Tenant(tenant());
                let act = PersonAct::Grant { role: second, reach, until: None };
                let outcome = change(act).applied_to(Some(one.clone()));
                if first.goes_with(second) {
                    assert_eq!(outcome.unwrap().grants.len(), 2, "{first} and {second}");
                } else {
                    let exclusive = PersonConflict::Exclusive { role: second, held: first };
                    assert_eq!(outcome, Err(exclusive), "{first} and {second}");
                }
            }
        }
    }

    #[test]
    fn a_role_that_is_over_is_in_nobodys_way_and_one_that_would_be_over_is_not_granted() {
        let until = Some(NOW.plus_seconds(10));
        let act = PersonAct::Grant { role: Role::Auditor, reach: Reach::Everything, until };
        let one = change(act.clone()).applied_to(Some(ada())).unwrap();
        let later = PersonChange {
            mark: Mark { at: NOW.plus_seconds(11), ..one.added.clone() },
            ..change(grant(Role::Approver))
        };
        let after = later.applied_to(Some(one)).unwrap();
        assert_eq!(after.grants.iter().map(|grant| grant.role).collect::<Vec<_>>(), [Role::Approver]);
        let late = PersonChange { act, ..later };
        assert_eq!(late.applied_to(Some(after)), Err(PersonConflict::OverBefore));
    }

    /// The same change by a person on record.
    fn by(name: &str, act: PersonAct) -> PersonChange {
        let mark = Mark { by: format!("operator:{name}"), at: NOW };
        PersonChange { mark, ..change(act) }.where_two_give(true)
    }

    #[test]
    fn what_gives_takes_two_and_what_takes_away_takes_one() {
        let uid = || Credential::User(1001);
        assert!(by("eva", grant(Role::Approver)).by_two && by("eva", PersonAct::AddCredential(uid())).by_two);
        let withdraw = PersonAct::Withdraw { role: Role::Approver, reach: Reach::Everything };
        let named = PersonAct::Add { name: "B".to_owned() };
        for act in [named, withdraw, PersonAct::RemoveCredential(uid()), PersonAct::Remove] {
            assert!(!by("eva", act).by_two);
        }
        // The first administrator, who is on nobody's record; and where one suffices.
        assert!(!by("uid-0", grant(Role::Approver)).by_two);
        assert!(!by("eva", grant(Role::Approver)).where_two_give(false).by_two);
    }

    #[test]
    fn a_change_waits_a_day_for_the_same_by_another() {
        let asked = by("eva", grant(Role::Approver)).asked_of(ada()).unwrap();
        assert!(asked.grants.is_empty());
        let second = by("max", grant(Role::Approver));
        assert_eq!(second.first_word(&asked).map(|one| one.asked.by.as_str()), Some("operator:eva"));
        assert_eq!(
            by("max", grant(Role::RaOfficer)).first_word(&asked),
            None,
            "another role is another change"
        );
        let made = second.applied_to(Some(asked.clone())).unwrap();
        assert_eq!((made.grants.len(), made.asked.len()), (1, 0));
        let late = Mark { by: "operator:max".to_owned(), at: NOW.plus_seconds(WAITS + 1) };
        let late = PersonChange { mark: late, ..second };
        assert_eq!(late.first_word(&asked), None);
        assert_eq!(late.asked_of(asked).unwrap().asked.len(), 1, "it takes the place of the old one");
    }

    #[test]
    fn what_could_not_be_made_does_not_wait_and_few_do_at_once() {
        let own = by("ada", grant(Role::Approver));
        assert_eq!(own.asked_of(ada()), Err(PersonConflict::Oneself));
        let auditor = change(grant(Role::Auditor)).applied_to(Some(ada())).unwrap();
        assert!(matches!(
            by("eva", grant(Role::Approver)).asked_of(auditor),
            Err(PersonConflict::Exclusive { .. })
        ));
        let mut ada = ada();
        for user in 0..8 {
            ada = by("eva", PersonAct::AddCredential(Credential::User(user))).asked_of(ada).unwrap();
        }
        let one_more = by("eva", PersonAct::AddCredential(Credential::User(9)));
        assert_eq!(one_more.asked_of(ada.clone()), Err(PersonConflict::TooMany));
        assert_eq!(change(PersonAct::Remove).applied_to(Some(ada)).unwrap().asked, []);
    }

    #[test]
    fn nobody_changes_himself_and_who_was_removed_does_not_come_back() {
        let own = PersonChange {
            mark: Mark { by: "operator:ada".to_owned(), at: NOW },
            ..change(grant(Role::Administrator))
        };
        assert_eq!(own.applied_to(Some(ada())), Err(PersonConflict::Oneself));
        let gone = change(PersonAct::Remove).applied_to(Some(ada())).unwrap();
        for act in [PersonAct::Add { name: "B".to_owned() }, grant(Role::Auditor), PersonAct::Remove] {
            assert_eq!(change(act).applied_to(Some(gone.clone())), Err(PersonConflict::Removed));
        }
    }

    #[test]
    fn only_who_may_change_people_of_the_whole_installation_makes_a_change() {
        let of = |permission| may(&Caller::User(0), permission, None, NOW).unwrap();
        for permission in Permission::ALL {
            let who = (PersonId::parse("ada").unwrap(), PersonAct::Remove);
            let made = PersonChange::new(&of(permission), who, &tenant(), NOW);
            assert_eq!(made.is_ok(), permission == Permission::ChangePeople, "{permission}");
        }
    }

    #[test]
    fn what_is_in_the_audit_record_leads_back_to_the_change() {
        let acts = [
            PersonAct::Add { name: "Ada; Example".to_owned() },
            PersonAct::Grant {
                role: Role::RaOfficer,
                reach: Reach::Tenant(tenant()),
                until: Some(NOW.plus_seconds(9)),
            },
            grant(Role::Auditor),
            PersonAct::Withdraw { role: Role::Auditor, reach: Reach::Everything },
            PersonAct::AddCredential(Credential::Oidc {
                issuer: "https://id.example".to_owned(),
                subject: "a".to_owned(),
            }),
            PersonAct::RemoveCredential(Credential::User(1001)),
            PersonAct::Remove,
        ];
        for act in acts {
            let change = change(act);
            assert_eq!(PersonChange::from_event(&change.event), Some(change));
        }
        for act in [grant(Role::Auditor), PersonAct::AddCredential(Credential::User(1001))] {
            let asked = PersonChange { by_two: true, ..change(act) };
            let read = PersonChange::from_event(&asked.asking()).unwrap();
            assert_eq!(
                (&read.id, &read.act, &read.mark, read.by_two),
                (&asked.id, &asked.act, &asked.mark, true)
            );
        }
        let other = AuditEvent { act: Act::LedgerOpened, ..change(PersonAct::Remove).event };
        assert_eq!(PersonChange::from_event(&other), None);
    }
}

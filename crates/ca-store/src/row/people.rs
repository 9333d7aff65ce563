//! The row of a person: who may do what.

use ca_core::people::{
    AskedChange, Bound, Credential, Emergency, Grant, Person, PersonAct, PersonId, Reach, Role,
};
use ca_core::validity::UnixTime;
use der::{Enumerated, Sequence};

use super::waiting::{WireMark, WireRefusal};
use super::{Row, tenant, time};
use crate::keyspace::Keyspace;

/// ```text
/// PersonRow ::= SEQUENCE {
///     id           UTF8String,             -- its key again
///     name         UTF8String,
///     added        Mark,
///     grants       SEQUENCE OF Grant,
///     credentials  SEQUENCE OF Bound,
///     removed      [0] Mark OPTIONAL,
///     emergencies  [1] SEQUENCE OF Emergency OPTIONAL,   -- absent for none
///     asked        [2] SEQUENCE OF Asked OPTIONAL }      -- absent for none
/// Grant ::= SEQUENCE {
///     role     ENUMERATED { administrator(0), caOperations(1), raOfficer(2), auditor(3), technician(4), approver(5) },
///     granted  Mark,
///     tenant   [0] UTF8String OPTIONAL,    -- absent for every one
///     until    [1] Time OPTIONAL }
/// Bound ::= SEQUENCE { credential UTF8String, added Mark }
/// Asked ::= SEQUENCE {                     -- one of both
///     asked       Mark,
///     grant       [0] SEQUENCE { role ENUMERATED, tenant [0] UTF8String OPTIONAL, until [1] Time OPTIONAL } OPTIONAL,
///     credential  [1] UTF8String OPTIONAL }
/// Emergency ::= SEQUENCE {
///     role      ENUMERATED,                -- as in Grant
///     reason    UTF8String,
///     seconds   INTEGER,
///     asked     Mark,
///     agreed    [0] Mark OPTIONAL,
///     ended     [1] Mark OPTIONAL,
///     reviewed  [2] SEQUENCE { mark Mark, finding UTF8String } OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonRow {
    pub(crate) person: Person,
}

#[derive(Sequence)]
pub(crate) struct WirePerson {
    id: String,
    name: String,
    added: WireMark,
    grants: Vec<WireGrant>,
    credentials: Vec<WireBound>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    removed: Option<WireMark>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    emergencies: Option<Vec<WireEmergency>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    asked: Option<Vec<WireAsked>>,
}

#[derive(Sequence)]
struct WireAsked {
    asked: WireMark,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    grant: Option<WireWanted>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    credential: Option<String>,
}

#[derive(Sequence)]
struct WireWanted {
    role: WireRole,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tenant: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    until: Option<i64>,
}

#[derive(Sequence)]
struct WireGrant {
    role: WireRole,
    granted: WireMark,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tenant: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    until: Option<i64>,
}

#[derive(Sequence)]
struct WireBound {
    credential: String,
    added: WireMark,
}

#[derive(Sequence)]
struct WireEmergency {
    role: WireRole,
    reason: String,
    seconds: u32,
    asked: WireMark,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    agreed: Option<WireMark>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    ended: Option<WireMark>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    reviewed: Option<WireRefusal>,
}

impl WireEmergency {
    fn new(one: &Emergency) -> Self {
        Self {
            role: one.role.into(),
            reason: one.reason.clone(),
            seconds: one.seconds,
            asked: WireMark::new(&one.asked),
            agreed: one.agreed.as_ref().map(WireMark::new),
            ended: one.ended.as_ref().map(WireMark::new),
            reviewed: one.reviewed.as_ref().map(WireRefusal::new),
        }
    }

    fn emergency(self) -> Emergency {
        Emergency {
            role: self.role.into(),
            reason: self.reason,
            seconds: self.seconds,
            asked: self.asked.mark(),
            agreed: self.agreed.map(WireMark::mark),
            ended: self.ended.map(WireMark::mark),
            reviewed: self.reviewed.map(WireRefusal::refusal),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Enumerated)]
#[repr(u8)]
enum WireRole {
    Administrator = 0,
    CaOperations = 1,
    RaOfficer = 2,
    Auditor = 3,
    Technician = 4,
    Approver = 5,
}

impl From<Role> for WireRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Administrator => Self::Administrator,
            Role::CaOperations => Self::CaOperations,
            Role::RaOfficer => Self::RaOfficer,
            Role::Auditor => Self::Auditor,
            Role::Technician => Self::Technician,
            Role::Approver => Self::Approver,
        }
    }
}

impl From<WireRole> for Role {
    fn from(wire: WireRole) -> Self {
        match wire {
            WireRole::Administrator => Self::Administrator,
            WireRole::CaOperations => Self::CaOperations,
            WireRole::RaOfficer => Self::RaOfficer,
            WireRole::Auditor => Self::Auditor,
            WireRole::Technician => Self::Technician,
            WireRole::Approver => Self::Approver,
        }
    }
}

impl WireAsked {
    /// A change that waits gives a role or a credential; no other is written.
    fn new(one: &AskedChange) -> Option<Self> {
        let asked = WireMark::new(&one.asked);
        match &one.act {
            PersonAct::Grant { role, reach, until } => {
                let until = until.map(UnixTime::seconds);
                let grant = WireWanted { role: (*role).into(), tenant: name(reach), until };
                Some(Self { asked, grant: Some(grant), credential: None })
            }
            PersonAct::AddCredential(credential) => {
                Some(Self { asked, grant: None, credential: Some(credential.to_string()) })
            }
            PersonAct::Add { .. }
            | PersonAct::Withdraw { .. }
            | PersonAct::RemoveCredential(_)
            | PersonAct::Remove => None,
        }
    }

    fn asked(self) -> Option<AskedChange> {
        let act = match (self.grant, self.credential) {
            (Some(WireWanted { role, tenant, until }), None) => {
                PersonAct::Grant { role: role.into(), reach: reach(tenant)?, until: until.map(time) }
            }
            (None, Some(credential)) => PersonAct::AddCredential(Credential::parse(&credential).ok()?),
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some(AskedChange { act, asked: self.asked.mark() })
    }
}

/// The tenant of a reach; none for every one.
fn name(reach: &Reach) -> Option<String> {
    match reach {
        Reach::Everything => None,
        Reach::Tenant(tenant) => Some(tenant.to_string()),
    }
}

fn reach(name: Option<String>) -> Option<Reach> {
    match name {
        None => Some(Reach::Everything),
        Some(name) => tenant(&name).map(Reach::Tenant),
    }
}

impl WireGrant {
    fn new(grant: &Grant) -> Self {
        let until = grant.until.map(UnixTime::seconds);
        let tenant = name(&grant.reach);
        Self { role: grant.role.into(), granted: WireMark::new(&grant.granted), tenant, until }
    }

    fn grant(self) -> Option<Grant> {
        let (reach, until) = (reach(self.tenant)?, self.until.map(time));
        Some(Grant { role: self.role.into(), reach, granted: self.granted.mark(), until })
    }
}

impl Row for PersonRow {
    type Key = PersonId;
    type Wire = WirePerson;
    const KEYSPACE: Keyspace = Keyspace::People;

    fn key(id: &Self::Key) -> Vec<u8> {
        id.as_str().into()
    }

    fn to_wire(&self) -> der::Result<WirePerson> {
        let person = &self.person;
        let bound = |bound: &Bound| WireBound {
            credential: bound.credential.to_string(),
            added: WireMark::new(&bound.added),
        };
        Ok(WirePerson {
            id: person.id.to_string(),
            name: person.name.clone(),
            added: WireMark::new(&person.added),
            grants: person.grants.iter().map(WireGrant::new).collect(),
            credentials: person.credentials.iter().map(bound).collect(),
            removed: person.removed.as_ref().map(WireMark::new),
            emergencies: Some(person.emergencies.iter().map(WireEmergency::new).collect::<Vec<_>>())
                .filter(|all| !all.is_empty()),
            asked: Some(person.asked.iter().filter_map(WireAsked::new).collect::<Vec<_>>())
                .filter(|all| !all.is_empty()),
        })
    }

    fn from_wire(wire: WirePerson) -> Option<Self> {
        let bound = |bound: WireBound| {
            let credential = Credential::parse(&bound.credential).ok()?;
            Some(Bound { credential, added: bound.added.mark() })
        };
        let person = Person {
            id: PersonId::parse(&wire.id).ok()?,
            name: wire.name,
            added: wire.added.mark(),
            removed: wire.removed.map(WireMark::mark),
            grants: wire.grants.into_iter().map(WireGrant::grant).collect::<Option<_>>()?,
            credentials: wire.credentials.into_iter().map(bound).collect::<Option<_>>()?,
            emergencies: wire.emergencies.into_iter().flatten().map(WireEmergency::emergency).collect(),
            asked: wire.asked.into_iter().flatten().map(WireAsked::asked).collect::<Option<_>>()?,
        };
        Some(Self { person })
    }
}

//! Whether somebody may do something, and the proof that he may.

use super::permission::Permission;
use super::person::{Caller, Grant, Reach};
use crate::actor::{Actor, Identity};
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// The proof that somebody may do one kind of act, and for whom. Only [`may`] makes one, and only it makes an operator an
/// [`Actor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    name: String,
    permission: Permission,
    /// The tenants, none for every one.
    tenants: Option<Vec<TenantId>>,
}

/// Answers whether somebody may do this now. `tenant` is whose the thing is that it is done to; none asks whether he may for
/// anybody, and [`Permit::check`] is then asked for each thing.
///
/// # Errors
/// [`Denied`].
pub fn may(
    caller: &Caller,
    permission: Permission,
    tenant: Option<&TenantId>,
    now: UnixTime,
) -> Result<Permit, Denied> {
    let denied = |why| Denied { name: caller.name(), permission, why };
    let tenants = match caller {
        Caller::Stranger(_) => return Err(denied(Why::Unknown)),
        Caller::User(_) => None,
        Caller::Person(person) if person.removed.is_some() => return Err(denied(Why::Removed)),
        Caller::Person(person) => {
            let with = |grant: &&Grant| grant.role.may(permission);
            let holding: Vec<&Grant> = person.holding(now).filter(with).collect();
            if person.in_emergency(now).any(|role| role.may(permission)) {
                None
            } else if holding.is_empty() {
                let over = person.grants.iter().any(|grant| with(&grant))
                    || person.emergencies.iter().any(|one| one.agreed.is_some() && one.role.may(permission));
                return Err(denied(if over { Why::Over } else { Why::Role }));
            } else {
                tenants_of(&holding)
            }
        }
    };
    let permit = Permit { name: caller.name(), permission, tenants };
    tenant.map_or(Ok(()), |tenant| permit.check(tenant))?;
    Ok(permit)
}

/// The tenants for which grants are; none for every one.
fn tenants_of(grants: &[&Grant]) -> Option<Vec<TenantId>> {
    let mut tenants = Vec::new();
    for grant in grants {
        match &grant.reach {
            Reach::Everything => return None,
            Reach::Tenant(tenant) if tenants.contains(tenant) => {}
            Reach::Tenant(tenant) => tenants.push(tenant.clone()),
        }
    }
    Some(tenants)
}

impl Permit {
    /// Returns how records name whose it is, without what stands in front of every operator.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns for what it is.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        self.permission
    }

    /// Checks that it is for this kind of act.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check_for(&self, permission: Permission) -> Result<(), Denied> {
        if self.permission == permission {
            return Ok(());
        }
        Err(Denied { name: self.name.clone(), permission, why: Why::Role })
    }

    /// Checks that it is for what belongs to this tenant.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check(&self, tenant: &TenantId) -> Result<(), Denied> {
        let held = self.tenants.as_ref().is_none_or(|tenants| tenants.contains(tenant));
        if held { Ok(()) } else { Err(self.denied(Why::Tenant(tenant.clone()))) }
    }

    /// Checks that it is for what belongs to the installation as a whole.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn check_everything(&self) -> Result<(), Denied> {
        if self.tenants.is_none() { Ok(()) } else { Err(self.denied(Why::Everything)) }
    }

    /// Returns which tenant a list is to be bounded to: the one that is asked for, if it may be, or the only one that there
    /// is; none for every one.
    ///
    /// # Errors
    /// [`Denied`]: also where there are several, and none is asked for.
    pub fn bounded(&self, asked: Option<TenantId>) -> Result<Option<TenantId>, Denied> {
        match (asked, self.tenants.as_deref()) {
            (Some(tenant), _) => self.check(&tenant).map(|()| Some(tenant)),
            (None, None) => Ok(None),
            (None, Some([only])) => Ok(Some(only.clone())),
            (None, Some(_)) => Err(self.denied(Why::Which)),
        }
    }

    /// Makes its holder the actor of an act on what belongs to this tenant.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn actor(&self, tenant: &TenantId) -> Result<Actor, Denied> {
        self.check(tenant)?;
        Ok(Actor { tenant: tenant.clone(), identity: Identity::Operator { name: self.name.clone() } })
    }

    fn denied(&self, why: Why) -> Denied {
        Denied { name: self.name.clone(), permission: self.permission, why }
    }
}

/// Somebody may not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} may not {permission}: {}", why.sentence())]
pub struct Denied {
    name: String,
    permission: Permission,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Why {
    Unknown,
    Removed,
    Role,
    Over,
    Tenant(TenantId),
    Everything,
    Which,
}

impl Why {
    fn sentence(&self) -> String {
        match self {
            Self::Unknown => "nobody is known by this credential".to_owned(),
            Self::Removed => "this person was removed".to_owned(),
            Self::Role => "no role of this person has this permission".to_owned(),
            Self::Over => "the role that has this permission is over".to_owned(),
            Self::Tenant(tenant) => format!("the role is not for tenant {tenant}"),
            Self::Everything => {
                "the role is for single tenants, and this belongs to the installation".to_owned()
            }
            Self::Which => "the role is for several tenants: name one of them".to_owned(),
        }
    }
}

impl Denied {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.why {
            Why::Unknown => "people.unknown",
            Why::Removed => "people.removed",
            Why::Role => "people.role",
            Why::Over => "people.over",
            Why::Tenant(_) | Why::Everything => "people.tenant",
            Why::Which => "people.which-tenant",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::person::{Credential, Person, PersonId};
    use super::super::role::Role;
    use super::*;
    use crate::record::Mark;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn mark() -> Mark {
        Mark { by: "operator:uid-0".to_owned(), at: NOW }
    }

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).unwrap()
    }

    fn grant(role: Role, reach: Reach) -> Grant {
        Grant { role, reach, granted: mark(), until: None }
    }

    fn person(grants: Vec<Grant>) -> Person {
        let id = PersonId::parse("ada").unwrap();
        Person {
            id,
            name: "Ada".to_owned(),
            added: mark(),
            removed: None,
            grants,
            credentials: Vec::new(),
            emergencies: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn caller(grants: Vec<Grant>) -> Caller {
        Caller::Person(Box::new(person(grants)))
    }

    // M-05: all roles, all permissions, own and foreign tenant.
    #[test]
    fn m_05_a_role_may_what_its_table_says_for_its_own_tenant_and_nothing_for_another() {
        let (own, foreign) = (tenant("dso"), tenant("dso-2"));
        for role in Role::ALL {
            for permission in Permission::ALL {
                let one = caller(vec![grant(role, Reach::Tenant(own.clone()))]);
                let all = caller(vec![grant(role, Reach::Everything)]);
                let code = |caller, tenant| {
                    may(caller, permission, Some(tenant), NOW).map(drop).map_err(|d| d.code())
                };
                let (allowed, abroad) = if role.may(permission) {
                    (Ok(()), Err("people.tenant"))
                } else {
                    (Err("people.role"), Err("people.role"))
                };
                assert_eq!(code(&one, &own), allowed, "{role} {permission}");
                assert_eq!(code(&one, &foreign), abroad, "{role} {permission}");
                assert_eq!(
                    (code(&all, &own), code(&all, &foreign)),
                    (allowed, allowed),
                    "{role} {permission}"
                );
                if let Ok(permit) = may(&one, permission, None, NOW) {
                    assert_eq!(
                        permit.check_everything().map_err(|denied| denied.code()),
                        Err("people.tenant")
                    );
                    assert_eq!(permit.bounded(None), Ok(Some(own.clone())));
                    assert_eq!(
                        permit.bounded(Some(foreign.clone())).map_err(|d| d.code()),
                        Err("people.tenant")
                    );
                    assert!(permit.actor(&foreign).is_err());
                    assert_eq!(permit.actor(&own).unwrap().to_string(), "operator:ada");
                }
            }
        }
    }

    #[test]
    fn grants_of_two_tenants_do_not_lend_each_other_their_permissions() {
        let (here, there) = (tenant("dso"), tenant("dso-2"));
        let both = caller(vec![
            grant(Role::RaOfficer, Reach::Tenant(here.clone())),
            grant(Role::Approver, Reach::Tenant(there.clone())),
        ]);
        assert!(may(&both, Permission::Register, Some(&here), NOW).is_ok());
        assert!(may(&both, Permission::Register, Some(&there), NOW).is_err());
        assert!(may(&both, Permission::Approve, Some(&here), NOW).is_err());
        let look = may(&both, Permission::Look, None, NOW).unwrap();
        assert_eq!(look.bounded(None).map_err(|denied| denied.code()), Err("people.which-tenant"));
        assert_eq!(look.bounded(Some(there.clone())), Ok(Some(there)));
    }

    #[test]
    fn a_role_ends_by_itself_and_a_person_who_was_removed_may_nothing() {
        let until = Grant { until: Some(NOW), ..grant(Role::Auditor, Reach::Everything) };
        let one = person(vec![until]);
        let code = |person: &Person, now| {
            let caller = Caller::Person(Box::new(person.clone()));
            may(&caller, Permission::ReadAudit, None, now).map(drop).map_err(|denied| denied.code())
        };
        assert_eq!(code(&one, NOW), Ok(()), "the last second belongs to it");
        assert_eq!(code(&one, NOW.plus_seconds(1)), Err("people.over"));
        let gone = Person { removed: Some(mark()), ..one };
        assert_eq!(code(&gone, NOW), Err("people.removed"));
    }

    #[test]
    fn who_is_only_a_user_of_this_machine_may_everything_and_a_stranger_nothing() {
        for permission in Permission::ALL {
            let permit = may(&Caller::User(1001), permission, Some(&tenant("any")), NOW).unwrap();
            assert_eq!((permit.name(), permit.permission()), ("uid-1001", permission));
            assert!(permit.check_everything().is_ok());
            let stranger = Caller::Stranger(Credential::User(1001));
            let denied = may(&stranger, permission, None, NOW).unwrap_err();
            assert_eq!(denied.code(), "people.unknown");
        }
    }
}

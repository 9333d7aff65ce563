//! Roles, and the one table of what each may do.

use super::permission::Permission;

/// What somebody is for an installation. Numbers are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Says who may do what, shuts authorities out and lets them in again, takes over records of other programs, makes backups and keys of authorities.
    Administrator,
    /// Issues, revokes and publishes. With no other role (`FMT_SMR.2`).
    CaOperations,
    /// Registers devices, leads their campaigns and lines, and decides of requests that wait.
    RaOfficer,
    /// Reads the audit trail and who may do what. With no other role (`FMT_SMR.2`).
    Auditor,
    /// Works in the field with a hand-held unit, on visits that others open and approve.
    Technician,
    /// Approves what waits for another person, and nothing else.
    Approver,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::Administrator,
        Self::CaOperations,
        Self::RaOfficer,
        Self::Auditor,
        Self::Technician,
        Self::Approver,
    ];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::CaOperations => "ca-operations",
            Self::RaOfficer => "ra-officer",
            Self::Auditor => "auditor",
            Self::Technician => "technician",
            Self::Approver => "approver",
        }
    }

    /// Returns the role of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Tells whether nobody has it together with another (`PP_CA` `FMT_SMR.2`, case M-01).
    #[must_use]
    pub const fn is_exclusive(self) -> bool {
        match self {
            Self::Auditor | Self::CaOperations => true,
            Self::Administrator | Self::RaOfficer | Self::Technician | Self::Approver => false,
        }
    }

    /// Tells whether one person may have both.
    #[must_use]
    pub fn goes_with(self, other: Self) -> bool {
        self == other || !(self.is_exclusive() || other.is_exclusive())
    }

    /// Returns what it may do: the one place where this is said.
    #[must_use]
    pub const fn permissions(self) -> &'static [Permission] {
        match self {
            Self::Administrator => &[
                Permission::Look,
                Permission::LookAtPeople,
                Permission::ChangePeople,
                Permission::ShutOut,
                Permission::LetInAgain,
                Permission::TakeOver,
                Permission::BackUp,
                Permission::HoldCeremonies,
                Permission::BreakGlass,
                Permission::LookAtOneself,
            ],
            Self::CaOperations => &[
                Permission::Look,
                Permission::Issue,
                Permission::DecideRequests,
                Permission::Revoke,
                Permission::Approve,
                Permission::ShutOut,
                Permission::Publish,
                Permission::BreakGlass,
                Permission::LookAtOneself,
            ],
            Self::RaOfficer => &[
                Permission::Look,
                Permission::DecideRequests,
                Permission::Register,
                Permission::ExportSecrets,
                Permission::LeadCampaigns,
                Permission::LeadProduction,
                Permission::BreakGlass,
                Permission::LeadVisits,
                Permission::LookAtOneself,
            ],
            Self::Auditor => &[
                Permission::Look,
                Permission::ReadAudit,
                Permission::LookAtPeople,
                Permission::ReviewEmergencies,
                Permission::LookAtOneself,
            ],
            Self::Technician => &[Permission::Visit, Permission::LookAtOneself],
            Self::Approver => &[
                Permission::Look,
                Permission::DecideRequests,
                Permission::Approve,
                Permission::BreakGlass,
                Permission::LookAtOneself,
            ],
        }
    }

    /// Tells whether it may do this.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl core::fmt::Display for Role {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // M-01.
    #[test]
    fn m_01_auditor_and_ca_operations_go_with_no_other_role_and_all_others_with_each_other() {
        for one in Role::ALL {
            for other in Role::ALL {
                let exclusive =
                    [one, other].iter().any(|role| matches!(role, Role::Auditor | Role::CaOperations));
                assert_eq!(one.goes_with(other), one == other || !exclusive, "{one} and {other}");
            }
        }
    }

    #[test]
    fn every_permission_is_somebodys_and_the_auditor_changes_nothing() {
        for permission in Permission::ALL {
            assert!(Role::ALL.iter().any(|role| role.may(permission)), "{permission}");
        }
        assert!(Role::Auditor.permissions().iter().all(|permission| !permission.changes()));
        assert_eq!(Role::Technician.permissions(), [Permission::Visit, Permission::LookAtOneself]);
    }

    #[test]
    fn who_says_who_may_do_what_can_neither_issue_nor_revoke_nor_approve() {
        for permission in
            [Permission::Issue, Permission::Revoke, Permission::Approve, Permission::DecideRequests]
        {
            assert!(!Role::Administrator.may(permission));
        }
        assert!(
            Role::ALL.iter().all(|role| *role == Role::Administrator || !role.may(Permission::ChangePeople))
        );
    }

    #[test]
    fn words_lead_back_to_their_role() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}

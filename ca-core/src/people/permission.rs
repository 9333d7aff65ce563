//! Permissions: what a route of the operator's listener needs. A closed list.

/// One kind of act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See authorities, certificates, devices, CRLs, and what waits.
    Look,
    /// Read the audit trail.
    ReadAudit,
    /// See who may do what.
    LookAtPeople,
    /// Say who may do what.
    ChangePeople,
    /// Have a certificate issued by the door of operators.
    Issue,
    /// Approve or refuse requests that wait.
    DecideRequests,
    /// Revoke and release certificates, one or many, now or later.
    Revoke,
    /// Approve or refuse orders and campaigns of others.
    Approve,
    /// Shut out an authority below which nobody is let in any more.
    ShutOut,
    /// Let it in again.
    LetInAgain,
    /// Publish CRLs, the roots' material and answers of OCSP.
    Publish,
    /// Import devices and deliveries, change devices, make tokens, compare meters with the records.
    Register,
    /// Give out wrapped secrets of devices.
    ExportSecrets,
    /// Plan and lead campaigns, and exchange work with head-ends.
    LeadCampaigns,
    /// Open, end and work on production orders.
    LeadProduction,
    /// Take over the record of another program.
    TakeOver,
    /// Make a backup.
    BackUp,
    /// Have the offline root asked for an authority, with a key that is made for it, and take its response in.
    HoldCeremonies,
    /// Ask for a role in an emergency, agree to another's, and end one.
    BreakGlass,
    /// Put on record that an emergency was looked at after its end.
    ReviewEmergencies,
    /// Open, change and end visits of technicians.
    LeadVisits,
    /// Have certificates for a hand-held unit on one's own visits, and hand in what was done on them.
    Visit,
    /// See who one is to the server, and what one may do.
    LookAtOneself,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 23] = [
        Self::Look,
        Self::ReadAudit,
        Self::LookAtPeople,
        Self::ChangePeople,
        Self::Issue,
        Self::DecideRequests,
        Self::Revoke,
        Self::Approve,
        Self::ShutOut,
        Self::LetInAgain,
        Self::Publish,
        Self::Register,
        Self::ExportSecrets,
        Self::LeadCampaigns,
        Self::LeadProduction,
        Self::TakeOver,
        Self::BackUp,
        Self::HoldCeremonies,
        Self::BreakGlass,
        Self::ReviewEmergencies,
        Self::LeadVisits,
        Self::Visit,
        Self::LookAtOneself,
    ];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::ReadAudit => "read-audit",
            Self::LookAtPeople => "look-at-people",
            Self::ChangePeople => "change-people",
            Self::Issue => "issue",
            Self::DecideRequests => "decide-requests",
            Self::Revoke => "revoke",
            Self::Approve => "approve",
            Self::ShutOut => "shut-out",
            Self::LetInAgain => "let-in-again",
            Self::Publish => "publish",
            Self::Register => "register",
            Self::ExportSecrets => "export-secrets",
            Self::LeadCampaigns => "lead-campaigns",
            Self::LeadProduction => "lead-production",
            Self::TakeOver => "take-over",
            Self::BackUp => "back-up",
            Self::HoldCeremonies => "hold-ceremonies",
            Self::BreakGlass => "break-glass",
            Self::ReviewEmergencies => "review-emergencies",
            Self::LeadVisits => "lead-visits",
            Self::Visit => "visit",
            Self::LookAtOneself => "look-at-oneself",
        }
    }

    /// Tells whether it changes anything but what was looked at.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::Look
            | Self::ReadAudit
            | Self::LookAtPeople
            | Self::ReviewEmergencies
            | Self::LookAtOneself => false,
            Self::ChangePeople
            | Self::Issue
            | Self::DecideRequests
            | Self::Revoke
            | Self::Approve
            | Self::ShutOut
            | Self::LetInAgain
            | Self::Publish
            | Self::Register
            | Self::ExportSecrets
            | Self::LeadCampaigns
            | Self::LeadProduction
            | Self::TakeOver
            | Self::BackUp
            | Self::HoldCeremonies
            | Self::BreakGlass
            | Self::LeadVisits
            | Self::Visit => true,
        }
    }
}

impl core::fmt::Display for Permission {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

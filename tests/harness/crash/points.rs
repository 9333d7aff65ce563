//! The kill-points: where the issuer under test can be made to die.
//!
//! They are numbered as the order of issuance is. KP10 and KP11 are passed through the ports, by a front end of the harness that
//! speaks no protocol. Those of deliveries, devices, production orders and campaigns have names, as those of CRLs.

use std::fmt;

/// A place in the program's work, just before or after something that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KillPoint {
    /// KP0: a request was parsed; its one sample of the clock is being taken.
    RequestParsed,
    /// KP1: it was admitted; its serial number is being drawn.
    Authorised,
    /// KP2: the draft passed the linter; T1 has not begun.
    LintPassed,
    /// KP3: T1 was written and is not synced.
    IntentUnsynced,
    /// KP4: T1 is durable.
    IntentDurable,
    /// KP5: the signer was called and has not signed.
    SigningBegun,
    /// KP6: a signature exists, and nobody but the signer knows.
    SignatureMade,
    /// KP7: T2 was written and is not synced.
    IssuedUnsynced,
    /// KP8: T2 is durable, nobody was answered.
    IssuedDurable,
    /// KP9: half of a reply left.
    ReplyHalfSent,
    /// KP10: a holder's word on his certificate was heard, written, and is not synced.
    ConfirmationUnsynced,
    /// KP11: a deadline was met, at a start or later, and that is not synced.
    DeadlineUnsynced,
    /// A revocation was written and is not synced.
    RevocationUnsynced,
    /// A revocation is durable, nobody was answered.
    RevocationDurable,
    /// The number of a CRL is reserved, durably.
    CrlIntended,
    /// The signer was called for a CRL and has not signed.
    CrlSigningBegun,
    /// A signed CRL exists, and nobody but the signer knows.
    CrlSigned,
    /// A CRL was written and is not synced.
    CrlUnsynced,
    /// A CRL is durable and not published.
    CrlDurable,
    /// The published file is about to be renamed into its place.
    CrlRename,
    /// A step of a delivery was written and is not synced.
    DeliveryUnsynced,
    /// A step of a delivery is durable, nobody was answered.
    DeliveryDurable,
    /// An act on devices, such as a suspension, was written and is not synced.
    DevicesUnsynced,
    /// An act on devices is durable, nobody was answered.
    DevicesDurable,
    /// A production order was opened, ended, or a device of it scrapped, and that is not synced.
    ProductionUnsynced,
    /// An act on a production order is durable, nobody was answered.
    ProductionDurable,
    /// A campaign was planned, decided about or begun, and that is not synced.
    CampaignUnsynced,
    /// What was decided about a campaign is durable, nobody was answered.
    CampaignDurable,
    /// What happened to swaps was written and is not synced.
    SwapUnsynced,
    /// What happened to swaps is durable, nobody was told.
    SwapDurable,
}

impl KillPoint {
    /// Every kill-point.
    pub const ALL: [Self; 30] = [
        Self::RequestParsed,
        Self::Authorised,
        Self::LintPassed,
        Self::IntentUnsynced,
        Self::IntentDurable,
        Self::SigningBegun,
        Self::SignatureMade,
        Self::IssuedUnsynced,
        Self::IssuedDurable,
        Self::ReplyHalfSent,
        Self::ConfirmationUnsynced,
        Self::DeadlineUnsynced,
        Self::RevocationUnsynced,
        Self::RevocationDurable,
        Self::CrlIntended,
        Self::CrlSigningBegun,
        Self::CrlSigned,
        Self::CrlUnsynced,
        Self::CrlDurable,
        Self::CrlRename,
        Self::DeliveryUnsynced,
        Self::DeliveryDurable,
        Self::DevicesUnsynced,
        Self::DevicesDurable,
        Self::ProductionUnsynced,
        Self::ProductionDurable,
        Self::CampaignUnsynced,
        Self::CampaignDurable,
        Self::SwapUnsynced,
        Self::SwapDurable,
    ];

    /// Returns its name on command lines and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestParsed => "kp0-request-parsed",
            Self::Authorised => "kp1-authorised",
            Self::LintPassed => "kp2-lint-passed",
            Self::IntentUnsynced => "kp3-intent-unsynced",
            Self::IntentDurable => "kp4-intent-durable",
            Self::SigningBegun => "kp5-signing-begun",
            Self::SignatureMade => "kp6-signature-made",
            Self::IssuedUnsynced => "kp7-issued-unsynced",
            Self::IssuedDurable => "kp8-issued-durable",
            Self::ReplyHalfSent => "kp9-reply-half-sent",
            Self::ConfirmationUnsynced => "kp10-confirmation-unsynced",
            Self::DeadlineUnsynced => "kp11-deadline-unsynced",
            Self::RevocationUnsynced => "revocation-unsynced",
            Self::RevocationDurable => "revocation-durable",
            Self::CrlIntended => "crl-intended",
            Self::CrlSigningBegun => "crl-signing-begun",
            Self::CrlSigned => "crl-signed",
            Self::CrlUnsynced => "crl-unsynced",
            Self::CrlDurable => "crl-durable",
            Self::CrlRename => "crl-rename",
            Self::DeliveryUnsynced => "delivery-unsynced",
            Self::DeliveryDurable => "delivery-durable",
            Self::DevicesUnsynced => "devices-unsynced",
            Self::DevicesDurable => "devices-durable",
            Self::ProductionUnsynced => "production-unsynced",
            Self::ProductionDurable => "production-durable",
            Self::CampaignUnsynced => "campaign-unsynced",
            Self::CampaignDurable => "campaign-durable",
            Self::SwapUnsynced => "swap-unsynced",
            Self::SwapDurable => "swap-durable",
        }
    }

    /// Returns the kill-point of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

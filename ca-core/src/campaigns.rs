//! Campaigns: planning them, asking for and approving them, and carrying them out a bounded step at a time.
//!
//! Whoever asks was shown which devices, and names the digest of exactly those. What is to be done next follows from what is on
//! record, so that whoever was killed goes on where he was. What may follow what is said in `fleet`.

mod carry_on;
mod error;
mod plan;
mod suite;
mod left_out;

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::authority::CertificationAuthority;
use crate::fleet::CampaignDecision;
use crate::fleet::campaign::{Campaign, CampaignAct, CampaignConflict};
use crate::fleet::uplift::UpliftMatrix;
use crate::hexadecimal::hexadecimal;
use crate::key_ref::KeyRef;
use crate::orders::OrderRule;
use crate::ports::{Campaigns, Fleet, Registry, StatusSource, Swaps, Unavailable};
use crate::record::{Mark, Verdict};
use crate::tenant::TenantId;
use crate::validity::UnixTime;
pub use carry_on::{Carried, Cursor};
pub use error::CampaignError;
pub use left_out::{LeftOut, Unfit};
pub use plan::{CampaignPlan, CampaignWish, DeviceChoice};

/// In whose name what is due is done.
pub const NAME: &str = "campaigns";

/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// Where campaigns are taken, and carried out.
#[derive(Clone, Copy)]
pub struct CampaignDesk<'a> {
    /// Who runs the installation.
    pub tenant: &'a TenantId,
    /// The authorities in service.
    pub authorities: &'a [&'a CertificationAuthority],
    /// What is known of certificates.
    pub status: &'a dyn StatusSource,
    /// What is known of devices.
    pub registry: &'a dyn Registry,
    /// Where they are searched.
    pub fleet: &'a dyn Fleet,
    /// Where campaigns are kept.
    pub campaigns: &'a dyn Campaigns,
    /// Where swaps are kept.
    pub swaps: &'a dyn Swaps,
    /// Which devices may be lifted to which suite.
    pub uplifts: &'a UpliftMatrix,
    /// How many people a campaign needs.
    pub rule: OrderRule,
}

impl core::fmt::Debug for CampaignDesk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CampaignDesk").field("rule", &self.rule).finish_non_exhaustive()
    }
}

impl<'a> CampaignDesk<'a> {
    /// Returns the campaign with this digest as it stands.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn campaign(&self, digest: &[u8; 32]) -> Result<Option<Campaign>, Unavailable> {
        Ok(self.campaigns.campaigns_named(digest)?.pop())
    }

    /// Records that an operator asks for a campaign, approves or refuses it, pauses it, has it go on, or gives it up.
    ///
    /// # Errors
    /// [`CampaignError`]; nothing has changed.
    pub fn take(
        &self,
        actor: &Actor,
        digest: [u8; 32],
        act: CampaignAct,
        now: UnixTime,
    ) -> Result<Campaign, CampaignError> {
        // M-03: that an approval is void is found by the program itself; all else is said by people.
        match (&act, &actor.identity) {
            (CampaignAct::Abandon { .. }, Identity::Process { .. }) => {}
            _ => self.check_actor(actor)?,
        }
        let (told, reason) = match &act {
            CampaignAct::Request => (Act::CampaignRequested, String::new()),
            CampaignAct::Decide(Verdict::Approve) => (Act::CampaignApproved, String::new()),
            CampaignAct::Decide(Verdict::Refuse { reason }) => (Act::CampaignRefused, readable(reason)?),
            CampaignAct::Pause { reason } => (Act::CampaignPaused, readable(reason)?),
            CampaignAct::Resume => (Act::CampaignResumed, String::new()),
            CampaignAct::Abandon { reason } => (Act::CampaignAbandoned, readable(reason)?),
        };
        let campaign = self.campaign(&digest)?.ok_or(CampaignError::Conflict(CampaignConflict::Unknown))?;
        let mark = Mark { by: actor.to_string(), at: now };
        let detail = format!(
            "campaign {} {}: {} devices: {}; {reason}",
            campaign.name,
            hexadecimal(&digest),
            campaign.count,
            campaign.selection
        );
        let event = AuditEvent {
            time: now,
            tenant: campaign.tenant,
            actor: mark.by.clone(),
            act: told,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: detail.trim_end_matches("; ").to_owned(),
            digest: digest.to_vec(),
        };
        let decision = CampaignDecision { digest, mark, act, event };
        self.campaigns.record_campaign_act(decision)?.map_err(CampaignError::Conflict)
    }

    /// Operators decide, one by one; no part of the program does.
    fn check_actor(&self, actor: &Actor) -> Result<(), CampaignError> {
        match &actor.identity {
            Identity::Operator { .. } if actor.tenant == *self.tenant => Ok(()),
            Identity::Operator { .. }
            | Identity::Process { .. }
            | Identity::Device(_)
            | Identity::RegistrationAuthority(_)
            | Identity::OneTimeToken { .. }
            | Identity::Unauthenticated { .. } => Err(CampaignError::NotEntitled),
        }
    }

    fn authority(&self, key: &KeyRef) -> Option<&'a CertificationAuthority> {
        self.authorities.iter().copied().find(|one| one.issuer().key() == *key)
    }
}

/// In whose name, as audit records name it.
fn process(tenant: &TenantId) -> Actor {
    Actor { tenant: tenant.clone(), identity: Identity::Process { name: NAME } }
}

fn readable(reason: &str) -> Result<String, CampaignError> {
    let characters = reason.chars().count();
    if characters == 0 || characters > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(CampaignError::Reason);
    }
    Ok(reason.to_owned())
}

//! The ports of campaigns and of the swaps that they carry out.

use super::Unavailable;
use crate::fleet::campaign::{Campaign, CampaignConflict};
use crate::fleet::evidence::Evidence;
use crate::fleet::member::Member;
use crate::fleet::swap::Swap;
use crate::fleet::{
    AgendaQuery, Begin, Begun, CampaignDecision, CampaignQuery, CampaignTurn, MemberCount, SwapEvent,
    SwapOutcome,
};
use crate::record::CertificateId;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// Keeps campaigns, with the exact list of each.
pub trait Campaigns: Send + Sync {
    /// Writes down a campaign that is planned, or that its list is whole; one that was asked for stays as it is.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn plan_campaign(&self, campaign: Campaign) -> Result<(), Unavailable>;

    /// Writes down devices of a campaign whose list is not whole; those that are there already stay as they are.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn plan_members(&self, members: Vec<Member>) -> Result<(), Unavailable>;

    /// Takes away campaigns that nobody asked for in time, with their lists: at most `limit` rows, and tells whether there are more.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn forget_campaigns(&self, now: UnixTime, limit: usize) -> Result<bool, Unavailable>;

    /// Returns the campaigns whose digest begins with these octets, at most two.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn campaigns_named(&self, digest: &[u8]) -> Result<Vec<Campaign>, Unavailable>;

    /// Lists campaigns by their digests.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn campaigns(&self, query: &CampaignQuery) -> Result<Vec<Campaign>, Unavailable>;

    /// Records what an operator, or the program, has to say of a campaign, if it stands so that it can be; returns it as it
    /// stands then.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_campaign_act(
        &self,
        decision: CampaignDecision,
    ) -> Result<Result<Campaign, CampaignConflict>, Unavailable>;

    /// Lists the devices of a campaign by their titles, at most `limit`, after `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn members(
        &self,
        campaign: &[u8; 32],
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<Vec<Member>, Unavailable>;

    /// Tells how many devices of each wave stand how. Counted while they change, never by looking at them.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn member_counts(&self, campaign: &[u8; 32]) -> Result<Vec<MemberCount>, Unavailable>;
}

/// Keeps swaps, and moves them: whatever happens to one is recorded with where it then stands, its device, its campaign's
/// counts and its audit event, in one durable transaction.
pub trait Swaps: Send + Sync {
    /// Lists devices that stand in one way, by when something can be done for them.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn agenda(&self, query: &AgendaQuery) -> Result<Vec<Member>, Unavailable>;

    /// Begins devices, as far as the pace of the campaign lets them and each is its owner's.
    ///
    /// # Errors
    /// [`Unavailable`]: none was begun.
    fn begin_members(&self, begin: Begin) -> Result<Begun, Unavailable>;

    /// Records what happened to swaps; answers in their order. One refusal touches no neighbour.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was recorded.
    fn record_swap_events(&self, events: Vec<SwapEvent>) -> Result<Vec<SwapOutcome>, Unavailable>;

    /// Records that devices which ask by themselves showed, when they were asked to export them, these certificates: so they have them.
    /// Where nothing waits for that, nothing changes.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing was recorded.
    fn confirm_exported(&self, shown: Vec<CertificateId>, by: (UnixTime, String)) -> Result<(), Unavailable>;

    /// Lets a campaign go on to its next wave, stop, or be over, as its devices stand; returns it as it stands then.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn turn_campaign(&self, turn: CampaignTurn) -> Result<Option<Campaign>, Unavailable>;

    /// Returns a device of a campaign with its swaps, in the order in which they are done; none before it is begun.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn member(
        &self,
        campaign: &[u8; 32],
        title: &SystemTitle,
    ) -> Result<Option<(Member, Vec<Swap>)>, Unavailable>;

    /// Returns what campaigns did to a device.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn evidence(&self, title: &SystemTitle) -> Result<Vec<Evidence>, Unavailable>;
}

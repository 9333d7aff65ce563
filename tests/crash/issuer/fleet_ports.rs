//! The ports of fleets and lines with kill-points around what they write. What they read passes on as it is.

use std::sync::Arc;

use ca_core::audit::AuditEvent;
use ca_core::fleet::campaign::{Campaign, CampaignConflict};
use ca_core::fleet::evidence::Evidence;
use ca_core::fleet::member::Member;
use ca_core::fleet::swap::Swap;
use ca_core::fleet::{
    AgendaQuery, Begin, Begun, CampaignDecision, CampaignQuery, CampaignTurn, MemberCount, SwapEvent,
    SwapOutcome,
};
use ca_core::ports::{Campaigns, Deliveries, Fleet, Production, Swaps, Unavailable};
use ca_core::record::{
    CertificateId, ChangeOutcome, CountRule, Delivery, DeliveryConflict, DeliveryPart, DeviceChange,
    DeviceCount, DeviceCredential, DeviceEvent, DeviceField, DeviceQuery, ExpectedDevice, FoundDevices,
    ImportOutcome, Mark, PartOutcome, ProducedDevice, ProductionConflict, ProductionEnd, ProductionId,
    ProductionOrder, ProductionQuery, ScrapRecord, Scrapped, WrappedSecret,
};
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;

use crate::trap::Trap;
use e2e::crash::points::KillPoint;

/// Passes the first kill-point, does something, and passes the second if that came to something.
fn between<T>(
    trap: &Trap,
    (before, after): (KillPoint, KillPoint),
    act: impl FnOnce() -> Result<T, Unavailable>,
    came_to_something: impl FnOnce(&T) -> bool,
) -> Result<T, Unavailable> {
    trap.pass(before);
    let outcome = act()?;
    if came_to_something(&outcome) {
        trap.pass(after);
    }
    Ok(outcome)
}

const DELIVERY: (KillPoint, KillPoint) = (KillPoint::DeliveryUnsynced, KillPoint::DeliveryDurable);
const DEVICES: (KillPoint, KillPoint) = (KillPoint::DevicesUnsynced, KillPoint::DevicesDurable);
const PRODUCTION: (KillPoint, KillPoint) = (KillPoint::ProductionUnsynced, KillPoint::ProductionDurable);
const CAMPAIGN: (KillPoint, KillPoint) = (KillPoint::CampaignUnsynced, KillPoint::CampaignDurable);
const SWAP: (KillPoint, KillPoint) = (KillPoint::SwapUnsynced, KillPoint::SwapDurable);

/// Devices.
pub(crate) struct TrappedFleet {
    pub(crate) inner: Arc<dyn Fleet>,
    pub(crate) trap: Arc<Trap>,
}

impl Fleet for TrappedFleet {
    fn find_devices(&self, query: &DeviceQuery) -> Result<FoundDevices, Unavailable> {
        self.inner.find_devices(query)
    }

    fn count_devices(
        &self,
        tenant: &TenantId,
        field: Option<DeviceField>,
    ) -> Result<Vec<DeviceCount>, Unavailable> {
        self.inner.count_devices(tenant, field)
    }

    fn history(
        &self,
        title: &SystemTitle,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DeviceEvent>, Unavailable> {
        self.inner.history(title, after, limit)
    }

    fn credentials(&self, title: &SystemTitle) -> Result<Vec<DeviceCredential>, Unavailable> {
        self.inner.credentials(title)
    }

    fn secrets(&self, title: &SystemTitle) -> Result<Vec<WrappedSecret>, Unavailable> {
        self.inner.secrets(title)
    }

    fn export_secrets(
        &self,
        title: &SystemTitle,
        event: AuditEvent,
    ) -> Result<Option<Vec<WrappedSecret>>, Unavailable> {
        self.inner.export_secrets(title, event)
    }

    fn change_devices(&self, change: DeviceChange) -> Result<ChangeOutcome, Unavailable> {
        let changed = |outcome: &ChangeOutcome| !outcome.changed.is_empty();
        between(&self.trap, DEVICES, || self.inner.change_devices(change), changed)
    }

    fn record_made(
        &self,
        devices: Vec<ExpectedDevice>,
        event: AuditEvent,
    ) -> Result<ImportOutcome, Unavailable> {
        between(&self.trap, DEVICES, || self.inner.record_made(devices, event), |_| true)
    }
}

/// Deliveries.
pub(crate) struct TrappedDeliveries {
    pub(crate) inner: Arc<dyn Deliveries>,
    pub(crate) trap: Arc<Trap>,
}

impl Deliveries for TrappedDeliveries {
    fn open_delivery(
        &self,
        delivery: Delivery,
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable> {
        between(&self.trap, DELIVERY, || self.inner.open_delivery(delivery, event), Result::is_ok)
    }

    fn take_part(&self, part: DeliveryPart) -> Result<Result<PartOutcome, DeliveryConflict>, Unavailable> {
        between(&self.trap, DELIVERY, || self.inner.take_part(part), Result::is_ok)
    }

    fn close_delivery(
        &self,
        digest: &[u8; 32],
        closing: (Mark, CountRule),
        event: AuditEvent,
    ) -> Result<Result<Delivery, DeliveryConflict>, Unavailable> {
        between(&self.trap, DELIVERY, || self.inner.close_delivery(digest, closing, event), Result::is_ok)
    }

    fn deliveries(&self, after: Option<[u8; 32]>, limit: usize) -> Result<Vec<Delivery>, Unavailable> {
        self.inner.deliveries(after, limit)
    }

    fn delivery(&self, digest: &[u8; 32]) -> Result<Option<Delivery>, Unavailable> {
        self.inner.delivery(digest)
    }
}

/// Production orders. Their places are taken and given back with intents, in the ledger.
pub(crate) struct TrappedProduction {
    pub(crate) inner: Arc<dyn Production>,
    pub(crate) trap: Arc<Trap>,
}

impl Production for TrappedProduction {
    fn open_production(
        &self,
        order: ProductionOrder,
        titles: Vec<SystemTitle>,
        event: AuditEvent,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        between(&self.trap, PRODUCTION, || self.inner.open_production(order, titles, event), Result::is_ok)
    }

    fn end_production(
        &self,
        end: ProductionEnd,
    ) -> Result<Result<ProductionOrder, ProductionConflict>, Unavailable> {
        between(&self.trap, PRODUCTION, || self.inner.end_production(end), Result::is_ok)
    }

    fn scrap_device(&self, scrap: ScrapRecord) -> Result<Result<Scrapped, ProductionConflict>, Unavailable> {
        between(&self.trap, PRODUCTION, || self.inner.scrap_device(scrap), Result::is_ok)
    }

    fn production(&self, id: &ProductionId) -> Result<Option<ProductionOrder>, Unavailable> {
        self.inner.production(id)
    }

    fn productions(&self, query: &ProductionQuery) -> Result<Vec<ProductionOrder>, Unavailable> {
        self.inner.productions(query)
    }

    fn produced(
        &self,
        id: &ProductionId,
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<(Vec<ProducedDevice>, Option<SystemTitle>), Unavailable> {
        self.inner.produced(id, after, limit)
    }
}

/// Campaigns.
pub(crate) struct TrappedCampaigns {
    pub(crate) inner: Arc<dyn Campaigns>,
    pub(crate) trap: Arc<Trap>,
}

impl Campaigns for TrappedCampaigns {
    fn plan_campaign(&self, campaign: Campaign) -> Result<(), Unavailable> {
        between(&self.trap, CAMPAIGN, || self.inner.plan_campaign(campaign), |()| true)
    }

    fn plan_members(&self, members: Vec<Member>) -> Result<(), Unavailable> {
        between(&self.trap, CAMPAIGN, || self.inner.plan_members(members), |()| true)
    }

    fn forget_campaigns(&self, now: UnixTime, limit: usize) -> Result<bool, Unavailable> {
        self.inner.forget_campaigns(now, limit)
    }

    fn campaigns_named(&self, digest: &[u8]) -> Result<Vec<Campaign>, Unavailable> {
        self.inner.campaigns_named(digest)
    }

    fn campaigns(&self, query: &CampaignQuery) -> Result<Vec<Campaign>, Unavailable> {
        self.inner.campaigns(query)
    }

    fn record_campaign_act(
        &self,
        decision: CampaignDecision,
    ) -> Result<Result<Campaign, CampaignConflict>, Unavailable> {
        between(&self.trap, CAMPAIGN, || self.inner.record_campaign_act(decision), Result::is_ok)
    }

    fn members(
        &self,
        campaign: &[u8; 32],
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<Vec<Member>, Unavailable> {
        self.inner.members(campaign, after, limit)
    }

    fn member_counts(&self, campaign: &[u8; 32]) -> Result<Vec<MemberCount>, Unavailable> {
        self.inner.member_counts(campaign)
    }
}

/// Swaps.
pub(crate) struct TrappedSwaps {
    pub(crate) inner: Arc<dyn Swaps>,
    pub(crate) trap: Arc<Trap>,
}

impl Swaps for TrappedSwaps {
    fn agenda(&self, query: &AgendaQuery) -> Result<Vec<Member>, Unavailable> {
        self.inner.agenda(query)
    }

    fn begin_members(&self, begin: Begin) -> Result<Begun, Unavailable> {
        between(&self.trap, CAMPAIGN, || self.inner.begin_members(begin), |begun| begun.begun > 0)
    }

    fn record_swap_events(&self, events: Vec<SwapEvent>) -> Result<Vec<SwapOutcome>, Unavailable> {
        if events.is_empty() {
            return self.inner.record_swap_events(events);
        }
        let moved = |outcomes: &Vec<SwapOutcome>| outcomes.iter().any(Result::is_ok);
        between(&self.trap, SWAP, || self.inner.record_swap_events(events), moved)
    }

    fn confirm_exported(&self, shown: Vec<CertificateId>, by: (UnixTime, String)) -> Result<(), Unavailable> {
        self.inner.confirm_exported(shown, by)
    }

    fn turn_campaign(&self, turn: CampaignTurn) -> Result<Option<Campaign>, Unavailable> {
        self.inner.turn_campaign(turn)
    }

    fn member(
        &self,
        campaign: &[u8; 32],
        title: &SystemTitle,
    ) -> Result<Option<(Member, Vec<Swap>)>, Unavailable> {
        self.inner.member(campaign, title)
    }

    fn evidence(&self, title: &SystemTitle) -> Result<Vec<Evidence>, Unavailable> {
        self.inner.evidence(title)
    }
}

//! The ports [`Campaigns`] and [`Swaps`].

use ca_core::fleet::campaign::{Campaign, CampaignConflict};
use ca_core::fleet::evidence::Evidence;
use ca_core::fleet::member::Member;
use ca_core::fleet::swap::Swap;
use ca_core::fleet::{
    AgendaQuery, Begin, Begun, CampaignDecision, CampaignQuery, CampaignTurn, MemberCount, SwapEvent,
    SwapOutcome,
};
use ca_core::ports::{Campaigns, Swaps, Unavailable};
use ca_core::record::CertificateId;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use crate::act::{campaign, swap};
use crate::engine::{Durability, View};
use crate::keyspace::Keyspace;
use crate::keyspace::campaign::{
    after_place, agenda_prefix, is_later, member_key, parse_count, parse_member,
};
use crate::row::{CampaignRow, EvidenceRow, MemberCountRow, MemberRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "campaign book";

/// How many rows are looked at together when campaigns are listed.
const PAGE: usize = 256;

impl Campaigns for Store {
    fn plan_campaign(&self, campaign: Campaign) -> Result<(), Unavailable> {
        self.write(PORT, Durability::Durable, |tx| campaign::plan(tx, campaign))
    }

    fn plan_members(&self, members: Vec<Member>) -> Result<(), Unavailable> {
        self.write(PORT, Durability::ProcessCrash, |tx| campaign::plan_members(tx, members))
    }

    fn forget_campaigns(&self, now: UnixTime, limit: usize) -> Result<bool, Unavailable> {
        self.write(PORT, Durability::ProcessCrash, move |tx| campaign::forget(tx, now, limit))
    }

    fn campaigns_named(&self, digest: &[u8]) -> Result<Vec<Campaign>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Campaigns, digest, &[], 2)?;
            rows.into_iter().map(|(_, octets)| Ok(CampaignRow::decode(&octets)?.campaign)).collect()
        })
    }

    fn campaigns(&self, query: &CampaignQuery) -> Result<Vec<Campaign>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }

    fn record_campaign_act(
        &self,
        decision: CampaignDecision,
    ) -> Result<Result<Campaign, CampaignConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| campaign::decide(tx, decision))
    }

    fn members(
        &self,
        campaign: &[u8; 32],
        after: Option<&SystemTitle>,
        limit: usize,
    ) -> Result<Vec<Member>, Unavailable> {
        let after = after.map(|title| member_key(campaign, title)).unwrap_or_default();
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::CampaignMembers, campaign, &after, limit)?;
            rows.into_iter().map(|(_, octets)| Ok(MemberRow::decode(&octets)?.member)).collect()
        })
    }

    fn member_counts(&self, campaign: &[u8; 32]) -> Result<Vec<MemberCount>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::CampaignCounts, campaign, &[], usize::MAX)?;
            let read = |(key, octets): (Vec<u8>, Vec<u8>)| {
                let fault = RowFault::Key { keyspace: Keyspace::CampaignCounts.name() };
                let (wave, phase) = parse_count(&key).ok_or(fault)?;
                Ok(MemberCount { wave, phase, count: MemberCountRow::decode(&octets)?.0 })
            };
            rows.into_iter().map(read).collect()
        })
    }
}

impl Swaps for Store {
    fn agenda(&self, query: &AgendaQuery) -> Result<Vec<Member>, Unavailable> {
        self.read(PORT, |view| agenda(view, query))
    }

    fn begin_members(&self, begin: Begin) -> Result<Begun, Unavailable> {
        // Nothing new begins while a copy of the trail is too far behind; what is under way is finished.
        self.write_new(PORT, Durability::Durable, move |tx| campaign::begin(tx, &begin))
    }

    fn record_swap_events(&self, events: Vec<SwapEvent>) -> Result<Vec<SwapOutcome>, Unavailable> {
        self.write(PORT, Durability::Durable, |tx| {
            events.into_iter().map(|event| swap::record(tx, event)).collect()
        })
    }

    fn confirm_exported(&self, shown: Vec<CertificateId>, by: (UnixTime, String)) -> Result<(), Unavailable> {
        // Whole fleets are exported again and again, and little of that is waited for: what changes nothing is not written.
        let awaited = self.read(PORT, |view| {
            let mut awaited = Vec::new();
            for certificate in shown {
                if swap::awaits_export(view, &certificate)? {
                    awaited.push(certificate);
                }
            }
            Ok(awaited)
        })?;
        if awaited.is_empty() {
            return Ok(());
        }
        self.write(PORT, Durability::Durable, move |tx| swap::exported(tx, &awaited, (by.0, &by.1)))
    }

    fn turn_campaign(&self, turn: CampaignTurn) -> Result<Option<Campaign>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| campaign::turn(tx, &turn))
    }

    fn member(
        &self,
        campaign: &[u8; 32],
        title: &SystemTitle,
    ) -> Result<Option<(Member, Vec<Swap>)>, Unavailable> {
        self.read(PORT, |view| {
            let Some(CampaignRow { campaign }) = view.row(campaign)? else { return Ok(None) };
            let Some(MemberRow { member }) = view.row(&(campaign.digest, *title))? else { return Ok(None) };
            Ok(Some((member, swap::swaps_of(view, &campaign, title)?)))
        })
    }

    fn evidence(&self, title: &SystemTitle) -> Result<Vec<Evidence>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Evidence, title.octets(), &[], usize::MAX)?;
            rows.into_iter().map(|(_, octets)| Ok(EvidenceRow::decode(&octets)?.evidence)).collect()
        })
    }
}

fn agenda(view: &dyn View, query: &AgendaQuery) -> Result<Vec<Member>, ReadFault> {
    let prefix = agenda_prefix(&query.campaign, query.phase);
    let after =
        query.after.map(|place| after_place(&query.campaign, query.phase, &place)).unwrap_or_default();
    let mut members = Vec::new();
    for (key, _) in view.rows_after(Keyspace::CampaignAgenda, &prefix, &after, query.limit)? {
        if query.until.is_some_and(|until| is_later(&key, until)) {
            break;
        }
        let fault = || RowFault::Key { keyspace: Keyspace::CampaignAgenda.name() };
        let title = parse_member(&key).ok_or_else(fault)?;
        let row = view.row::<MemberRow>(&(query.campaign, title))?.ok_or_else(fault)?;
        members.push(row.member);
    }
    Ok(members)
}

/// Looks at rows page by page until enough are as they are asked for.
fn list(view: &dyn View, query: &CampaignQuery) -> Result<Vec<Campaign>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.map(Vec::from).unwrap_or_default();
    while found.len() < query.limit {
        let page = view.rows_after(Keyspace::Campaigns, &[], &after, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        for (_, octets) in page {
            let CampaignRow { campaign } = CampaignRow::decode(&octets)?;
            let wanted = query.standing.is_none_or(|standing| campaign.standing(query.now) == standing);
            found.extend((wanted && found.len() < query.limit).then_some(campaign));
        }
    }
    Ok(found)
}

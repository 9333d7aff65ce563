//! Carrying campaigns out: a bounded number of devices at a time, whatever happened before.
//!
//! Every act is one of the ledger's, and what is to be done is read from there; nothing is remembered between two calls but
//! where the list of waiting devices was left, which a restart may forget.

use super::plan::is_replaced_by;
use super::{CampaignDesk, process};
use crate::authority::CertificationAuthority;
use crate::csr::CertificationRequest;
use crate::fault::Fault;
use crate::fleet::campaign::{Campaign, CampaignStanding};
use crate::fleet::member::{Member, Phase};
use crate::fleet::swap::{Action, Asked, Event, Made, Stage, Swap, Trouble};
use crate::fleet::{AgendaQuery, Begin, CampaignTurn, Place, SwapEvent};
use crate::issuance::{IssueError, IssuedCertificate};
use crate::ports::Unavailable;
use crate::reason::ReasonCode;
use crate::record::{CertificateId, IntentConflict};
use crate::request::{EnrolmentKind, EnrolmentRequest, Evidence, RevocationRequest};
use crate::revocation::RevokeError;
use crate::subject::Subject;
use crate::validity::UnixTime;
use sha2::{Digest, Sha256};

/// How many devices are looked at in one step.
const STEP: usize = 64;

/// How many waiting devices are looked at in one step, since many of them may be behind a concentrator that is busy.
const LOOKED_AT: usize = 1_024;

/// Where the list of waiting devices was left.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cursor(Option<Place>);

/// What was done in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Whether there is more to be done now.
    pub more: bool,
    /// Whether certificates were revoked that no device took.
    pub withdrawn: bool,
}

impl Carried {
    const fn with(self, more: bool) -> Self {
        Self { more: self.more || more, withdrawn: self.withdrawn }
    }
}

impl CampaignDesk<'_> {
    /// Does some of what a campaign needs. `per_minute` is how many certificates the signer makes
    /// in a minute, where that was measured.
    ///
    /// # Errors
    /// [`Unavailable`]; what was done until then is on record.
    pub fn carry_on(
        &self,
        digest: &[u8; 32],
        cursor: &mut Cursor,
        (now, per_minute): (UnixTime, Option<u32>),
    ) -> Result<Carried, Unavailable> {
        let actor = process(self.tenant).to_string();
        let turn = CampaignTurn { digest: *digest, now, actor };
        let Some(campaign) = self.swaps.turn_campaign(turn)? else { return Ok(Carried::default()) };
        match campaign.standing(now) {
            CampaignStanding::Running => {
                let begun = self.begin_some(&campaign, cursor, (now, per_minute))?;
                let served = self.serve_due(&campaign, now)?;
                Ok(served.with(begun))
            }
            CampaignStanding::Paused => self.serve_due(&campaign, now),
            CampaignStanding::Ending => {
                let ended = self.end_some(&campaign, now)?;
                let served = self.serve_due(&campaign, now)?;
                Ok(served.with(ended))
            }
            CampaignStanding::Planned
            | CampaignStanding::Waiting
            | CampaignStanding::Done
            | CampaignStanding::Abandoned
            | CampaignStanding::Refused
            | CampaignStanding::Expired => Ok(Carried::default()),
        }
    }

    /// Begins as many devices of the present wave as its pace and the signer let.
    fn begin_some(
        &self,
        campaign: &Campaign,
        cursor: &mut Cursor,
        (now, per_minute): (UnixTime, Option<u32>),
    ) -> Result<bool, Unavailable> {
        let by_signer = per_minute.map_or(u32::MAX, |most| {
            let each = u32::try_from(campaign.wanted.len()).unwrap_or(1).max(1);
            let begun = campaign.pacing.per_minute.saturating_sub(campaign.may_begin(now));
            most.checked_div(each).unwrap_or(most).max(1).saturating_sub(begun)
        });
        let most = campaign.may_begin(now).min(by_signer);
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(STEP);
        let (mut begun, mut looked_at) = (0, 0);
        while begun < most && looked_at < LOOKED_AT {
            let members = self.swaps.agenda(&AgendaQuery {
                campaign: campaign.digest,
                phase: Phase::Waiting,
                until: None,
                after: cursor.0,
                limit: most.saturating_sub(begun),
            })?;
            let Some(last) = members.last() else {
                // Those that were passed over are looked at again from the start.
                *cursor = Cursor::default();
                break;
            };
            let ahead = last.wave > campaign.progress.wave;
            cursor.0 = Some(place(last));
            looked_at = looked_at.saturating_add(members.len());
            let (mut titles, mut unfit) = (Vec::new(), Vec::new());
            for member in members.iter().filter(|member| member.wave <= campaign.progress.wave) {
                match self.unfit(campaign, &member.title, now)? {
                    Some(why) => unfit.push((member.title, why.code())),
                    None => titles.push(member.title),
                }
            }
            let actor = process(self.tenant).to_string();
            let begin = Begin { campaign: campaign.digest, titles, unfit, now, actor };
            let done = self.swaps.begin_members(begin)?;
            begun = begun.saturating_add(usize::try_from(done.begun).unwrap_or(usize::MAX));
            if ahead {
                *cursor = Cursor::default();
                break;
            }
        }
        Ok(begun == STEP)
    }

    /// Does what is due: issues, withdraws, and counts what was not answered in time.
    fn serve_due(&self, campaign: &Campaign, now: UnixTime) -> Result<Carried, Unavailable> {
        let mut withdrawn = false;
        let due = self.swaps.agenda(&AgendaQuery {
            campaign: campaign.digest,
            phase: Phase::Due,
            until: Some(now),
            after: None,
            limit: STEP,
        })?;
        let (mut requests, mut events) = (Vec::new(), Vec::new());
        for member in &due {
            let Some((_, swaps)) = self.swaps.member(&campaign.digest, &member.title)? else { continue };
            for swap in swaps.into_iter().filter(|swap| !swap.is_over() && !swap.stuck) {
                match swap.next(now, &campaign.patience) {
                    Action::Issue => requests.push(swap),
                    Action::Withdraw(certificate) => {
                        self.withdraw(&swap, certificate)?;
                        withdrawn = true;
                    }
                    Action::Nothing | Action::Wait(_) | Action::Call(_) => {
                        events.push(told(self, &swap, Event::Elapsed, now));
                    }
                }
            }
        }
        self.issue(&requests, now)?;
        if !events.is_empty() {
            // What does not follow changes nothing.
            drop(self.swaps.record_swap_events(events)?);
        }
        Ok(Carried { more: due.len() == STEP, withdrawn })
    }

    /// Gives up what is under way: what no device took is undone, all else is finished.
    fn end_some(&self, campaign: &Campaign, now: UnixTime) -> Result<bool, Unavailable> {
        let mut more = false;
        for phase in [Phase::Callable, Phase::Due, Phase::Stuck] {
            let mut after = None;
            loop {
                let members = self.swaps.agenda(&AgendaQuery {
                    campaign: campaign.digest,
                    phase,
                    until: None,
                    after,
                    limit: STEP,
                })?;
                let Some(last) = members.last() else { break };
                after = Some(place(last));
                let mut events = Vec::new();
                for member in &members {
                    let Some((_, swaps)) = self.swaps.member(&campaign.digest, &member.title)? else {
                        continue;
                    };
                    let open = swaps.iter().filter(|swap| !swap.ending && !swap.is_over());
                    events.extend(open.map(|swap| told(self, swap, Event::Ended, now)));
                }
                if !events.is_empty() {
                    more = true;
                    drop(self.swaps.record_swap_events(events)?);
                    break;
                }
            }
        }
        Ok(more)
    }

    /// Revokes a certificate that no device took. The swap goes on in the transaction that records it.
    fn withdraw(&self, swap: &Swap, id: CertificateId) -> Result<(), Unavailable> {
        let Some(authority) = self.authority(&id.issuer) else { return Ok(()) };
        let request = RevocationRequest {
            actor: process(authority.issuer().tenant()),
            id: id.clone(),
            reason: ReasonCode::CessationOfOperation,
            invalidity_date: None,
        };
        match authority.revoke(request) {
            Ok(_) | Err(RevokeError::BeingIssued) => Ok(()),
            Err(RevokeError::Unavailable(unavailable)) => Err(unavailable),
            // Somebody revoked it before the swap was to be undone.
            Err(RevokeError::AlreadyRevoked { .. }) => {
                let event = Event::Revoked { certificate: id };
                drop(self.swaps.record_swap_events(vec![told(self, swap, event, swap.not_before)])?);
                Ok(())
            }
            Err(
                RevokeError::NotIssued { .. }
                | RevokeError::NotEntitled
                | RevokeError::HoldNotOffered
                | RevokeError::NotOnHold
                | RevokeError::InvalidityInFuture { .. },
            ) => Ok(()),
        }
    }

    /// Has certification requests answered, those of one authority together.
    fn issue(&self, swaps: &[Swap], now: UnixTime) -> Result<(), Unavailable> {
        for authority in self.authorities.iter().copied() {
            let own: Vec<&Swap> =
                swaps.iter().filter(|swap| swap.issuer == authority.issuer().key()).collect();
            let mut events = Vec::new();
            let (mut requests, mut asked) = (Vec::new(), Vec::new());
            for swap in own {
                match self.request(authority, swap)? {
                    Ok(request) => {
                        requests.push(request);
                        asked.push(swap);
                    }
                    Err(code) => events.push(told(self, swap, not_issued(code, false), now)),
                }
            }
            let outcomes = if requests.is_empty() { Vec::new() } else { authority.enrol_batch(requests) };
            for (swap, outcome) in asked.into_iter().zip(outcomes) {
                events.push(told(self, swap, became(swap, outcome), now));
            }
            if !events.is_empty() {
                // Where a certificate was issued, the swap went on in the transaction that records it.
                drop(self.swaps.record_swap_events(events)?);
            }
        }
        Ok(())
    }

    /// Makes an enrolment request of the certification request that was kept, or says why it cannot be answered.
    fn request(
        &self,
        authority: &CertificationAuthority,
        swap: &Swap,
    ) -> Result<Result<EnrolmentRequest, &'static str>, Unavailable> {
        let Stage::Requested { octets, .. } = &swap.stage else { return Ok(Err("swap.out_of_order")) };
        let Ok(csr) = CertificationRequest::from_der(octets) else { return Ok(Err("csr.unreadable")) };
        let owner = self.registry.device(&swap.title)?.map(|device| device.expected.tenant);
        if owner.as_ref() != Some(authority.issuer().tenant()) {
            return Ok(Err("swap.not_expected"));
        }
        let names = csr.content().alternative_names();
        let Ok(subject) = Subject::read(csr.subject(), names) else { return Ok(Err("subject.unfit")) };
        let rows = authority.valid_certificates(&swap.title)?;
        let again = rows.iter().any(|row| is_replaced_by(row, authority, &swap.profile));
        let kind = if again {
            EnrolmentKind::ReEnrolment { renewed: None, former: None }
        } else {
            EnrolmentKind::First
        };
        Ok(Ok(EnrolmentRequest {
            actor: process(authority.issuer().tenant()),
            profile: swap.profile.clone(),
            subject,
            evidence: Evidence::Request(Box::new(csr)),
            kind,
            validity_seconds: None,
            transaction: None,
        }))
    }
}

fn place(member: &Member) -> Place {
    member.place()
}

fn told(desk: &CampaignDesk<'_>, swap: &Swap, event: Event, now: UnixTime) -> SwapEvent {
    SwapEvent {
        campaign: swap.campaign,
        title: swap.title,
        purpose: swap.purpose,
        event,
        now,
        actor: process(desk.tenant).to_string(),
    }
}

fn not_issued(code: &str, later: bool) -> Event {
    Event::NotIssued { trouble: Trouble::NotIssued { code: code.to_owned() }, later }
}

/// What an answer of the authority is to a swap. One that was given before is given again, and told again.
fn became(swap: &Swap, outcome: Result<IssuedCertificate, IssueError>) -> Event {
    match outcome {
        Ok(issued) => {
            let asked = swap.stage.asked().unwrap_or(Asked { request: [0; 32], key: [0; 32] });
            let digest = Sha256::digest(issued.der()).into();
            Event::Issued(Made { asked, certificate: issued.id().clone(), digest })
        }
        Err(error) => {
            let in_flight = matches!(error, IssueError::Conflict(IntentConflict::InFlight));
            let later =
                in_flight || error.is_waiting() || matches!(error.fault(), Fault::Unavailable | Fault::Ours);
            not_issued(error.code(), later)
        }
    }
}

//! Carries campaigns out on the server's own clock: a bounded step of each, over and over, and over restarts.
//!
//! Decides nothing: what follows is on record. Only that nobody's approval counts who may not approve any more is found here. In
//! recovery it does not run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ca_core::actor::{Actor, Identity};
use ca_core::authority::CertificationAuthority;
use ca_core::campaigns::{CampaignDesk, CampaignError, Cursor};
use ca_core::fleet::CampaignQuery;
use ca_core::fleet::campaign::{Campaign, CampaignAct, CampaignStanding};
use ca_core::people::Permission;
use ca_core::ports::Unavailable;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;

use crate::compose::System;
use crate::duty::name;
use crate::people::first_objection;
use crate::rounds::Rounds;

/// How often it is looked for what is due.
const PERIOD: Duration = Duration::from_secs(1);

/// How many campaigns are carried out side by side.
const SIDE_BY_SIDE: usize = 16;

/// How many steps one campaign has before the others have theirs.
const STEPS: usize = 4;

/// Carries campaigns out until shutdown. What cannot be done now is done at the next look.
pub(crate) async fn run(system: Arc<System>, pool: WorkerPool, shutdown: Shutdown) {
    let duty = Some(system.duty(name::CAMPAIGNS));
    let rounds = Rounds { period: PERIOD, what: "campaigns", duty };
    let cursors = Mutex::new(BTreeMap::new());
    rounds.run((pool, shutdown), move || look(&system, &cursors)).await;
}

/// Does something at the desk where campaigns are taken.
pub(crate) fn at_desk<T>(system: &System, act: impl FnOnce(&CampaignDesk<'_>) -> T) -> T {
    let authorities: Vec<&CertificationAuthority> =
        system.authorities.iter().map(|served| &*served.authority).collect();
    act(&CampaignDesk {
        tenant: &system.tenant,
        authorities: &authorities,
        status: &*system.status,
        registry: &*system.registry,
        fleet: &*system.fleet,
        campaigns: &*system.campaigns,
        swaps: &*system.swaps,
        uplifts: &system.uplifts,
        rule: system.order_rule,
    })
}

/// Says why a campaign that has not begun does not begin: who asked for it, or approved it, may not do so any more (M-03).
fn void(system: &System, campaign: &Campaign) -> Result<Option<String>, Unavailable> {
    let asked = campaign.requested.iter().map(|mark| (mark, Permission::LeadCampaigns));
    let approved = campaign.approvals.iter().map(|mark| (mark, Permission::Approve));
    first_objection(system, asked.chain(approved))
}

fn abandon(system: &System, campaign: &Campaign, reason: String) -> Result<(), Unavailable> {
    let process = Identity::Process { name: "campaigns" };
    let actor = Actor { tenant: system.tenant.clone(), identity: process };
    let act = CampaignAct::Abandon { reason };
    match at_desk(system, |desk| desk.take(&actor, campaign.digest, act, system.clock.now())) {
        Err(CampaignError::Unavailable(unavailable)) => Err(unavailable),
        // Somebody was faster.
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Does some of what every campaign needs; tells whether there is more.
fn look(system: &System, cursors: &Mutex<BTreeMap<[u8; 32], Cursor>>) -> Result<bool, Unavailable> {
    // Nothing panics while it is held but what has done its work already.
    let mut cursors = cursors.lock().unwrap_or_else(PoisonError::into_inner);
    let mut more = false;
    for standing in [CampaignStanding::Ending, CampaignStanding::Running, CampaignStanding::Paused] {
        let now = system.clock.now();
        let query = CampaignQuery { standing: Some(standing), now, after: None, limit: SIDE_BY_SIDE };
        for campaign in system.campaigns.campaigns(&query)? {
            if campaign.progress.begun_at.is_none()
                && let Some(reason) = void(system, &campaign)?
            {
                abandon(system, &campaign, reason)?;
                continue;
            }
            let cursor = cursors.entry(campaign.digest).or_default();
            let per_minute = system.pace.measured().map(crate::signing_pace::MeasuredPace::per_minute);
            for _ in 0..STEPS {
                let now = system.clock.now();
                let carried =
                    at_desk(system, |desk| desk.carry_on(&campaign.digest, cursor, (now, per_minute)))?;
                more |= carried.more;
                if carried.withdrawn {
                    system.authorities.iter().for_each(crate::compose::ServedAuthority::notice_revocation);
                }
                if !carried.more {
                    break;
                }
            }
        }
    }
    Ok(more)
}

//! The rounds of a simulated head-end: work is taken, the calls are made, the answers are brought, until nothing is left to do.
//!
//! It talks to the server as `campaign work-orders` and `campaign answers` do. A server that is away is waited for, and an answer whose
//! receipt was lost is brought again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ca_core::certificate::Certificate;
use ca_core::ports::Clock as _;
use ca_core::profile::KeyPurpose;
use ca_core::system_title::SystemTitle;
use simulator::{CallAnswer, CallOrder, HeadEnd, Life};
use tokio::task::JoinSet;

use super::head_end::{HeadEndReport, StuckMeter, WorkedCampaign};
use crate::cli::sim::HeadEndArgs;
use crate::commands::campaign::{show, work};
use crate::commands::printer::Printer;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::campaigns::{
    AnswerText, AnsweredView, CampaignView, MemberPage, MemberQueryText, MemberView, SwapView, WorkOrderLine,
    WorkText,
};
use crate::progress::Step;

/// How long is waited where there is no work at the moment.
const IDLE: Duration = Duration::from_millis(200);

/// How long is waited for a server that does not answer before it is asked again, and how often in a second that is.
const AGAIN: Duration = Duration::from_millis(250);
const TIMES_A_SECOND: u32 = 4;

/// How many stuck meters are named; the rest is counted.
const NAMED: usize = 100;

/// How many meters are compared with the server's records in one request.
const TOGETHER: u32 = 1_000;

/// What all exchanges share.
struct Exchange {
    client: OperatorClient,
    head_end: HeadEnd,
    campaigns: Vec<String>,
    work: WorkText,
    /// How often a server that is away is asked before it is given up.
    patience: u32,
    report: Mutex<HeadEndReport>,
    step: Step,
    rounds: AtomicU64,
}

/// Exchanges until nothing is left to do.
#[expect(clippy::disallowed_methods, reason = "the report says how long it took")]
pub(super) async fn run(
    args: &HeadEndArgs,
    head_end: HeadEnd,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<HeadEndReport, Failure> {
    let began = Instant::now();
    let named = args.campaign.clone().map(|name| vec![name]);
    let campaigns = match named {
        Some(named) => named,
        None => work::worked_by_head_ends(client).await?,
    };
    let mut wanted = 0_u64;
    for campaign in &campaigns {
        let view = show(campaign, client).await?;
        if view.road != "head-end" || !gives_work(&view) {
            let message = format!("the campaign {} is {}, by road {}", view.name, view.state, view.road);
            return Err(Failure::new(Exit::Conflict, "campaign.standing", message)
                .then("a campaign of road head-end that was started: `meter-pki campaign list`"));
        }
        let types = u64::try_from(view.profiles.len()).unwrap_or(u64::MAX);
        wanted = wanted.saturating_add(view.count.saturating_mul(types));
    }
    let exchange = Arc::new(Exchange {
        client: client.clone(),
        head_end,
        campaigns,
        work: WorkText { limit: args.together, max_pdu: args.max_pdu },
        patience: args.patience.saturating_mul(TIMES_A_SECOND),
        report: Mutex::default(),
        step: printer.steps().begin("certificates in use", wanted),
        rounds: AtomicU64::new(0),
    });
    let mut places = JoinSet::new();
    for _ in 0..args.at_once {
        let exchange = Arc::clone(&exchange);
        places.spawn(async move { exchange.go_on().await });
    }
    while let Some(ended) = places.join_next().await {
        ended.map_err(|error| Failure::new(Exit::Failed, "sim.failed", error))??;
    }
    exchange.look_back().await?;
    let mut report = exchange.report().clone();
    report.rounds = exchange.rounds.load(Ordering::Relaxed);
    report.seconds = began.elapsed().as_secs_f64();
    Ok(report)
}

/// Tells whether a campaign was started and has, or had, work.
fn gives_work(view: &CampaignView) -> bool {
    matches!(view.state.as_str(), "running" | "paused" | "ending" | "done" | "abandoned")
}

/// Tells whether nothing more can be done for a campaign's meters without people.
fn is_over(view: &CampaignView) -> bool {
    match view.state.as_str() {
        // Where nobody is stuck the server is about to say so.
        "running" | "ending" => view.total.underway == 0 && view.total.waiting == 0 && view.total.stuck > 0,
        "paused" => view.total.underway == 0,
        _ => true,
    }
}

impl Exchange {
    fn report(&self) -> MutexGuard<'_, HeadEndReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes from campaign to campaign as long as one of them has work, or will have.
    async fn go_on(self: Arc<Self>) -> Result<(), Failure> {
        loop {
            let (mut any, mut over) = (false, true);
            for campaign in &self.campaigns {
                if self.round(campaign).await? {
                    any = true;
                } else if !is_over(&self.patiently(|| show(campaign, &self.client)).await?) {
                    over = false;
                }
            }
            match (any, over) {
                (true, _) => {}
                (false, false) => tokio::time::sleep(IDLE).await,
                (false, true) => return Ok(()),
            }
        }
    }

    /// One exchange; tells whether there was work.
    async fn round(self: &Arc<Self>, campaign: &str) -> Result<bool, Failure> {
        let text = WorkText { limit: self.work.limit, max_pdu: self.work.max_pdu };
        let taken = self.patiently(|| work::take(campaign, text.clone(), &self.client)).await;
        let orders = match taken {
            Ok(page) => page.orders,
            // It came to its end meanwhile.
            Err(failure) if failure.code == work::NO_WORK => return Ok(false),
            Err(failure) => return Err(failure),
        };
        if orders.is_empty() {
            return Ok(false);
        }
        self.rounds.fetch_add(1, Ordering::Relaxed);
        let orders = orders.iter().map(order).collect::<Result<Vec<_>, _>>()?;
        let at_work = Arc::clone(self);
        let worked =
            tokio::task::spawn_blocking(move || at_work.head_end.work(&orders, SystemClock.now())).await;
        let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "sim.failed", error);
        let worked = worked.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        tokio::time::sleep(worked.delay).await;
        let answers: Vec<AnswerText> = worked.answers.iter().map(answer).collect();
        let page = self.patiently(|| work::bring(campaign, answers.clone(), &self.client)).await?;
        let mut report = self.report();
        report.tally.add(worked.tally);
        for (brought, view) in worked.answers.iter().zip(&page.answers) {
            self.note(&mut report, brought, view);
        }
        Ok(true)
    }

    /// Asks again as long as nobody answers.
    async fn patiently<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> Result<T, Failure> {
        let mut asked = 0;
        loop {
            match ask().await {
                Err(failure) if failure.exit == Exit::Unavailable && asked < self.patience => {
                    asked = asked.saturating_add(1);
                    tokio::time::sleep(AGAIN).await;
                }
                ended => return ended,
            }
        }
    }

    /// Notes what became of an answer.
    fn note(&self, report: &mut HeadEndReport, brought: &CallAnswer, view: &AnsweredView) {
        let code = view.code.as_deref().unwrap_or_default();
        match (view.stage.as_deref(), brought.wrong) {
            (None, _) if brought.nothing => report.silent = report.silent.saturating_add(1),
            (None, _) => {
                let count = report.refused.entry(code.to_owned()).or_default();
                *count = count.saturating_add(1);
            }
            (Some(stage), Some(wrong)) if wrong.is_refused() || code.is_empty() => {
                let call = format!("{} {} call {}", view.system_title, view.purpose, view.turn);
                report.defects.push(format!("{call}: a wrong answer ({wrong:?}) was believed: {stage}"));
            }
            (Some("activated"), _) => self.step.advance(),
            (Some(_), _) => {}
        }
    }

    /// Reads how the campaigns stand in the end, and compares what the server says with what the meters hold.
    async fn look_back(&self) -> Result<(), Failure> {
        for campaign in &self.campaigns {
            let view = self.patiently(|| show(campaign, &self.client)).await?;
            let worked = WorkedCampaign {
                name: view.name,
                state: view.state,
                meters: view.count,
                done: view.total.done,
                stuck: view.total.stuck,
                ended: view.total.ended,
            };
            self.report().campaigns.push(worked);
            let path = format!("/v1/campaigns/{}/devices", escaped(campaign));
            let mut after = None;
            loop {
                let query = MemberQueryText { stuck: false, after, limit: TOGETHER };
                let page: MemberPage = self.patiently(|| self.client.get(&path, &query)).await?;
                let mut report = self.report();
                page.devices.iter().for_each(|device| self.compare(&mut report, device));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn compare(&self, report: &mut HeadEndReport, device: &MemberView) {
        match device.state.as_str() {
            "stuck" => {
                let count = report.stuck_by_reason.entry(device.trouble.clone()).or_default();
                *count = count.saturating_add(1);
                if report.stuck.len() < NAMED {
                    let (system_title, why) = (device.system_title.clone(), device.trouble.clone());
                    report.stuck.push(StuckMeter { system_title, why });
                }
            }
            "done" => {
                for swap in &device.swaps {
                    match self.unlike(&device.system_title, swap) {
                        None => report.compared = report.compared.saturating_add(1),
                        Some(what) => {
                            let place = format!("{} {}", device.system_title, swap.purpose);
                            report.defects.push(format!("{place}: {what}"));
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// What is wrong with the certificate that a meter holds, where the server says that it has one in use.
    fn unlike(&self, title: &str, swap: &SwapView) -> Option<String> {
        let held = |life| {
            let title = SystemTitle::parse(title).ok()?;
            let purpose = KeyPurpose::ALL.into_iter().find(|one| one.name() == swap.purpose)?;
            Certificate::from_der(&self.head_end.fleet().certificate(&title, life, purpose)?).ok()
        };
        let (serial, own) = (swap.serial.as_deref().unwrap_or("none"), held(Life::Operational));
        let Some(own) = own.filter(|own| own.serial().to_string() == serial) else {
            return Some(format!(
                "the certificate {serial} is in use, as the server says, and the meter holds another or none"
            ));
        };
        let former = held(Life::Factory).is_some_and(|former| former.public_key() == own.public_key());
        former.then(|| {
            format!("the certificate {serial} is for the key that the maker certified: no key was made anew")
        })
    }
}

fn order(line: &WorkOrderLine) -> Result<CallOrder, Failure> {
    let malformed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "operator.malformed", error);
    let text = serde_json::to_string(line).map_err(|error| malformed(&error))?;
    CallOrder::read(&text).map_err(|error| malformed(&error))
}

fn answer(answer: &CallAnswer) -> AnswerText {
    AnswerText {
        campaign: None,
        system_title: answer.system_title.clone(),
        purpose: answer.purpose.to_owned(),
        turn: answer.turn,
        apdus: answer.apdus.clone(),
        result: answer.result,
        returned: None,
        nothing: answer.nothing,
    }
}

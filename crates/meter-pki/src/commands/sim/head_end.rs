//! `meter-pki sim head-end`: one round by files, or all rounds over the operator's socket, and what is told of it.

use std::collections::BTreeMap;
use std::path::Path;

use ca_core::ports::Clock as _;
use serde::Serialize;
use simulator::{CallFaults, CallTally, HeadEnd, read_orders};
use utoipa::ToSchema;

use super::exchange;
use super::fleet;
use super::views::{CallTallyView, tally};
use crate::cli::ServerArgs;
use crate::cli::sim::{CallFaultArgs, HeadEndArgs};
use crate::commands::client;
use crate::commands::credential::roots;
use crate::commands::printer::Printer;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::wire::words::{CampaignWord, SystemTitle};

/// How many defects are told in text; `--json` has all.
const TOLD: usize = 10;

/// What came of one round by files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeadEndRound)]
pub(in crate::commands) struct RoundView {
    orders: usize,
    answers: usize,
    #[serde(flatten, serialize_with = "tally")]
    #[schema(value_type = CallTallyView)]
    tally: CallTally,
}

/// What came of all rounds.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(in crate::commands) struct HeadEndReport {
    /// The campaigns that were worked, as they stand in the end.
    pub(super) campaigns: Vec<WorkedCampaign>,
    /// Exchanges with the server that had work.
    pub(super) rounds: u64,
    /// What befell the calls.
    #[serde(flatten, serialize_with = "tally")]
    #[schema(value_type = CallTallyView)]
    pub(super) tally: CallTally,
    /// Calls that nothing came back of, as the server was told.
    pub(super) silent: u64,
    /// Answers that the server refused, by reason code.
    pub(super) refused: BTreeMap<String, u64>,
    /// Meters that people have to look at, by reason code.
    pub(super) stuck_by_reason: BTreeMap<String, u64>,
    /// The first of them by name.
    pub(super) stuck: Vec<StuckMeter>,
    /// Certificates that the server says are in use, and that lie in the meter's memory indeed.
    pub(super) compared: u64,
    /// What a server must never do, and did.
    pub(super) defects: Vec<String>,
    /// How long it took, in seconds.
    pub(super) seconds: f64,
}

/// A campaign in the end.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::commands) struct WorkedCampaign {
    pub(super) name: String,
    #[schema(value_type = CampaignWord)]
    pub(super) state: String,
    pub(super) meters: u64,
    pub(super) done: u64,
    pub(super) stuck: u64,
    pub(super) ended: u64,
}

/// A meter that people have to look at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::commands) struct StuckMeter {
    #[schema(value_type = SystemTitle)]
    pub(super) system_title: String,
    pub(super) why: String,
}

pub(super) async fn run(args: &HeadEndArgs, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    match (&args.orders, &args.answers) {
        (Some(orders), Some(answers)) => by_files(args, (orders, answers), printer).await,
        _ => {
            let report = exchange::run(args, open(args)?, &client(server)?, printer).await?;
            printer.result(&report, lines);
            judge(&report)
        }
    }
}

fn open(args: &HeadEndArgs) -> Result<HeadEnd, Failure> {
    let mut authorities = Vec::new();
    for file in &args.authorities {
        authorities.extend(roots(file)?);
    }
    let CallFaultArgs { lose_requests, lose_answers, restarts, wrong_answers, other_certificates, delay } =
        args.faults;
    let faults = CallFaults {
        lost_requests: lose_requests,
        lost_answers: lose_answers,
        restarts,
        wrong_answers,
        other_certificates,
        delay,
    };
    let fleet = fleet(&args.directory)?;
    HeadEnd::new(fleet, &authorities, (faults, args.seed, args.max_pdu))
        .map_err(|error| Failure::new(Exit::Usage, "sim.authority", error))
}

async fn by_files(
    args: &HeadEndArgs,
    (orders, answers): (&Path, &Path),
    printer: &Printer,
) -> Result<(), Failure> {
    // A call that is made and whose answer is written nowhere is lost.
    refuse_existing(answers)?;
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "sim.orders", format!("{}: {error}", orders.display()))
    };
    let text = std::fs::read_to_string(orders).map_err(|error| unreadable(&error))?;
    let orders = read_orders(&text).map_err(|error| unreadable(&error))?;
    let head_end = open(args)?;
    let worked = head_end
        .work(&orders, SystemClock.now())
        .map_err(|error| Failure::new(Exit::Failed, "sim.failed", error))?;
    let mut lines = String::new();
    for answer in &worked.answers {
        let line =
            serde_json::to_string(answer).map_err(|error| Failure::new(Exit::Failed, "sim.failed", error))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    tokio::time::sleep(worked.delay).await;
    write_new(answers, lines.as_bytes())?;
    let view = RoundView { orders: orders.len(), answers: worked.answers.len(), tally: worked.tally };
    printer.result(&view, |view| {
        vec![
            format!("{} answers to {} orders in {}", view.answers, view.orders, answers.display()),
            befell(&view.tally),
            format!("next: meter-pki campaign answers {}", answers.display()),
        ]
    });
    Ok(())
}

fn befell(tally: &CallTally) -> String {
    let CallTally { calls, lost, restarts, wrong, late, foreign } = tally;
    let mut line = format!(
        "{calls} calls; on purpose: {lost} lost, {restarts} restarts, {wrong} wrong answers; {late} not made, since their time was over"
    );
    if *foreign > 0 {
        line.push_str(&format!("; {foreign} are for meters that are not of this fleet"));
    }
    line
}

fn lines(report: &HeadEndReport) -> Vec<String> {
    let campaign = |one: &WorkedCampaign| {
        format!(
            "{} is {}: {} of {} meters are through, {} stuck, {} given up",
            one.name, one.state, one.done, one.meters, one.stuck, one.ended
        )
    };
    let mut lines: Vec<String> = report.campaigns.iter().map(campaign).collect();
    if lines.is_empty() {
        lines.push("no campaign gives work to a head-end".to_owned());
    }
    lines.push(format!("{} exchanges in {:.1} s", report.rounds, report.seconds));
    lines.push(befell(&report.tally));
    lines.push(format!("{} times nothing came back", report.silent));
    lines.extend(report.refused.iter().map(|(code, count)| format!("refused: {count} answers: {code}")));
    lines.push(format!("{} certificates are in their meters, as the server says", report.compared));
    lines.extend(report.stuck_by_reason.iter().map(|(code, count)| format!("stuck: {count}: {code}")));
    lines.extend(report.defects.iter().take(TOLD).map(|what| format!("DEFECT of the server: {what}")));
    lines
}

/// A server that believes a wrong answer is worse than one that leaves meters behind.
fn judge(report: &HeadEndReport) -> Result<(), Failure> {
    if !report.defects.is_empty() {
        let message = format!("{} times the server did what no server may do", report.defects.len());
        return Err(Failure::new(Exit::Integrity, "sim.defect", message));
    }
    let sum = |of: fn(&WorkedCampaign) -> u64| report.campaigns.iter().map(of).fold(0, u64::saturating_add);
    let (meters, done) = (sum(|one| one.meters), sum(|one| one.done));
    if done < meters {
        let message = format!("{} of {meters} meters are stuck, or not begun", meters.saturating_sub(done));
        return Err(Failure::new(Exit::Partial, "sim.stuck", message)
            .then("`meter-pki campaign stuck`, then `campaign resume --stuck`, and the same command again"));
    }
    Ok(())
}

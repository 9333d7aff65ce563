//! `meter-pki campaign`: planning, deciding, looking, and the files of head-ends.

mod plot;
pub(super) mod report;
mod sheet;
pub(super) mod work;

use std::path::Path;

use super::printer::{Printer, heading, table};
use crate::cli::campaign::{CampaignCommand, CampaignPlanArgs};
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::campaigns::{
    AgainView, CampaignActText, CampaignPage, CampaignPlanText, CampaignPlanView, CampaignQueryText,
    CampaignView, DeviceChoiceText, MemberPage, MemberQueryText, MemberView, SwapView,
};

/// How many digits of a digest are shown in a list.
const SHORT_DIGEST: usize = 12;

pub(super) async fn run(
    verb: &CampaignCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        CampaignCommand::Plan(args) => plan(args, client, printer).await,
        CampaignCommand::List { state, limit, after } => {
            let query = CampaignQueryText { state: state.clone(), after: after.clone(), limit: *limit };
            let page: CampaignPage = client.get("/v1/campaigns", &query).await?;
            printer.result(&page, list_rows);
            Ok(())
        }
        CampaignCommand::Show { campaign, system_title: None } => {
            printer.result(&show(campaign, client).await?, report::lines);
            Ok(())
        }
        CampaignCommand::Show { campaign, system_title: Some(title) } => {
            let path = format!("/v1/campaigns/{}/devices/{}", escaped(campaign), escaped(title));
            let view: MemberView = client.get(&path, &()).await?;
            printer.result(&view, device_lines);
            Ok(())
        }
        CampaignCommand::Start { digest } => act(digest, ("request", None), client, printer).await,
        CampaignCommand::Approve { digest } => act(digest, ("approve", None), client, printer).await,
        CampaignCommand::Refuse { campaign, reason } => {
            act(campaign, ("refuse", Some(reason)), client, printer).await
        }
        CampaignCommand::Pause { campaign, reason } => {
            act(campaign, ("pause", Some(reason)), client, printer).await
        }
        CampaignCommand::Resume { campaign, stuck: false } => {
            act(campaign, ("resume", None), client, printer).await
        }
        CampaignCommand::Resume { campaign, stuck: true } => resume_stuck(campaign, client, printer).await,
        CampaignCommand::Abandon { campaign, reason } => {
            act(campaign, ("abandon", Some(reason)), client, printer).await
        }
        CampaignCommand::Report { campaign, form, out } => {
            report::report(campaign, (*form, out.as_deref()), client, printer).await
        }
        CampaignCommand::Stuck { campaign, limit, after } => {
            let query = MemberQueryText { stuck: true, after: after.clone(), limit: *limit };
            let path = format!("/v1/campaigns/{}/devices", escaped(campaign));
            let page: MemberPage = client.get(&path, &query).await?;
            printer.result(&page, stuck_rows);
            Ok(())
        }
        CampaignCommand::WorkOrders { campaign, limit, max_pdu, out } => {
            work::take_orders(campaign.as_deref(), (*limit, *max_pdu, out), client, printer).await
        }
        CampaignCommand::Answers { file } => work::bring_answers(file, client, printer).await,
    }
}

pub(super) async fn show(campaign: &str, client: &OperatorClient) -> Result<CampaignView, Failure> {
    client.get(&format!("/v1/campaigns/{}", escaped(campaign)), &()).await
}

async fn act(
    campaign: &str,
    (act, reason): (&str, Option<&String>),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let text = CampaignActText { act: act.to_owned(), reason: reason.cloned() };
    // To lead a campaign is one permission, to decide of it another.
    let place = if matches!(act, "approve" | "refuse") { "decisions" } else { "acts" };
    let path = format!("/v1/campaigns/{}/{place}", escaped(campaign));
    let view: CampaignView = client.post(&path, &text).await?;
    printer.result(&view, |view| vec![outcome(view)]);
    Ok(())
}

/// What is stuck is tried again; a campaign that is paused goes on with it.
async fn resume_stuck(campaign: &str, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let path = format!("/v1/campaigns/{}/again", escaped(campaign));
    let again: AgainView = client.post(&path, &()).await?;
    if show(campaign, client).await?.state == "paused" {
        return act(campaign, ("resume", None), client, printer).await;
    }
    printer.result(&again, |again| vec![format!("{} devices are tried again", again.devices)]);
    Ok(())
}

/// What became of a campaign, in one sentence.
fn outcome(view: &CampaignView) -> String {
    let what =
        format!("the campaign {} ({} {} devices: {})", view.name, view.goal, view.count, view.selection);
    match view.state.as_str() {
        "waiting" => format!(
            "{what} waits for another operator, until {}: meter-pki campaign approve {}",
            view.expires_at, view.digest
        ),
        "paused" | "ending" | "refused" => {
            format!("{what} is {} ({})", view.state, view.stopped_for.as_deref().unwrap_or_default())
        }
        state => format!("{what} is {state}"),
    }
}

async fn plan(args: &CampaignPlanArgs, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let titles = args.file.as_deref().map(titles).transpose()?.unwrap_or_default();
    let text = CampaignPlanText {
        tenant: args.tenant.clone(),
        name: args.name.clone(),
        goal: args.goal.clone(),
        road: args.road.clone(),
        profiles: args.profiles.clone(),
        security_setup: args.security_setup,
        security_policy: Some(args.security_policy.clone()).filter(|words| !words.is_empty()),
        choice: DeviceChoiceText {
            system_titles: titles,
            manufacturer: args.manufacturer.clone(),
            model: args.model.clone(),
            firmware: args.firmware.clone(),
            batch: args.batch.clone(),
            region: args.region.clone(),
            concentrator: args.concentrator.clone(),
            expires_before: args.expires_before.clone(),
        },
        waves: args.waves.clone(),
        stop_percent: args.stop_percent,
        per_minute: args.per_minute,
        per_concentrator: args.per_concentrator,
        window: args.window.clone(),
        lease_seconds: args.lease_seconds,
        pause_seconds: args.pause_seconds,
        attempts: args.attempts,
        device_seconds: args.device_seconds,
    };
    let view: CampaignPlanView = client.post("/v1/campaign-plans", &text).await?;
    printer.result(&view, plan_lines);
    Ok(())
}

/// Reads system titles, one on each line; what follows a comma, and lines that begin with #, are not read.
fn titles(file: &Path) -> Result<Vec<String>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "campaign.file", format!("{}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let first = |line: &str| line.split(',').next().unwrap_or_default().trim().to_owned();
    let titles: Vec<String> = text
        .lines()
        .map(first)
        .filter(|title| !title.is_empty() && !title.starts_with('#') && title != "system_title")
        .collect();
    if titles.is_empty() { Err(unreadable(&"it names no system title")) } else { Ok(titles) }
}

fn plan_lines(plan: &CampaignPlanView) -> Vec<String> {
    let mut lines = Vec::new();
    match &plan.campaign {
        None => lines.push("no device is left for the campaign".to_owned()),
        Some(campaign) => {
            lines.push(format!("{} devices, {} certificates", campaign.count, plan.reckoning.certificates));
            let sizes: Vec<String> = campaign.waves.iter().map(|wave| wave.devices.to_string()).collect();
            lines.push(format!("waves of {}", sizes.join(", ")));
        }
    }
    for one in &plan.left_out {
        lines.push(format!(
            "left out: {} ({}), the first is {}: {}",
            one.count, one.code, one.first, one.message
        ));
    }
    let reckoning = &plan.reckoning;
    match (reckoning.microseconds_each, reckoning.signing_seconds) {
        (Some(each), Some(seconds)) => lines.push(format!(
            "signing takes {} at least: {each} microseconds each, by {} signatures measured here",
            duration(seconds),
            reckoning.measured_signatures
        )),
        _ => lines.push("how long signing takes is not known: nothing was signed since the start".to_owned()),
    }
    lines.push(format!("beginning all devices takes {} at this pace", duration(reckoning.pacing_seconds)));
    if plan.busiest_concentrator > 0 {
        lines.push(format!("{} devices are behind the busiest concentrator", plan.busiest_concentrator));
    }
    if let Some(campaign) = &plan.campaign {
        lines.push(format!("digest: {}", campaign.digest));
        lines.push(format!(
            "to do it, until {}: meter-pki campaign start {}",
            campaign.expires_at, campaign.digest
        ));
    }
    lines
}

/// A length of time for people.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h", seconds.div_ceil(3_600)),
        _ => format!("{} days", seconds.div_ceil(86_400)),
    }
}

fn list_rows(page: &CampaignPage) -> Vec<String> {
    let names = [
        "DIGEST", "NAME", "STATE", "GOAL", "ROAD", "DEVICES", "DONE", "UNDERWAY", "STUCK", "WAVE", "EXPECTED",
    ];
    let mut rows = vec![heading(&names)];
    rows.extend(page.campaigns.iter().map(|one| {
        vec![
            one.digest.chars().take(SHORT_DIGEST).collect(),
            one.name.clone(),
            one.state.clone(),
            one.goal.clone(),
            one.road.clone(),
            one.count.to_string(),
            one.total.done.to_string(),
            one.total.underway.to_string(),
            one.total.stuck.to_string(),
            format!("{}/{}", one.wave, one.waves.len()),
            one.expected_at.clone().unwrap_or_default(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

/// The rows of stuck devices: which, why, where, and for how long.
fn stuck_rows(page: &MemberPage) -> Vec<String> {
    let mut rows = vec![heading(&["SYSTEM TITLE", "WAVE", "WHY", "TYPE", "STAGE", "ATTEMPTS", "SINCE"])];
    for device in &page.devices {
        let stuck = device.swaps.iter().find(|swap| swap.stuck);
        let of = |field: &dyn Fn(&SwapView) -> String| stuck.map(field).unwrap_or_default();
        rows.push(vec![
            device.system_title.clone(),
            device.wave.to_string(),
            device.trouble.clone(),
            of(&|swap| swap.purpose.clone()),
            of(&|swap| swap.stage.clone()),
            of(&|swap| swap.attempts.to_string()),
            device.since.clone().unwrap_or_default(),
        ]);
    }
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn device_lines(device: &MemberView) -> Vec<String> {
    let mut lines = vec![format!("{}: {}, wave {}", device.system_title, device.state, device.wave)];
    if !device.trouble.is_empty() {
        lines.push(format!("last trouble: {}", device.trouble));
    }
    for swap in &device.swaps {
        lines.push(format!(
            "{}: {}{}",
            swap.purpose,
            swap.stage,
            swap.serial.as_deref().map(|serial| format!(", certificate {serial}")).unwrap_or_default()
        ));
        lines.extend(
            swap.passed
                .iter()
                .map(|passed| format!("  {:<14} {} audit record {}", passed.stage, passed.at, passed.record)),
        );
    }
    for evidence in &device.evidence {
        lines.push(format!("done at {}, audit record {}", evidence.finished_at, evidence.record));
        lines.extend(
            evidence
                .factory_record
                .map(|record| format!("factory certificates superseded, audit record {record}")),
        );
        for one in &evidence.certificates {
            lines.push(format!("  {} {}: known by {}", one.purpose, one.serial, one.proof));
        }
    }
    lines
}

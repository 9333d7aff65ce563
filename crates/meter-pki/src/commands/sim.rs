//! `meter-pki sim`: simulated meters against a real server. It opens neither ledger nor keys of an authority.

mod exchange;
pub(super) mod export;
pub(super) mod head_end;
pub(super) mod views;

use std::path::Path;
use std::sync::Arc;

use ca_core::suite::SecuritySuite;
use serde::Serialize;
use signer_file::SystemEntropy;
use simulator::{Faults, Fleet, Maker, Report, Road, Run, RunError, Server};
use utoipa::ToSchema;
use views::RunView;

use super::credential::roots;
use super::printer::Printer;
use crate::cli::ServerArgs;
use crate::cli::sim::{FaultArgs, MakeArgs, RoadName, RunArgs, SimCommand, SuiteNumber};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};

/// How many defects are told in text; `--json` has all.
const TOLD: usize = 10;

/// A fleet that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MadeFleet)]
pub(in crate::commands) struct MadeView {
    directory: String,
    meters: u32,
    delivery: String,
    /// What the owner's configuration takes as `anchor_files` of the manufacturer.
    anchors: Vec<String>,
}

pub(super) async fn run(verb: &SimCommand, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    match verb {
        SimCommand::Make(args) => make(args, printer),
        SimCommand::Run(args) => play(args, printer).await,
        SimCommand::Export(args) => export::run(args, printer),
        SimCommand::HeadEnd(args) => head_end::run(args, server, printer).await,
    }
}

fn make(args: &MakeArgs, printer: &Printer) -> Result<(), Failure> {
    let flag = args.flag.as_bytes().try_into().ok().filter(|flag: &[u8; 3]| flag.is_ascii());
    let flag = flag.ok_or_else(|| {
        Failure::new(Exit::Usage, "sim.flag", format!("{:?} is not three letters", args.flag))
    })?;
    let suite = args.suite.map(|suite| match suite {
        SuiteNumber::One => SecuritySuite::Suite1,
        SuiteNumber::Two => SecuritySuite::Suite2,
    });
    let maker = Maker {
        meters: args.meters,
        suite,
        flag,
        batch: args.batch.clone(),
        concentrators: args.concentrators,
    };
    let step = printer.steps().begin("meters made", args.meters.into());
    let made = maker.make(&args.directory, |_| step.advance());
    step.end();
    made.map_err(|error| Failure::new(Exit::Failed, "sim.not-made", error))?;
    let at = |name: &str| args.directory.join(name).display().to_string();
    let suites = suite.map_or_else(|| vec![SecuritySuite::Suite1, SecuritySuite::Suite2], |one| vec![one]);
    let view = MadeView {
        directory: args.directory.display().to_string(),
        meters: args.meters,
        delivery: at("delivery.jsonl"),
        anchors: suites
            .into_iter()
            .map(|suite| at(&format!("maker-factory-{}.cer", suite.suffix())))
            .collect(),
    };
    printer.result(&view, |view| {
        vec![
            format!("{} meters are in {}", view.meters, view.directory),
            format!("their delivery: {}", view.delivery),
            format!("anchor_files of their manufacturer: {}", view.anchors.join(", ")),
            "next: import the delivery, then meter-pki sim run DIR --url URL --trust FILE,".to_owned(),
            "or for a campaign over a head-end meter-pki sim head-end DIR --until-done --authority FILE"
                .to_owned(),
        ]
    });
    Ok(())
}

fn fleet(directory: &Path) -> Result<Fleet, Failure> {
    Fleet::open(directory).map_err(|error| Failure::new(Exit::Usage, "sim.fleet", error))
}

async fn play(args: &RunArgs, printer: &Printer) -> Result<(), Failure> {
    let fleet = fleet(&args.directory)?;
    let step = printer.steps().begin("meters", u64::try_from(fleet.meters.len()).unwrap_or(u64::MAX));
    let run = Run {
        fleet,
        server: Server {
            address: args.url.clone(),
            label: args.label.clone(),
            roots: Arc::new(roots(&args.trust)?),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        },
        road: match args.road {
            RoadName::Est => Road::Est,
            RoadName::Cmp => Road::Cmp,
        },
        faults: faults(args.faults),
        seed: args.seed,
        patience: args.patience,
        at_once: args.at_once.into(),
    };
    let report = run.play(move |_| step.advance()).await.map_err(|error| {
        let exit = if matches!(error, RunError::Address { .. }) { Exit::Usage } else { Exit::Failed };
        Failure::new(exit, "sim.failed", error)
    })?;
    printer.result(&RunView::from(&report), |_| lines(&report));
    judge(&report)
}

const fn faults(args: FaultArgs) -> Faults {
    let FaultArgs { lose_requests, lose_answers, restarts, wrong_requests, delay } = args;
    Faults { lost_requests: lose_requests, lost_answers: lose_answers, restarts, wrong_requests, delay }
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} of {} meters are through, {} of them before; {} certificates in {:.1} s, half of them within {:.0} ms and 99 % within {:.0} ms",
            report.through,
            report.meters,
            report.through_before,
            report.certificates,
            report.seconds,
            report.p50_ms,
            report.p99_ms
        ),
        format!(
            "asked {} times; on purpose: {} messages lost, {} restarts, {} wrong requests, each refused",
            report.tries, report.lost, report.restarts, report.wrong_refused
        ),
    ];
    lines.extend(report.stuck_by_reason.iter().map(|(why, count)| format!("stuck: {count}: {why}")));
    lines.extend(report.defects.iter().take(TOLD).map(|what| format!("DEFECT of the server: {what}")));
    lines
}

/// A server that certifies what it must refuse is worse than one that leaves meters without certificates.
fn judge(report: &Report) -> Result<(), Failure> {
    if !report.defects.is_empty() {
        let message = format!("{} times the server did what no server may do", report.defects.len());
        return Err(Failure::new(Exit::Integrity, "sim.defect", message));
    }
    let stuck = report.meters.saturating_sub(report.through);
    if stuck > 0 {
        let message = format!("{stuck} of {} meters are stuck", report.meters);
        return Err(Failure::new(Exit::Partial, "sim.stuck", message)
            .then("the same command again goes on with them"));
    }
    Ok(())
}

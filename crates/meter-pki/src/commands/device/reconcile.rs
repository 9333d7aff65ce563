//! `device reconcile`: the right certificate on the right meter, by what a head-end exported, and no meter left out.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use utoipa::ToSchema;

use crate::cli::device::ReconcileArgs;
use crate::commands::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::new_file::write_new_private;
use crate::operator::client::OperatorClient;
use crate::operator::wire::fleet::{DevicePage, DeviceQueryText};
use crate::operator::wire::reconciliation::{DifferenceView, ExportedText, ReconciliationText};

/// How many lines go in one request.
const PER_REQUEST: usize = 500;

/// How many meters are looked at in one request.
const PER_PAGE: u32 = 1_000;

/// What a comparison with an export of a head-end came to.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = DeviceReconciliation)]
pub(in crate::commands) struct ReportView {
    compared: usize,
    differences: Vec<DifferenceView>,
}

pub(super) async fn run(
    args: &ReconcileArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut report = ReportView { compared: 0, differences: Vec::new() };
    let (mut share, mut named) = (Vec::new(), BTreeSet::new());
    for line in lines(&args.exported)? {
        let line = line?;
        named.insert(line.system_title.to_ascii_uppercase());
        share.push(line);
        if share.len() == PER_REQUEST {
            compare(&args.tenant, &mut share, &mut report, client).await?;
        }
    }
    compare(&args.tenant, &mut share, &mut report, client).await?;
    if !args.partial {
        look_for_missing(args, &named, &mut report, client).await?;
    }
    if let Some(file) = &args.csv {
        write_new_private(file, &as_csv(&report.differences)?)?;
    }
    printer.result(&report, told);
    if report.differences.is_empty() {
        return Ok(());
    }
    let message = format!("{} differences in {} lines", report.differences.len(), report.compared);
    Err(Failure::new(Exit::Integrity, "reconcile.differs", message)
        .then("meter-pki device show TITLE for each of them"))
}

/// Reads the lines one by one: an export of a whole fleet is not held in memory.
fn lines(file: &Path) -> Result<impl Iterator<Item = Result<ExportedText, Failure>>, Failure> {
    let unreadable = |file: &Path, error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "reconcile.file", format!("{}: {error}", file.display()))
    };
    let opened = File::open(file).map_err(|error| unreadable(file, &error))?;
    let file = file.to_owned();
    let lines = BufReader::new(opened).lines().enumerate();
    Ok(lines.filter(|(_, line)| line.as_ref().map_or(true, |line| !line.trim().is_empty())).map(
        move |(number, line)| {
            let at =
                |error: &dyn std::fmt::Display| unreadable(&file, &format!("line {}: {error}", number + 1));
            let line = line.map_err(|error| at(&error))?;
            serde_json::from_str(&line).map_err(|error| at(&error))
        },
    ))
}

async fn compare(
    tenant: &str,
    share: &mut Vec<ExportedText>,
    report: &mut ReportView,
    client: &OperatorClient,
) -> Result<(), Failure> {
    let exported = std::mem::take(share);
    if exported.is_empty() {
        return Ok(());
    }
    report.compared += exported.len();
    let text = ReconciliationText { tenant: tenant.to_owned(), exported, missing: Vec::new() };
    let found: Vec<DifferenceView> = client.post("/v1/reconciliations", &text).await?;
    report.differences.extend(found);
    Ok(())
}

/// Goes through the owner's meters that are in operation, and has those told that the export does not name.
async fn look_for_missing(
    args: &ReconcileArgs,
    named: &BTreeSet<String>,
    report: &mut ReportView,
    client: &OperatorClient,
) -> Result<(), Failure> {
    let mut query = DeviceQueryText {
        tenant: args.tenant.clone(),
        state: Some("operational".to_owned()),
        model: args.model.clone(),
        batch: args.batch.clone(),
        region: args.region.clone(),
        concentrator: args.concentrator.clone(),
        limit: PER_PAGE,
        ..DeviceQueryText::default()
    };
    loop {
        let page: DevicePage = client.get("/v1/devices", &query).await?;
        let titles = page.devices.into_iter().map(|device| device.system_title);
        let missing: Vec<String> = titles.filter(|title| !named.contains(title)).collect();
        for some in missing.chunks(PER_REQUEST) {
            let (tenant, missing) = (args.tenant.clone(), some.to_vec());
            let text = ReconciliationText { tenant, exported: Vec::new(), missing };
            let found: Vec<DifferenceView> = client.post("/v1/reconciliations", &text).await?;
            report.differences.extend(found);
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(());
        }
    }
}

fn as_csv(differences: &[DifferenceView]) -> Result<Vec<u8>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "reconcile.csv", error);
    let mut writer = csv::Writer::from_writer(Vec::new());
    for one in differences {
        writer.serialize(one).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

fn told(report: &ReportView) -> Vec<String> {
    let mut lines = Vec::new();
    if !report.differences.is_empty() {
        let mut rows = vec![heading(&["SYSTEM TITLE", "PURPOSE", "CODE", "SERIAL", "WHAT"])];
        rows.extend(report.differences.iter().map(|one| {
            vec![
                one.system_title.clone(),
                one.purpose.clone(),
                one.code.clone(),
                one.serial.clone().unwrap_or_default(),
                one.message.clone(),
            ]
        }));
        lines.extend(table(&rows));
    }
    lines.push(format!("{} lines compared, {} differences", report.compared, report.differences.len()));
    lines
}

//! `meter-pki campaign report`: how far it is, what is stuck and why, for people, for programs, as a workbook and as a plot.

use std::borrow::Cow;
use std::path::Path;

use serde::Serialize;
use utoipa::openapi::schema::{AllOfBuilder, ArrayBuilder, ArrayItems};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{plot, sheet, show, stuck_rows};
use crate::cli::campaign::ReportForm;
use crate::commands::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::new_file::write_new;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::campaigns::{CampaignView, MemberPage, MemberQueryText, MemberView, WaveView};

/// How many devices are asked for together.
const PAGE: u32 = 1_000;

/// How many stuck devices a report for people names.
const NAMED: u32 = 100;

/// The columns of a report of every device.
pub(super) const COLUMNS: [&str; 9] =
    ["system_title", "wave", "state", "trouble", "since", "concentrator", "type", "stage", "serial"];

/// How a campaign stands, and the first of its devices that are stuck: an array of both.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct CampaignReport(CampaignView, MemberPage);

impl PartialSchema for CampaignReport {
    fn schema() -> RefOr<Schema> {
        let place = |name| Schema::AllOf(AllOfBuilder::new().item(Ref::from_schema_name(name)).build());
        ArrayBuilder::new()
            .prefix_items([place(CampaignView::name()), place(MemberPage::name())])
            .items(ArrayItems::False)
            .min_items(Some(2))
            .description(Some("How a campaign stands, and the first of its devices that are stuck."))
            .into()
    }
}

impl ToSchema for CampaignReport {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("CampaignReport")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CampaignView::name().into_owned(), CampaignView::schema()));
        CampaignView::schemas(schemas);
        schemas.push((MemberPage::name().into_owned(), MemberPage::schema()));
        MemberPage::schemas(schemas);
    }
}

pub(super) async fn report(
    campaign: &str,
    (form, out): (ReportForm, Option<&Path>),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let view = show(campaign, client).await?;
    match form {
        ReportForm::Text => {
            let query = MemberQueryText { stuck: true, after: None, limit: NAMED };
            let stuck: MemberPage = client.get(&devices_path(campaign), &query).await?;
            let told = CampaignReport(view, stuck);
            match out {
                Some(file) => write_new(file, (text(&told).join("\n") + "\n").as_bytes()),
                None => {
                    printer.result(&told, text);
                    Ok(())
                }
            }
        }
        ReportForm::Csv => {
            let mut csv = csv::Writer::from_writer(Vec::new());
            let broken = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "report.csv", error);
            csv.write_record(COLUMNS).map_err(|error| broken(&error))?;
            for device in every_device(campaign, client).await? {
                for row in rows(&device) {
                    csv.write_record(row).map_err(|error| broken(&error))?;
                }
            }
            let octets = csv.into_inner().map_err(|error| broken(&error))?;
            give(&octets, out, printer)
        }
        ReportForm::Xlsx => {
            let devices = every_device(campaign, client).await?;
            let octets = sheet::workbook(&view, &devices)?;
            give(&octets, out, printer)
        }
        ReportForm::Svg => {
            let devices = every_device(campaign, client).await?;
            give(plot::plot(&view, &devices).as_bytes(), out, printer)
        }
    }
}

fn devices_path(campaign: &str) -> String {
    format!("/v1/campaigns/{}/devices", escaped(campaign))
}

async fn every_device(campaign: &str, client: &OperatorClient) -> Result<Vec<MemberView>, Failure> {
    let mut devices = Vec::new();
    let mut after = None;
    loop {
        let query = MemberQueryText { stuck: false, after, limit: PAGE };
        let page: MemberPage = client.get(&devices_path(campaign), &query).await?;
        devices.extend(page.devices);
        after = page.next;
        if after.is_none() {
            return Ok(devices);
        }
    }
}

/// One row for each certificate of a device, and one for a device that is not begun.
pub(super) fn rows(device: &MemberView) -> Vec<[String; 9]> {
    let row = |purpose: &str, stage: &str, serial: &str| {
        [
            device.system_title.clone(),
            device.wave.to_string(),
            device.state.clone(),
            device.trouble.clone(),
            device.since.clone().unwrap_or_default(),
            device.concentrator.clone().unwrap_or_default(),
            purpose.to_owned(),
            stage.to_owned(),
            serial.to_owned(),
        ]
    };
    if device.swaps.is_empty() {
        return vec![row("", "", "")];
    }
    let swaps = device.swaps.iter();
    swaps.map(|swap| row(&swap.purpose, &swap.stage, swap.serial.as_deref().unwrap_or_default())).collect()
}

fn give(octets: &[u8], out: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    match out {
        Some(file) => write_new(file, octets),
        None => {
            printer.script(&String::from_utf8_lossy(octets));
            Ok(())
        }
    }
}

fn text(CampaignReport(view, stuck): &CampaignReport) -> Vec<String> {
    let mut lines = lines(view);
    if !stuck.devices.is_empty() {
        lines.push(String::new());
        lines.extend(stuck_rows(stuck));
    }
    lines
}

/// A campaign for people.
pub(super) fn lines(view: &CampaignView) -> Vec<String> {
    let total = &view.total;
    let mut lines = vec![
        format!(
            "{} of {} done, {} under way, {} stuck, {} waiting, {} given up",
            total.done, view.count, total.underway, total.stuck, total.waiting, total.ended
        ),
        format!("campaign:    {}", view.name),
        format!("digest:      {}", view.digest),
        format!("state:       {}", view.state),
        format!("what:        {} by {}: {}", view.goal, view.road, view.profiles.join(", ")),
        format!("devices:     {}", view.selection),
        format!("planned:     {} at {}", view.planned.by, view.planned.at),
    ];
    lines.extend(view.requested.iter().map(|by| format!("asked for:   {} at {}", by.by, by.at)));
    lines.extend(view.approvals.iter().map(|by| format!("approved:    {} at {}", by.by, by.at)));
    if let (Some(by), Some(reason)) = (&view.stopped, &view.stopped_for) {
        lines.push(format!("stopped:     {} at {}: {reason}", by.by, by.at));
    }
    lines.extend(view.begun_at.iter().map(|time| format!("begun:       {time}")));
    lines.extend(view.expected_at.iter().map(|time| format!("expected:    {time}, by how it went so far")));
    lines.extend(view.finished_at.iter().map(|time| format!("finished:    {time}")));
    let mut rows = vec![heading(&["WAVE", "DEVICES", "WAITING", "UNDERWAY", "STUCK", "DONE", "GIVEN UP"])];
    rows.extend((1_u32..).zip(&view.waves).map(|(number, wave)| wave_row(number, wave)));
    lines.extend(table(&rows));
    lines
}

fn wave_row(number: u32, wave: &WaveView) -> Vec<String> {
    let counts = [wave.devices, wave.waiting, wave.underway, wave.stuck, wave.done, wave.ended];
    std::iter::once(number.to_string()).chain(counts.iter().map(ToString::to_string)).collect()
}

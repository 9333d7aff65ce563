//! What a quickstart tells at its end: what was done, where everything lies, what to type next.

use std::io::Write;

use super::claiming::{CampaignTold, DeliveryTold, HistoryTold};
use super::story::Told;
use super::technician::DayTold;
use crate::json_text::json_text;

/// Prints the report on standard output: text, or one JSON object.
pub(super) fn print(told: &Told, json: bool) {
    let text = if json { json_text(told) } else { lines(told).join("\n") };
    // Nobody reads any more: nothing is left to say.
    drop(writeln!(std::io::stdout().lock(), "{text}"));
}

fn lines(told: &Told) -> Vec<String> {
    let state = &told.state;
    let mut lines = vec![
        String::new(),
        "A smart-metering PKI is at work (a rehearsal: keys are files).".to_owned(),
        String::new(),
        format!("  meters            {} in suites 1 and 2, six certificates each", told.meters),
        format!(
            "  this time         {} manufactured, {} swapped over EST (and one ahead, at first over CMP)",
            told.manufactured, told.swapped
        ),
    ];
    lines.extend(told.delivery.iter().map(delivered));
    lines.extend(told.campaign.iter().map(swapped));
    lines.extend(history(&told.history));
    lines.extend(told.technician.iter().flat_map(day));
    lines.extend([
        format!(
            "  first certificate in service with OCSP {} after {:.1} s",
            told.ocsp_before, told.first_good_seconds
        ),
        format!("  revoked           {} of {}", told.revoked_serial, told.revoked_issuer),
        format!("  CRL               number {}, {} entries, lists it", told.crl_number, told.crl_entries),
        format!("  OCSP              says {}", told.ocsp_after),
        format!("  in all            {:.1} s", told.total_seconds),
        String::new(),
        format!("  EST               {}<label>/", told.est),
    ]);
    lines.extend(told.cmp.iter().map(|cmp| format!("  CMP               {cmp}<label>")));
    lines.extend([format!("  CRL, CA, OCSP     {}", told.status)]);
    lines.extend(
        told.console
            .iter()
            .map(|console| format!("  console           {console}, for certificates in {state}/people/")),
    );
    lines.extend([
        format!("  configuration     {state}/meter-pki.toml"),
        format!("  authorities       {state}/authorities/"),
        format!("  what meters hold  {state}/fleet/"),
        String::new(),
        "Next, in another terminal:".to_owned(),
        format!("  meter-pki --config {state}/meter-pki.toml cert list --limit 10"),
        format!("  meter-pki --config {state}/meter-pki.toml cert show {}", told.revoked_serial),
        format!("  meter-pki --config {state}/meter-pki.toml audit verify"),
        format!("  meter-pki --config {state}/meter-pki.toml campaign list"),
        format!(
            "  meter-pki --config {state}/meter-pki.toml device history {} --verify {}",
            told.history.system_title, told.history.file
        ),
    ]);
    lines.extend(
        told.technician
            .iter()
            .map(|day| format!("  meter-pki --config {} visit list --own --limit 10", day.client_file)),
    );
    lines.extend(told.by_openssl.iter().flat_map(|commands| {
        let heading =
            "A certificate in the place of the revoked one, by somebody else's CMP client:".to_owned();
        [String::new(), heading].into_iter().chain(commands.iter().map(|command| format!("  {command}")))
    }));
    lines
}

fn delivered(told: &DeliveryTold) -> String {
    format!(
        "  delivered         {} meters by the signed manifest {}; a second import: refused ({})",
        told.totals.received, told.manifest, told.imported_again
    )
}

fn swapped(told: &CampaignTold) -> String {
    let waves: Vec<String> = told.waves.iter().map(ToString::to_string).collect();
    format!(
        "  campaign          {}: {} of {} done, {} stuck; {} certificates over DLMS, waves of {}",
        told.name,
        told.done,
        told.devices,
        told.stuck,
        told.certificates,
        waves.join(" and ")
    )
}

/// Who owned a meter when: the lines of its history, and that each of them is in the audit log.
fn history(told: &HistoryTold) -> Vec<String> {
    let mut lines = vec![format!("  history           of {}", told.system_title)];
    lines.extend(told.lines.iter().map(|line| {
        let owner = if line.owner.is_empty() { String::new() } else { format!(", owner {}", line.owner) };
        format!("                    {} {}{owner} (audit record {})", line.time, line.event, line.record)
    }));
    lines.push(format!(
        "                    {} records proven, by the checkpoint over {} records",
        told.proved_records, told.checkpoint
    ));
    lines
}

/// What a technician's day came to, and what OCSP said of his certificates in turn.
fn day(told: &DayTold) -> Vec<String> {
    let answers =
        |both: &[Option<String>; 2]| both.iter().flatten().cloned().collect::<Vec<_>>().join(" and ");
    let [before, renewed, after] = told.ocsp.each_ref().map(answers);
    vec![
        format!(
            "  technician        {} on visit {} to meter {}, approved by {}",
            told.technician,
            told.visit,
            told.meter,
            told.approved_by.join(" and ")
        ),
        format!(
            "                    certificate for unit {} until {}: OCSP {before}; after its renewal {renewed}; after the visit {after}",
            told.unit, told.first_good_until
        ),
        format!(
            "                    took along {}; brought back {} signed receipts, {} faults",
            told.bundle, told.receipts, told.faults
        ),
    ]
}

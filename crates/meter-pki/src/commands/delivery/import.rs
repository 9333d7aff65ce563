//! `meter-pki delivery import`: a delivery is read twice, once to be checked and once to be sent, part by part.
//!
//! A part is a thousand rows of the file, whatever is faulty among them, so that a run that was cut short goes on where the
//! server says. The file may not change between: its digest is compared before the delivery is closed.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use ca_core::record::DeliveredDevice;
use deliveries::checks::Checks;
use deliveries::fault::{Fault, Place, ReadError};
use deliveries::reading::Taker;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::outcome::{CheckView, Outcome};
use super::{Opened, checked, unreadable};
use crate::cli::delivery::ImportArgs;
use crate::commands::imported;
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::{
    DeliveredDeviceText, DeliveryCloseText, DeliveryPartText, DeliveryPartView, DeliveryText, DeliveryView,
    TotalsView,
};
use crate::operator::wire::fleet::RefusedDeviceView;
use crate::operator::wire::words;

/// The number of the first part.
pub(super) const FIRST_PART: u32 = 0;

/// How many rows go in one part.
const PER_PART: u64 = 1_000;
/// How many refused devices are told one by one.
const TOLD: usize = 1_000;
/// After how many parts people are told how far it is.
const PROGRESS: u32 = 25;

/// What came of an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedDelivery)]
pub(in crate::commands) struct ImportedView {
    file: String,
    #[schema(value_type = words::Sha256)]
    digest: String,
    #[serde(flatten)]
    totals: TotalsView,
    /// How many rows were left out because they are faulty.
    faulty: u64,
    /// The part from which this run went on; 0 for a whole import.
    from_part: u32,
    /// Refused by the server in this run, the first thousand.
    refusals: Vec<RefusedDeviceView>,
}

pub(super) async fn import(
    args: &ImportArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut opened = Opened::of(&args.check.delivery, args.check.announced)?;
    let before = digest(&opened.file)?;
    let outcome = checked(&opened, &args.check)?;
    refuse_faults(args, &opened, &outcome, printer)?;
    let summary = outcome.summary;
    if summary.total_faults() == 0 {
        // What was checked once need not be checked again.
        opened.checks = Checks::default();
    }
    let text = DeliveryText {
        tenant: args.tenant.clone(),
        manufacturer: args.manufacturer.clone(),
        source: "mapped".to_owned(),
        digest: before.clone(),
        batch: args.batch.clone().unwrap_or_else(|| name(&opened.file)),
        announced: summary.announced.unwrap_or(summary.rows),
        header: None,
        map: Some(hex::encode(opened.map_digest)),
    };
    let stands: DeliveryView = client.post("/v1/deliveries", &text).await?;
    if stands.closed {
        let message = format!("{} was imported before", opened.file.display());
        return Err(Failure::new(Exit::Conflict, "delivery.repeated", message));
    }
    let refusals = send(&opened, &stands, summary.rows, client, printer).await?;
    if digest(&opened.file)? != before {
        let message = format!("{} was changed while it was read", opened.file.display());
        return Err(Failure::new(Exit::Integrity, "delivery.changed", message)
            .then("the delivery stays open; find out who writes to the file, and compare it with what was delivered"));
    }
    let close = DeliveryCloseText { accept_count: args.accept_count };
    let closed: DeliveryView = client.post(&format!("/v1/deliveries/{before}/close"), &close).await?;
    let totals = TotalsView::from(&closed);
    let view = ImportedView {
        file: opened.file.display().to_string(),
        digest: before,
        totals,
        faulty: summary.rows.saturating_sub(summary.good),
        from_part: stands.next_part,
        refusals,
    };
    told(&view, printer)
}

/// Stops at faults, unless the rows without one are wanted.
fn refuse_faults(
    args: &ImportArgs,
    opened: &Opened,
    outcome: &Outcome,
    printer: &Printer,
) -> Result<(), Failure> {
    if outcome.summary.total_faults() == 0 {
        return Ok(());
    }
    let view = CheckView::of(opened, outcome);
    if args.accept_good_rows {
        view.lines().iter().for_each(|line| printer.progress(line));
        return Ok(());
    }
    printer.result(&view, CheckView::lines);
    let failure = outcome.failure(opened, args.check.faults.as_deref());
    let message = format!("nothing was imported: {}", failure.message);
    let next = format!("{}; --accept-good-rows imports the rows without a fault", failure.next);
    Err(Failure::new(failure.exit, &failure.code, message).then(next))
}

/// Sends the parts that the server does not have, and returns what it refused of them.
async fn send(
    opened: &Opened,
    stands: &DeliveryView,
    rows: u64,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<Vec<RefusedDeviceView>, Failure> {
    // Two parts are read ahead, no more: a slow server slows the reading.
    let (give, mut take) = mpsc::channel(2);
    let (reading, next) = (opened.clone(), stands.next_part);
    let reader = tokio::task::spawn_blocking(move || {
        let mut parts = Parts { next, part: FIRST_PART, devices: Vec::new(), give };
        match reading.read_with(&mut parts) {
            Ok(_) => parts.finish(rows),
            Err(error) => Err(error),
        }
    });
    let path = format!("/v1/deliveries/{}/parts", stands.digest);
    let parts = rows.div_ceil(PER_PART);
    let mut refusals = Vec::new();
    while let Some(part) = take.recv().await {
        let view: DeliveryPartView = client.post(&path, &part).await?;
        refusals.extend(view.refused);
        refusals.truncate(TOLD);
        if part.part % PROGRESS == 0 {
            printer.progress(&format!("part {} of {parts} is taken in", part.part.saturating_add(1)));
        }
    }
    match reader.await {
        Ok(Ok(())) => Ok(refusals),
        Ok(Err(error)) => Err(unreadable(&opened.file, &error)),
        Err(error) => Err(Failure::new(Exit::Failed, "delivery.reader", error)),
    }
}

/// Gathers devices to parts, and hands over those from `next` on.
struct Parts {
    next: u32,
    /// The part that is being gathered.
    part: u32,
    devices: Vec<DeliveredDeviceText>,
    give: mpsc::Sender<DeliveryPartText>,
}

impl Parts {
    /// Hands over every part before `part`.
    fn until(&mut self, part: u32) -> Result<(), ReadError> {
        while self.part < part {
            let devices = std::mem::take(&mut self.devices);
            if self.part >= self.next {
                let part = DeliveryPartText { part: self.part, devices, share: None };
                self.give.blocking_send(part).map_err(|_| ReadError::Stopped)?;
            }
            self.part = self.part.saturating_add(1);
        }
        Ok(())
    }

    /// Hands over what is left of a file with so many rows.
    fn finish(mut self, rows: u64) -> Result<(), ReadError> {
        self.until(part_of(rows.div_ceil(PER_PART).saturating_mul(PER_PART)))
    }
}

/// The part that a row belongs to, counted from 0.
fn part_of(row: u64) -> u32 {
    u32::try_from(row / PER_PART).unwrap_or(u32::MAX).saturating_add(FIRST_PART)
}

impl Taker for Parts {
    fn device(&mut self, _place: Place, number: u64, device: DeliveredDevice) -> Result<(), ReadError> {
        self.until(part_of(number))?;
        if self.part >= self.next {
            self.devices.push(DeliveredDeviceText::from(&device));
        }
        Ok(())
    }

    fn fault(&mut self, _fault: Fault) -> Result<(), ReadError> {
        Ok(())
    }
}

fn digest(file: &Path) -> Result<String, Failure> {
    let unreadable = |error| unreadable(file, &ReadError::Io(error));
    let mut reader = File::open(file).map_err(unreadable)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 65_536]);
    loop {
        match reader.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex::encode(hash.finalize())),
            length => hash.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Prints what came of it; devices that were refused or left out make it a failure.
fn told(view: &ImportedView, printer: &Printer) -> Result<(), Failure> {
    printer.result(view, |view| imported::lines(&view.file, view.totals, &view.refusals));
    if view.totals.refused > 0 {
        let message = format!("{} devices were refused", view.totals.refused);
        return Err(Failure::new(Exit::Partial, "device.refused", message)
            .then("ask whoever delivered them for a file with these devices alone, once they are mended"));
    }
    if view.faulty > 0 {
        let message = format!("{} faulty rows were left out", view.faulty);
        return Err(Failure::new(Exit::Partial, "delivery.faulty", message)
            .then("ask whoever delivered them for a file with these devices alone, once they are mended"));
    }
    Ok(())
}

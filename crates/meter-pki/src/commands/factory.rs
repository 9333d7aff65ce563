//! `meter-pki factory`: production orders, issuing for a line, scrapping, and what an order came to.

use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use super::printer::{Printer, heading, table};
use super::shipment::create::make;
use super::shipment::views::HeaderView;
use crate::cli::factory::{CloseArgs, FactoryCommand, IssueArgs, ManifestArgs, OpenArgs, OrderCommand};
use crate::cli::shipment::CreateArgs;
use crate::exit::{Exit, Failure};
use crate::factory::delivery::{Reconciliation, SerialNumbers, reconcile, serial_numbers};
use crate::factory::{Line, LineReport};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::production::{
    ProductionEndText, ProductionPage, ProductionQueryText, ProductionText, ProductionView, ScrapText,
    ScrapView, TitleRange,
};

/// How many certificates there are between two lines of progress.
const PROGRESS: u64 = 1_000;

pub(super) async fn run(
    verb: &FactoryCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        FactoryCommand::Order(verb) => order(verb, client, printer).await,
        FactoryCommand::Issue(args) => issue(args, client, printer).await,
        FactoryCommand::Scrap { system_title, order, reason } => {
            let text = ScrapText { system_title: system_title.clone(), reason: reason.clone() };
            let view: ScrapView = client.post(&path(order, "/scraps"), &text).await?;
            printer.result(&view, |view| {
                let mut lines = vec![format!(
                    "{} is scrapped: {} certificates revoked, its place is free",
                    view.system_title,
                    view.revoked.len()
                )];
                lines.extend(counts(&view.order));
                lines
            });
            Ok(())
        }
        FactoryCommand::Close(args) => close(args, client, printer).await,
        FactoryCommand::Report { order, delivery, serial_numbers } => {
            let view = shown(client, order).await?;
            let numbers = numbers(serial_numbers.as_deref())?;
            let delivery = delivery.as_deref().map(|file| (file, &numbers));
            printer.result(&reconcile(client, view, delivery).await?, reconciled);
            Ok(())
        }
    }
}

async fn order(verb: &OrderCommand, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    match verb {
        OrderCommand::Open(args) => {
            let view: ProductionView = client.post("/v1/production", &wanted(args)?).await?;
            printer.result(&view, lines);
        }
        OrderCommand::List { tenant, state, limit, after } => {
            let query = ProductionQueryText {
                tenant: tenant.clone(),
                state: state.clone(),
                after: after.clone(),
                limit: *limit,
            };
            let page: ProductionPage = client.get("/v1/production", &query).await?;
            printer.result(&page, rows);
        }
        OrderCommand::Show { id } => printer.result(&shown(client, id).await?, lines),
        OrderCommand::Close { id, accept_missing } => {
            check_missing(client, id, *accept_missing).await?;
            let view = end(client, id, None).await?;
            printer.result(&view, lines);
        }
        OrderCommand::Cancel { id, reason } => {
            let view = end(client, id, Some(reason.clone())).await?;
            printer.result(&view, lines);
        }
    }
    Ok(())
}

async fn issue(args: &IssueArgs, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    // Before anything is read: whether there is such an order, and somebody serves.
    let view = shown(client, &args.order).await?;
    let told = std::cell::Cell::new(0);
    let progress = |report: &LineReport| {
        let written = report.issued + report.repeated;
        if written / PROGRESS > told.get() {
            told.set(written / PROGRESS);
            printer.progress(&format!("{written} certificates written, {} refused", report.refused));
        }
    };
    let requests = (args.requests.as_path(), args.manifest.as_deref());
    let line = Line::open((client, &view.id), requests, &args.out, &progress)?;
    let report = line.run().await?;
    let refused = report.refused;
    printer.result(&report, |report| {
        vec![
            format!(
                "{} issued, {} given again, {} done before, {} refused",
                report.issued, report.repeated, report.done_before, report.refused
            ),
            format!("of {} requests, beside {} other files", report.requests, report.ignored),
        ]
    });
    if refused == 0 {
        return Ok(());
    }
    let message = format!("{refused} files have no certificate");
    Err(Failure::new(Exit::Partial, "line.partial", message)
        .then(format!("look at {}, then type the same command again", report.faults)))
}

/// The same command again writes the delivery of an order that is closed.
async fn close(args: &CloseArgs, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let numbers = numbers(args.serial_numbers.as_deref())?;
    let view = check_missing(client, &args.order, args.accept_missing).await?;
    let view = if view.state == "closed" { view } else { end(client, &args.order, None).await? };
    let told = reconcile(client, view, Some((args.delivery.as_path(), &numbers))).await?;
    let manifest = manifest(args, &told.order)?;
    printer.result(&Closed { reconciliation: told, manifest }, |closed| {
        let mut lines = reconciled(&closed.reconciliation);
        lines.extend(closed.manifest.iter().flat_map(HeaderView::lines));
        lines
    });
    Ok(())
}

/// An order that is closed, and the manifest of its delivery where one was made.
#[derive(Serialize, ToSchema)]
#[schema(as = ClosedOrder)]
pub(in crate::commands) struct Closed {
    #[serde(flatten)]
    reconciliation: Reconciliation,
    manifest: Option<HeaderView>,
}

/// Makes the manifest of a delivery that was written, for the customer of its order.
fn manifest(args: &CloseArgs, order: &ProductionView) -> Result<Option<HeaderView>, Failure> {
    let ManifestArgs { manifest, signer, token, recipient, shipment } = args.manifest.clone();
    let (Some(out), Some(signer), Some(recipient)) = (manifest, signer, recipient) else { return Ok(None) };
    let customer = order.customer.clone().ok_or_else(|| {
        let message = format!("the order {} names no customer for whom a manifest could be sealed", order.id);
        Failure::new(Exit::Conflict, "order.customer", message)
            .then("meter-pki shipment create, which says for whom")
    })?;
    let create = CreateArgs {
        devices: args.delivery.clone(),
        manufacturer: order.tenant.clone(),
        tenant: customer,
        recipient,
        signer,
        token,
        shipment: shipment.unwrap_or_else(|| order.id.clone()),
        order: order.id.clone(),
        transport_keys: None,
        out,
    };
    make(&create).map(Some)
}

/// Nothing is closed by mistake that is not made to its end.
async fn check_missing(client: &OperatorClient, id: &str, accepted: bool) -> Result<ProductionView, Failure> {
    let view = shown(client, id).await?;
    if view.missing == 0 || accepted || view.state == "closed" {
        return Ok(view);
    }
    let message = format!("{} of {} devices are missing", view.missing, view.ordered);
    Err(Failure::new(Exit::Conflict, "order.missing", message)
        .then("make them, or say --accept-missing; `meter-pki factory report` names what is incomplete"))
}

async fn shown(client: &OperatorClient, id: &str) -> Result<ProductionView, Failure> {
    client.get(&path(id, ""), &()).await
}

async fn end(
    client: &OperatorClient,
    id: &str,
    cancelled_for: Option<String>,
) -> Result<ProductionView, Failure> {
    client.post(&path(id, "/end"), &ProductionEndText { cancelled_for }).await
}

fn path(order: &str, what: &str) -> String {
    format!("/v1/production/{}{what}", escaped(order))
}

fn numbers(file: Option<&Path>) -> Result<SerialNumbers, Failure> {
    file.map(serial_numbers).transpose().map(Option::unwrap_or_default)
}

fn wanted(args: &OpenArgs) -> Result<ProductionText, Failure> {
    let range = |text: &String| {
        let ends = text.split_once('-').map(|(first, last)| (first.trim(), last.trim()));
        ends.map(|(first, last)| TitleRange { first: first.to_owned(), last: last.to_owned() }).ok_or_else(
            || {
                let message = format!("{text} is no range of system titles");
                Failure::new(Exit::Usage, "order.titles", message)
                    .then("write the first and the last with a hyphen between them")
            },
        )
    };
    let titles = args.titles.as_deref().map(listed).transpose()?.unwrap_or_default();
    Ok(ProductionText {
        id: args.id.clone(),
        tenant: args.tenant.clone(),
        ordered: args.devices,
        profiles: args.profiles.clone(),
        ranges: args.ranges.iter().map(range).collect::<Result<_, _>>()?,
        system_titles: titles,
        model: args.model.clone(),
        firmware: args.firmware.clone(),
        batch: args.batch.clone(),
        customer: args.customer.clone(),
        stations: args.stations.clone(),
        until: args.until.clone(),
    })
}

/// Reads a file with a system title a line.
fn listed(file: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "order.titles", format!("{}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    let titles: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if titles.is_empty() { Err(failed(&"there is no system title in it")) } else { Ok(titles) }
}

fn counts(one: &ProductionView) -> Vec<String> {
    vec![format!(
        "{} ordered, {} complete, {} with a place, {} scrapped, {} missing",
        one.ordered, one.complete, one.places, one.scrapped, one.missing
    )]
}

fn lines(one: &ProductionView) -> Vec<String> {
    let certificates: Vec<String> =
        one.certificates.iter().map(|one| format!("{} under {}", one.purpose, one.profile)).collect();
    let mut lines = vec![
        format!("order:       {}", one.id),
        format!("tenant:      {}", one.tenant),
        format!("state:       {}", one.state),
        format!("each device: {}", certificates.join(", ")),
    ];
    lines.extend(one.ranges.iter().map(|range| format!("titles:      {} to {}", range.first, range.last)));
    lines.extend((one.listed > 0).then(|| format!("titles:      {} on its list", one.listed)));
    for (what, text) in [("model", &one.model), ("firmware", &one.firmware), ("batch", &one.batch)] {
        lines.extend((!text.is_empty()).then(|| format!("{:<13}{text}", format!("{what}:"))));
    }
    lines.extend(one.customer.iter().map(|customer| format!("customer:    {customer}")));
    lines.extend((!one.stations.is_empty()).then(|| format!("stations:    {}", one.stations.join(", "))));
    lines.push(format!("until:       {}", one.until));
    lines.push(format!("opened:      {} by {}", one.opened.at, one.opened.by));
    lines.extend(one.ended.iter().map(|ended| format!("ended:       {} by {}", ended.at, ended.by)));
    lines.extend(one.reason.iter().map(|reason| format!("reason:      {reason}")));
    lines.extend(counts(one));
    lines
}

fn rows(page: &ProductionPage) -> Vec<String> {
    let mut rows =
        vec![heading(&["ORDER", "TENANT", "STATE", "ORDERED", "COMPLETE", "PLACES", "SCRAPPED", "UNTIL"])];
    rows.extend(page.orders.iter().map(|one| {
        vec![
            one.id.clone(),
            one.tenant.clone(),
            one.state.clone(),
            one.ordered.to_string(),
            one.complete.to_string(),
            one.places.to_string(),
            one.scrapped.to_string(),
            one.until.clone(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn reconciled(told: &Reconciliation) -> Vec<String> {
    let mut lines = vec![
        format!("order:       {} ({})", told.order.id, told.order.state),
        format!("ordered:     {}", told.order.ordered),
        format!("deliverable: {}", told.deliverable),
        format!("scrapped:    {}", told.order.scrapped),
        format!("missing:     {}", told.missing),
    ];
    lines.extend(told.incomplete.iter().map(|title| format!("incomplete:  {title}")));
    lines.extend(told.delivery.iter().flat_map(|written| {
        [
            format!("delivery:    {} ({} devices)", written.file, written.devices),
            format!("SHA-256:     {}", written.sha256),
        ]
    }));
    lines
}

//! `meter-pki delivery list`: what was delivered, and what came of it.

use crate::commands::printer::{Printer, heading, table};
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::deliveries::{DeliveryPage, DeliveryQueryText, DeliveryView};

pub(super) async fn list(
    after: Option<String>,
    limit: u32,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let page: DeliveryPage = client.get("/v1/deliveries", &DeliveryQueryText { after, limit }).await?;
    printer.result(&page, lines);
    Ok(())
}

fn lines(page: &DeliveryPage) -> Vec<String> {
    let mut rows = vec![heading(&[
        "OPENED",
        "STATE",
        "OWNER",
        "MANUFACTURER",
        "SOURCE",
        "BATCH",
        "ANNOUNCED",
        "IMPORTED",
        "UNCHANGED",
        "REFUSED",
        "DIGEST",
    ])];
    rows.extend(page.deliveries.iter().map(row));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn row(delivery: &DeliveryView) -> Vec<String> {
    let state =
        if delivery.closed { "closed".to_owned() } else { format!("part {} is next", delivery.next_part) };
    vec![
        delivery.opened_at.clone(),
        state,
        delivery.tenant.clone(),
        delivery.manufacturer.clone(),
        delivery.source.clone(),
        delivery.batch.clone(),
        delivery.announced.to_string(),
        delivery.imported.to_string(),
        delivery.unchanged.to_string(),
        delivery.refused.to_string(),
        delivery.digest.clone(),
    ]
}

//! `meter-pki revocation list`, `show`, `approve`, `refuse` and `scheduled`: orders of many certificates, and what is due later.

use std::time::Duration;

use super::printer::{Printer, heading, table};
use crate::cli::revocation::RevocationCommand;
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::orders::{
    OrderActText, OrderPage, OrderPartQuery, OrderPartView, OrderQueryText, OrderView,
};
use crate::operator::wire::requests::MarkView;
use crate::operator::wire::shut_out::{SchedulePage, ScheduleQueryText};

/// How many digits of a digest are shown in a list.
const SHORT_DIGEST: usize = 12;

/// How often it is asked how far an order is.
const PERIOD: Duration = Duration::from_millis(500);

pub(super) async fn run(
    verb: &RevocationCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        RevocationCommand::List { state, limit, after } => {
            let query = OrderQueryText { state: state.clone(), after: after.clone(), limit: *limit };
            let page: OrderPage = client.get("/v1/orders", &query).await?;
            printer.result(&page, rows);
        }
        RevocationCommand::Scheduled { limit, after } => {
            let query = ScheduleQueryText { after: after.clone(), limit: *limit };
            let page: SchedulePage = client.get("/v1/schedule", &query).await?;
            printer.result(&page, due_rows);
        }
        RevocationCommand::Show { digest, certificates: false } => {
            let view = show(digest, client).await?;
            printer.result(&view, lines);
        }
        RevocationCommand::Show { digest, certificates: true } => {
            certificates(digest, client, printer).await?;
        }
        RevocationCommand::Approve { digest } => {
            let order = act(digest, "approve", None, client).await?;
            follow(order, client, printer).await?;
        }
        RevocationCommand::Refuse { digest, reason } => {
            let order = act(digest, "refuse", Some(reason.clone()), client).await?;
            printer.result(&order, |order| vec![outcome(order)]);
        }
    }
    Ok(())
}

async fn show(digest: &str, client: &OperatorClient) -> Result<OrderView, Failure> {
    client.get(&format!("/v1/orders/{}", escaped(digest)), &()).await
}

/// Says what an operator has to say of an order.
pub(super) async fn act(
    digest: &str,
    act: &str,
    reason: Option<String>,
    client: &OperatorClient,
) -> Result<OrderView, Failure> {
    let text = OrderActText { act: act.to_owned(), reason };
    // To ask for an order is one permission, to decide of it another.
    let place = if act == "request" { "acts" } else { "decisions" };
    client.post(&format!("/v1/orders/{}/{place}", escaped(digest)), &text).await
}

/// Follows an order that is being carried out; who looks away stops nothing.
pub(super) async fn follow(
    mut order: OrderView,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut told = 0;
    while order.state == "running" {
        let done = order.changed.saturating_add(order.skipped);
        if done > told {
            told = done;
            printer.progress(&format!("{done} of {}", order.count));
        }
        tokio::time::sleep(PERIOD).await;
        order = show(&order.digest, client).await?;
    }
    printer.result(&order, |order| vec![outcome(order)]);
    Ok(())
}

/// What became of an order, in one sentence.
fn outcome(order: &OrderView) -> String {
    let what = format!("the order to {} {} certificates ({})", order.change, order.count, order.selection);
    match order.state.as_str() {
        "done" => format!(
            "{what} is carried out: {} changed, {} had changed otherwise meanwhile",
            order.changed, order.skipped
        ),
        "waiting" => format!(
            "{what} waits for another operator, until {}: meter-pki revocation approve {}",
            order.expires_at, order.digest
        ),
        "refused" => {
            let why = order.refused_for.as_deref().unwrap_or_default();
            format!("{what} is refused ({why}); {} were changed before", order.changed)
        }
        state => format!("{what} is {state}"),
    }
}

fn rows(page: &OrderPage) -> Vec<String> {
    let names = [
        "DIGEST",
        "STATE",
        "CHANGE",
        "REASON",
        "COUNT",
        "DONE",
        "APPROVALS",
        "ASKED BY",
        "EXPIRES",
        "SELECTION",
    ];
    let mut rows = vec![heading(&names)];
    rows.extend(page.orders.iter().map(|one| {
        vec![
            one.digest.chars().take(SHORT_DIGEST).collect(),
            one.state.clone(),
            one.change.clone(),
            one.reason.clone().unwrap_or_default(),
            one.count.to_string(),
            one.changed.saturating_add(one.skipped).to_string(),
            format!("{}/{}", one.approvals.len(), one.needed),
            one.requested.as_ref().map(|mark| mark.by.clone()).unwrap_or_default(),
            one.expires_at.clone(),
            one.selection.clone(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn due_rows(page: &SchedulePage) -> Vec<String> {
    let mut rows = vec![heading(&["DUE", "SERIAL", "ISSUER", "REASON", "ASKED BY"])];
    rows.extend(page.scheduled.iter().map(|one| {
        let fields = [&one.due, &one.serial, &one.issuer, &one.reason, &one.asked.by];
        fields.into_iter().cloned().collect()
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn lines(one: &OrderView) -> Vec<String> {
    let mut lines = vec![
        format!("digest:      {}", one.digest),
        format!("state:       {}", one.state),
        format!("change:      {} {}", one.change, one.reason.as_deref().unwrap_or_default()),
        format!("selection:   {}", one.selection),
        format!("in all:      {}", one.count),
    ];
    lines.extend(one.profiles.iter().map(|of| format!("             {} of {}", of.count, of.profile)));
    lines.extend(one.invalidity_date.iter().map(|date| format!("invalid from {date}")));
    let mark = |what: &str, mark: &MarkView| format!("{what:<12} {} at {}", mark.by, mark.at);
    lines.push(mark("planned:", &one.planned));
    lines.extend(one.requested.iter().map(|by| mark("asked for:", by)));
    lines.push(format!("expires:     {}", one.expires_at));
    lines.push(format!("approvals:   {} of {}", one.approvals.len(), one.needed));
    lines.extend(one.approvals.iter().map(|by| mark("approved:", by)));
    lines.extend(one.refused.iter().map(|by| mark("refused:", by)));
    lines.extend(one.refused_for.iter().map(|why| format!("reason:      {why}")));
    lines.push(format!("changed:     {}, {} had changed otherwise", one.changed, one.skipped));
    lines.extend(one.finished_at.iter().map(|time| format!("finished:    {time}")));
    lines
}

/// Prints the list of an order as CSV, part by part.
async fn certificates(digest: &str, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    printer.script("serial,issuer,subject,profile,status,revoked_at,reason,not_after\n");
    let mut part = Some(0);
    while let Some(number) = part {
        let path = format!("/v1/orders/{}/certificates", escaped(digest));
        let view: OrderPartView = client.get(&path, &OrderPartQuery { part: number }).await?;
        for one in &view.certificates {
            let subject = one.subject.replace('"', "\"\"");
            let (at, reason) = (one.revoked_at.as_deref(), one.reason.as_deref());
            printer.script(&format!(
                "{},{},\"{subject}\",{},{},{},{},{}\n",
                one.serial,
                one.issuer,
                one.profile,
                one.status,
                at.unwrap_or_default(),
                reason.unwrap_or_default(),
                one.not_after
            ));
        }
        part = view.next;
    }
    Ok(())
}

//! `meter-pki request list`, `request show`, `request approve` and `request refuse`.

use super::printer::{Printer, heading, table};
use crate::cli::request::RequestCommand;
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::requests::{DecisionText, MarkView, RequestPage, RequestQueryText, RequestView};

/// How many digits of an id are shown in a list.
const SHORT_ID: usize = 12;

pub(super) async fn run(
    verb: &RequestCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        RequestCommand::List { tenant, state, limit, after } => {
            let query = RequestQueryText {
                tenant: tenant.clone(),
                state: state.clone(),
                after: after.clone(),
                limit: *limit,
            };
            let page: RequestPage = client.get("/v1/requests", &query).await?;
            printer.result(&page, rows);
        }
        RequestCommand::Show { id } => {
            let view: RequestView = client.get(&format!("/v1/requests/{}", escaped(id)), &()).await?;
            printer.result(&view, lines);
        }
        RequestCommand::Approve { id } => decide(id, None, client, printer).await?,
        RequestCommand::Refuse { id, reason } => decide(id, Some(reason.clone()), client, printer).await?,
    }
    Ok(())
}

async fn decide(
    id: &str,
    refused_for: Option<String>,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let path = format!("/v1/requests/{}/decisions", escaped(id));
    let view: RequestView = client.post(&path, &DecisionText { refused_for }).await?;
    printer.result(&view, |view| vec![outcome(view)]);
    Ok(())
}

/// What a decision came to, in one sentence.
fn outcome(view: &RequestView) -> String {
    let what = format!("the request of {} for {} under {}", view.requester, view.subject, view.profile);
    match view.state.as_str() {
        "approved" => {
            format!("{what} is approved and answered when it comes again, until {}", view.expires_at)
        }
        "refused" => format!("{what} is refused"),
        _ => format!(
            "{what} has {} of {} approvals; it waits for another operator, until {}",
            view.approvals.len(),
            view.needed,
            view.expires_at
        ),
    }
}

fn rows(page: &RequestPage) -> Vec<String> {
    let mut rows = vec![heading(&[
        "ID",
        "STATE",
        "APPROVALS",
        "REQUESTER",
        "SUBJECT",
        "PROFILE",
        "REQUESTED",
        "EXPIRES",
    ])];
    rows.extend(page.requests.iter().map(|one| {
        vec![
            one.id.chars().take(SHORT_ID).collect(),
            one.state.clone(),
            format!("{}/{}", one.approvals.len(), one.needed),
            one.requester.clone(),
            one.subject.clone(),
            one.profile.clone(),
            one.requested_at.clone(),
            one.expires_at.clone(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn lines(one: &RequestView) -> Vec<String> {
    let mut lines = vec![
        format!("id:          {}", one.id),
        format!("state:       {}", one.state),
        format!("requester:   {}", one.requester),
        format!("subject:     {}", one.subject),
    ];
    lines.extend(one.names.iter().map(|name| format!("name:        {name}")));
    lines.extend([
        format!("key SHA-256: {}", one.key_sha256),
        format!("profile:     {} version {}", one.profile, one.profile_version),
        format!("authority:   {}", one.authority),
        format!("tenant:      {}", one.tenant),
        format!("kind:        {}", one.kind),
        format!("requested:   {}", one.requested_at),
        format!("expires:     {}", one.expires_at),
        format!("approvals:   {} of {}", one.approvals.len(), one.needed),
    ]);
    let mark = |what: &str, mark: &MarkView| format!("{what:<12} {} at {}", mark.by, mark.at);
    lines.extend(one.approvals.iter().map(|by| mark("approved:", by)));
    lines.extend(one.refused.iter().map(|by| mark("refused:", by)));
    lines.extend(one.reason.iter().map(|reason| format!("reason:      {reason}")));
    lines.extend(one.serial.iter().map(|serial| format!("certificate: {serial}")));
    lines
}

//! `meter-pki overview` and `meter-pki ca keys`: how the whole stands, in short, and the keys of the server.

use super::printer::{Printer, heading, table};
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::standing::{KeysView, OverviewView, RespondersView};
use crate::plain_text::plain;

pub(super) async fn show(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: OverviewView = client.get("/v1/overview", &()).await?;
    printer.result(&view, |view| {
        let OverviewView { at, light, looked_at, worst, crls, ocsp, tokens, issued, ending, waiting } = view;
        let looked_at = looked_at.as_deref().unwrap_or("not yet; ask again in a moment");
        let next_update = crls.first_next_update.as_deref().unwrap_or("-");
        let mut lines = vec![
            format!("time:     {at}"),
            format!("light:    {light}; the doctor looked: {looked_at}"),
            format!("CRLs:     {}, late {}; the first nextUpdate is {next_update}", crls.total, crls.late),
            ocsp_line(ocsp),
            format!("tokens:   {}, away {}", tokens.total, tokens.away.len()),
            format!(
                "issued:   {} in the last minute, {} in the last hour, {} in the last day; counted for {} s",
                issued.minute, issued.hour, issued.day, issued.counted_seconds
            ),
            format!("ending:   {} certificates before {}", ending.certificates, ending.until),
            format!(
                "waiting:  requests {}, orders {}, campaigns {}",
                waiting.requests, waiting.orders, waiting.campaigns
            ),
        ];
        lines.extend(tokens.away.iter().map(|token| format!("away:     {}", plain(token))));
        lines.extend(worst.iter().map(|one| {
            format!("{:<8}  {} ({}); next: {}", one.severity, plain(&one.says), one.id, one.next)
        }));
        lines
    });
    Ok(())
}

fn ocsp_line(ocsp: &RespondersView) -> String {
    let end = ocsp.first_not_after.as_deref().unwrap_or("-");
    let silent = match ocsp.silent.as_slice() {
        [] => "none silent".to_owned(),
        silent => format!("silent {}", plain(&silent.join(", "))),
    };
    format!("OCSP:     {}, {silent}; the first responder's certificate ends {end}", ocsp.total)
}

pub(super) async fn keys(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: KeysView = client.get("/v1/keys", &()).await?;
    printer.result(&view, |view| {
        let mut lines: Vec<String> =
            view.places.iter().map(|place| format!("{}: {}", view.place, plain(place))).collect();
        lines.extend(view.tokens.iter().map(|token| {
            let stands =
                if token.serves { "serves".to_owned() } else { format!("away: {}", plain(&token.cause)) };
            format!("token {}: {stands}", plain(&token.token))
        }));
        let mut rows = vec![heading(&["KEY", "CURVE", "FOR", "AUTHORITY", "ANSWERS", "NOT AFTER"])];
        let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        rows.extend(view.keys.iter().map(|one| {
            let answers = if one.answers { "yes" } else { "no" };
            vec![
                one.key.clone(),
                some(&one.curve),
                one.used_as.clone(),
                some(&one.authority),
                answers.to_owned(),
                some(&one.not_after),
            ]
        }));
        lines.extend(table(&rows));
        lines
    });
    Ok(())
}

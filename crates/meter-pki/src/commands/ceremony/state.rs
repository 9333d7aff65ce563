//! `meter-pki ceremony state`: what the server knows of ceremonies: requests that are out, responses, and what is kept for later.

use crate::commands::printer::{Printer, heading, table};
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::ceremonies::CeremoniesView;
use crate::plain_text::plain;

pub(super) async fn show(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: CeremoniesView = client.get("/v1/ceremonies", &()).await?;
    printer.result(&view, lines);
    Ok(())
}

fn lines(view: &CeremoniesView) -> Vec<String> {
    let mut lines = vec![match &view.exchanges {
        Some(directory) => format!("exchange: {}", plain(directory)),
        None => "exchange: none; exchanges_directory of [operator] names its directory".to_owned(),
    }];
    let mut rows = vec![heading(&["REQUEST MADE", "STALE FROM", "PROFILE", "SHA-256", "SUBJECT"])];
    rows.extend(view.requests.iter().map(|one| {
        [&one.made, &one.stale_from, &one.profile, &one.sha256, &plain(&one.subject)]
            .map(String::clone)
            .to_vec()
    }));
    lines.extend(table(&rows));
    let mut rows = vec![heading(&["RESPONSE", "TIME", "ACT", "REASON", "SHA-256", "DETAIL"])];
    rows.extend(view.responses.iter().map(|one| {
        vec![
            one.number.to_string(),
            one.time.clone(),
            one.act.clone(),
            one.reason.clone(),
            one.sha256.clone(),
            plain(&one.detail),
        ]
    }));
    lines.extend(table(&rows));
    lines.extend(
        view.releases.iter().map(|one| format!("{}  {:<9}  {}", one.release, one.state, plain(&one.what))),
    );
    lines
}

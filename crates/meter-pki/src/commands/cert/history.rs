//! `meter-pki cert history`: the path above a certificate, how it was asked for, and what became of it.

use crate::commands::printer::{Printer, heading, table};
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::certificate_history::{CertificateHistoryView, CertificateRequestView};
use crate::plain_text::plain;

pub(super) async fn show(
    (issuer, serial): (Option<&str>, &str),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let path = format!("/v1/certificates/{}/{}/history", escaped(issuer.unwrap_or("-")), escaped(serial));
    let view: CertificateHistoryView = client.get(&path, &()).await?;
    printer.result(&view, lines);
    Ok(())
}

fn lines(view: &CertificateHistoryView) -> Vec<String> {
    let request = &view.request;
    let some = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), plain);
    let mut lines = vec![
        format!("serial:      {}", view.serial),
        format!("issuer:      {}", view.issuer),
        format!("profile:     {} version {}", request.profile, request.profile_version),
        format!("recorded:    {}", request.recorded_at),
        format!("asked by:    {}", some(&request.requester)),
        format!("possession:  {}", some(&request.possession)),
        format!("request:     {}", some(&request.request_sha256)),
    ];
    lines.extend(request.approved.iter().map(|id| format!("approved:    {id}; meter-pki request show {id}")));
    lines.extend(campaign(request));
    lines.extend(
        request.production_order.iter().map(|id| format!("order:       {id}; meter-pki factory show {id}")),
    );
    lines.extend(request.visit.iter().map(|id| format!("visit:       {id}; meter-pki visit show {id}")));
    lines.extend(request.handed_to.iter().map(|who| format!("handed to:   {}", plain(who))));
    lines
        .extend(view.path.iter().map(|one| format!("path:        {} ({})", plain(&one.subject), one.serial)));
    lines.extend(view.scheduled.iter().map(|one| format!("scheduled:   {} ({})", one.due, one.reason)));
    let mut rows = vec![heading(&["RECORD", "TIME", "ACT", "BY", "REASON"])];
    rows.extend(view.acts.iter().map(|one| {
        vec![one.sequence.to_string(), one.time.clone(), one.act.clone(), plain(&one.by), one.reason.clone()]
    }));
    lines.extend(table(&rows));
    if !view.whole {
        lines.push(format!("there may be more: meter-pki audit search --serial {}", view.serial));
    }
    lines
}

fn campaign(request: &CertificateRequestView) -> Option<String> {
    let digest = request.campaign.as_ref()?;
    let name = request.campaign_name.as_deref().unwrap_or_default();
    Some(format!("campaign:    {}; meter-pki campaign show {digest}", plain(name)))
}

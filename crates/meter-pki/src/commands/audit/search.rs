//! `meter-pki audit search` and `audit show`: what the trail says of somebody or something, and one record with its proof.

use super::verify::STOP;
use crate::audit::note::public_key;
use crate::audit::proof::LogProof;
use crate::cli::audit::AuditSearchArgs;
use crate::commands::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::audit::{
    AuditRecordDetailView, AuditRecordView, AuditSearchPage, AuditSearchQuery,
};
use crate::plain_text::plain;

pub(super) async fn search(
    args: &AuditSearchArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let query = AuditSearchQuery {
        after: args.after,
        limit: args.limit,
        oldest_first: args.oldest_first,
        from: args.from.clone(),
        until: args.until.clone(),
        tenant: args.tenant.clone(),
        act: args.act.clone(),
        actor: args.actor.clone(),
        issuer: args.issuer.clone(),
        serial: args.serial.clone(),
        title: args.system_title.clone(),
        reason: args.reason.clone(),
    };
    let page: AuditSearchPage = client.get("/v1/audit-records", &query).await?;
    printer.result(&page, lines);
    Ok(())
}

fn lines(page: &AuditSearchPage) -> Vec<String> {
    let mut rows = vec![heading(&["NUMBER", "TIME", "TENANT", "ACTOR", "ACT", "REASON", "SERIAL", "DETAIL"])];
    rows.extend(page.records.iter().map(|one| {
        vec![
            one.sequence.to_string(),
            one.time.clone(),
            one.tenant.clone(),
            plain(&one.actor),
            one.act.clone(),
            one.reason.clone(),
            one.serial.clone().unwrap_or_default(),
            plain(&one.detail),
        ]
    }));
    let mut lines = table(&rows);
    let looked_at = format!("looked at {} of {} records", page.looked_at, page.end);
    lines.push(match page.next {
        Some(next) => format!("{looked_at}; go on with --after {next}"),
        None => format!("{looked_at}; nothing is left"),
    });
    lines
}

/// Shows a record; a proof is checked before anybody relies on it, and that it is of this record.
pub(super) async fn show(number: u64, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let view: AuditRecordDetailView = client.get(&format!("/v1/audit-records/{number}"), &()).await?;
    if let (Some(text), Some(key)) = (&view.proof, &view.key) {
        let broken = |error: String| Failure::new(Exit::Integrity, "audit.broken", error).then(STOP);
        let key = public_key(key).map_err(broken)?;
        let proof = LogProof::parse(text).ok_or_else(|| broken("the server sent no proof".to_owned()))?;
        let (record, _) = proof.verify(&key).map_err(broken)?;
        if record.sequence != number || record.event.detail != view.record.detail {
            return Err(broken(format!("the proof is of audit record {}", record.sequence)));
        }
    }
    printer.result(&view, shown);
    Ok(())
}

fn shown(view: &AuditRecordDetailView) -> Vec<String> {
    let AuditRecordView { sequence, time, tenant, actor, act, issuer, serial, reason, detail, digest } =
        &view.record;
    let some = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut lines = vec![
        format!("number:  {sequence}"),
        format!("time:    {time}"),
        format!("tenant:  {tenant}"),
        format!("actor:   {}", plain(actor)),
        format!("act:     {act}"),
        format!("issuer:  {}", some(issuer)),
        format!("serial:  {}", some(serial)),
        format!("reason:  {reason}"),
        format!("detail:  {}", plain(detail)),
        format!("digest:  {}", some(digest)),
    ];
    match &view.proof {
        Some(proof) => lines.extend(proof.lines().map(str::to_owned)),
        None => lines.push("no proof: this installation signs no checkpoints".to_owned()),
    }
    lines
}

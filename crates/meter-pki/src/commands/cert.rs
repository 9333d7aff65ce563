//! `meter-pki cert list`, `cert show`, `cert history`, `cert issue`, `cert revoke`, `cert release` and `cert message-signer`.

mod history;
mod issue;
pub(super) mod message_signer;
mod revoke;
mod selection;

use super::client;
use super::printer::{Printer, heading, table};
use crate::cli::ServerArgs;
use crate::cli::cert::{CertCommand, CertFilter};
use crate::exit::Failure;
use crate::operator::client::escaped;
use crate::operator::wire::{CertificatePage, CertificateQueryText, CertificateView};

pub(super) async fn run(verb: &CertCommand, server: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    let client = client(server)?;
    match verb {
        CertCommand::MessageSigner(args) => {
            message_signer::make(args, &server.config, (&client, printer)).await?;
        }
        CertCommand::Issue(args) => issue::issue(args, &client, printer).await?,
        CertCommand::List(filter) => {
            let page: CertificatePage = client.get("/v1/certificates", &query(filter)).await?;
            printer.result(&page, rows);
        }
        CertCommand::Show { serial, issuer } => {
            let issuer = issuer.as_deref().unwrap_or("-");
            let path = format!("/v1/certificates/{}/{}", escaped(issuer), escaped(serial));
            let view: CertificateView = client.get(&path, &()).await?;
            printer.result(&view, lines);
        }
        CertCommand::History { serial, issuer } => {
            history::show((issuer.as_deref(), serial), &client, printer).await?;
        }
        CertCommand::Revoke(args) => revoke::revoke(args, &client, printer).await?,
        CertCommand::Release(args) => revoke::release(args, &client, printer).await?,
    }
    Ok(())
}

fn query(filter: &CertFilter) -> CertificateQueryText {
    CertificateQueryText {
        tenant: filter.tenant.clone(),
        issuer: filter.issuer.clone(),
        system_title: filter.system_title.clone(),
        status: filter.status.clone(),
        serial: filter.serial.clone(),
        profile: filter.profile.clone(),
        purpose: filter.purpose.clone(),
        hierarchy: filter.hierarchy.clone(),
        expires_from: filter.expires_from.clone(),
        expires_until: filter.expires_until.clone(),
        recorded_from: filter.recorded_from.clone(),
        recorded_until: filter.recorded_until.clone(),
        key: filter.key.clone(),
        subject: filter.subject.clone(),
        after: filter.after.clone(),
        limit: filter.limit,
    }
}

pub(super) fn rows(page: &CertificatePage) -> Vec<String> {
    let mut rows = vec![heading(&["SERIAL", "ISSUER", "SUBJECT", "PROFILE", "STATUS", "NOT AFTER"])];
    rows.extend(page.certificates.iter().map(|one| {
        vec![
            one.serial.clone(),
            one.issuer.clone(),
            one.subject.clone(),
            one.profile.clone(),
            one.status.clone(),
            one.not_after.clone(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.iter().map(|next| format!("more: --after {next}")));
    lines
}

fn lines(one: &CertificateView) -> Vec<String> {
    let mut lines = vec![
        format!("serial:      {}", one.serial),
        format!("issuer:      {}", one.issuer),
        format!("subject:     {}", one.subject),
        format!("tenant:      {}", one.tenant),
        format!("profile:     {} version {}", one.profile, one.profile_version),
        format!("purpose:     {}", one.purpose),
        format!("valid:       {} to {}", one.not_before, one.not_after),
        format!("recorded:    {}", one.recorded_at),
        format!("status:      {}", one.status),
    ];
    lines.extend(one.taken_over.then(|| "issued:      by another program, and taken over".to_owned()));
    lines.extend(one.shard.iter().map(|shard| format!("shard:       {shard}")));
    lines.extend(
        one.on_no_crl.then(|| "CRL:         none lists it, it is short-lived; OCSP tells".to_owned()),
    );
    if let (Some(at), Some(reason)) = (&one.revoked_at, &one.reason) {
        lines.push(format!("revoked:     {at} ({reason})"));
    }
    lines.extend(one.explanation.iter().map(|text| format!("what:        {text}")));
    lines.extend(one.next.iter().map(|text| format!("next:        {text}")));
    lines.extend(one.pem.iter().flat_map(|pem| pem.lines()).map(str::to_owned));
    lines
}

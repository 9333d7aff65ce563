//! `meter-pki ca list` and `meter-pki ca show`.

use super::printer::{Printer, heading, table};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::AuthorityView;

pub(super) async fn list(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let all: Vec<AuthorityView> = client.get("/v1/authorities", &()).await?;
    printer.result(&all, |all| {
        let mut rows = vec![heading(&["NAME", "TENANT", "CURVE", "ISSUES UNTIL", "SUBJECT"])];
        rows.extend(all.iter().map(|one| {
            let AuthorityView { name, tenant, curve, issues_until, subject, .. } = one.clone();
            vec![name, tenant, curve, issues_until, subject]
        }));
        table(&rows)
    });
    Ok(())
}

pub(super) async fn show(name: &str, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let all: Vec<AuthorityView> = client.get("/v1/authorities", &()).await?;
    let one = all.iter().find(|one| one.name == *name).ok_or_else(|| {
        Failure::new(Exit::NotFound, "authority.unknown", format!("there is no authority called {name}"))
            .then("meter-pki ca list")
    })?;
    printer.result(one, lines);
    Ok(())
}

fn lines(one: &AuthorityView) -> Vec<String> {
    let mut lines = vec![
        format!("name:          {}", one.name),
        format!("tenant:        {}", one.tenant),
        format!("subject:       {}", one.subject),
        format!("key:           {} ({})", one.key, one.curve),
        format!("sha-256:       {}", one.sha256),
        format!("issues until:  {}", one.issues_until),
        format!("valid until:   {}", one.not_after),
        format!("crl:           {}", one.crl_uri.as_deref().unwrap_or("-")),
        format!("ocsp:          {}", one.ocsp_uri.as_deref().unwrap_or("-")),
    ];
    lines.extend(one.profiles.iter().map(|profile| format!("issues:        {profile}")));
    lines
}

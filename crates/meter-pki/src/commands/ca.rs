//! `meter-pki ca list` and `meter-pki ca show`.

use super::printer::{Printer, heading, table};
use crate::cli::CaCommand;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::AuthorityView;

pub(super) async fn run(verb: &CaCommand, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let all: Vec<AuthorityView> = client.get("/v1/authorities", &()).await?;
    match verb {
        CaCommand::List => printer.result(&all, |all| {
            let mut rows = vec![heading(&["NAME", "TENANT", "CURVE", "ISSUES UNTIL", "SUBJECT"])];
            rows.extend(all.iter().map(|one| {
                vec![
                    one.name.clone(),
                    one.tenant.clone(),
                    one.curve.clone(),
                    one.issues_until.clone(),
                    one.subject.clone(),
                ]
            }));
            table(&rows)
        }),
        CaCommand::Show { name } => {
            let one = all.iter().find(|one| one.name == *name).ok_or_else(|| {
                Failure::new(
                    Exit::NotFound,
                    "authority.unknown",
                    format!("there is no authority called {name}"),
                )
                .then("meter-pki ca list")
            })?;
            printer.result(one, lines);
        }
    }
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

//! `meter-pki trust list`, `trust block` and `trust unblock`.

use super::printer::{Printer, heading, table};
use crate::cli::revocation::TrustCommand;
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::shut_out::{BlockText, TrustedView, UnblockText};

pub(super) async fn run(
    verb: &TrustCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        TrustCommand::List => {
            let views: Vec<TrustedView> = client.get("/v1/trust", &()).await?;
            printer.result(&views, |views| rows(views));
        }
        TrustCommand::Block { key, manufacturer, reason } => {
            let text =
                BlockText { key: key.clone(), manufacturer: manufacturer.clone(), why: reason.clone() };
            let views: Vec<TrustedView> = client.post("/v1/trust/blocks", &text).await?;
            printer.result(&views, |views| rows(views));
        }
        TrustCommand::Unblock { key } => {
            let view: TrustedView =
                client.post("/v1/trust/unblocks", &UnblockText { key: key.clone() }).await?;
            printer.result(&view, |view| vec![outcome(view)]);
        }
    }
    Ok(())
}

fn outcome(view: &TrustedView) -> String {
    match &view.blocked {
        None => format!("{} is let in again", view.key),
        Some(_) => format!(
            "{} stays blocked until another operator types: meter-pki trust unblock {}",
            view.key, view.key
        ),
    }
}

fn rows(views: &[TrustedView]) -> Vec<String> {
    let mut rows = vec![heading(&["KEY", "STATE", "VOUCHES FOR", "SUBJECT", "WHY"])];
    rows.extend(views.iter().map(|one| {
        let state = one
            .blocked
            .as_ref()
            .map_or_else(|| "let in".to_owned(), |by| format!("blocked by {} since {}", by.by, by.at));
        vec![
            one.key.clone(),
            state,
            one.vouches_for.join(", "),
            one.subject.clone(),
            one.why.clone().unwrap_or_default(),
        ]
    }));
    table(&rows)
}

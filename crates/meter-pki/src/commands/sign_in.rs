//! `meter-pki people sign-in` and `people sign-out`: the token never leaves its file.

use serde::Serialize;
use utoipa::ToSchema;

use super::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::words::TimeText;
use crate::sign_in::{TokenFile, by_browser, by_device, revoke};

/// Who signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::commands) struct SignedInView {
    /// What an administrator puts on record.
    credential: String,
    /// When the token ends.
    #[schema(value_type = TimeText)]
    expires_at: String,
    /// Whether another one comes without signing in again.
    refreshes: bool,
}

/// What became of a token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::commands) struct SignedOutView {
    /// Whose it was.
    credential: String,
    /// Whether the provider forgot it too; if not, why.
    revoked: bool,
    why_not: Option<String>,
}

pub(super) async fn sign_in(
    by_code: bool,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let file = file(client)?;
    let granted = if by_code {
        by_device(file.place(), |prompt| {
            printer.prompt(&format!("open {} in a browser, and type {}", prompt.address, prompt.code));
        })
        .await?
    } else {
        by_browser(file.place(), |address| printer.prompt(&format!("open {address}"))).await?
    };
    let kept = file.keep(&granted, None)?;
    let view = SignedInView {
        credential: kept.credential.clone(),
        expires_at: kept.expires().to_string(),
        refreshes: kept.refresh_token.is_some(),
    };
    printer.result(&view, |view| {
        let after = if view.refreshes { ", and then refreshed" } else { "" };
        vec![format!("signed in as {}", view.credential), format!("until {}{after}", view.expires_at)]
    });
    Ok(())
}

pub(super) async fn sign_out(client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let file = file(client)?;
    let Some(kept) = file.read()? else {
        return Err(Failure::new(Exit::NotFound, "sign-in.needed", "nobody is signed in"));
    };
    // It is forgotten here first: a provider that is away keeps nobody signed in.
    file.forget()?;
    let revoked = match &kept.refresh_token {
        Some(token) => revoke(file.place(), token).await,
        None => Err("it gave nothing that it could revoke".to_owned()),
    };
    let view = SignedOutView {
        credential: kept.credential.clone(),
        revoked: revoked.is_ok(),
        why_not: revoked.err(),
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!("signed out: {}", view.credential)];
        lines
            .extend(view.why_not.iter().map(|why| format!("the identity provider did not revoke it: {why}")));
        lines
    });
    Ok(())
}

fn file(client: &OperatorClient) -> Result<&TokenFile, Failure> {
    client.token_file().ok_or_else(|| {
        let message = "the file that --config names has no [server.sign_in]";
        Failure::new(Exit::Usage, "sign-in.off", message).then("see docs/operate/sign-in.md")
    })
}

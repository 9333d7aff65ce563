//! `meter-pki cert revoke` and `cert release`: one certificate at once; others shown first, and then exactly those that were.

use super::rows;
use super::selection::{only_serial, read};
use crate::cli::revocation::{ModeArgs, ReleaseArgs, RevokeArgs, SelectionArgs};
use crate::commands::printer::Printer;
use crate::commands::revocation::{act, follow};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::orders::{PlanText, PlanView, TallyView};
use crate::operator::wire::shut_out::{CancelledView, ScheduleText, ScheduledView};
use crate::operator::wire::{
    CertificatePage, HoldReleaseText, HoldReleaseView, RevocationText, RevocationView,
};

pub(super) async fn revoke(
    args: &RevokeArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let RevokeArgs { selection, reason, invalidity_date, at, cancel, mode } = args;
    if *cancel {
        return cancel_schedule(selection, client, printer).await;
    }
    if let Some(digest) = &mode.apply {
        return apply(digest, client, printer).await;
    }
    let reason = reason.clone().unwrap_or_default();
    if let Some(at) = at {
        let serial = only_serial(selection).ok_or_else(only_one)?;
        let (issuer, invalidity_date) = (selection.issuer.clone(), invalidity_date.clone());
        let text = ScheduleText { issuer, serial, reason, invalidity_date, at: at.clone() };
        let view: ScheduledView = client.post("/v1/schedule", &text).await?;
        printer.result(&view, |view| {
            vec![format!(
                "{} of {} will be revoked at {} ({}); --cancel takes it back",
                view.serial, view.issuer, view.due, view.reason
            )]
        });
        return Ok(());
    }
    match only_serial(selection).filter(|_| !mode.dry_run) {
        Some(serial) => {
            let text = RevocationText {
                issuer: selection.issuer.clone(),
                serial,
                reason,
                invalidity_date: invalidity_date.clone(),
            };
            let view: RevocationView = client.post("/v1/revocations", &text).await?;
            printer.result(&view, |view| {
                let crl = crl_told(view.next_crl_by.as_deref());
                vec![format!(
                    "{} of {} is revoked since {} ({}), recorded as {}; {crl}",
                    view.serial, view.issuer, view.revoked_at, view.reason, view.sequence
                )]
            });
            Ok(())
        }
        None => {
            plan("revoke", (selection, mode), (Some(reason), invalidity_date.clone()), (client, printer))
                .await
        }
    }
}

/// What a CRL will tell of it.
fn crl_told(next_crl_by: Option<&str>) -> String {
    next_crl_by.map_or_else(
        || "no CRL lists it, since it is short-lived; OCSP tells".to_owned(),
        |time| format!("next CRL by {time}"),
    )
}

pub(super) async fn release(
    args: &ReleaseArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let ReleaseArgs { selection, mode } = args;
    if let Some(digest) = &mode.apply {
        return apply(digest, client, printer).await;
    }
    match only_serial(selection).filter(|_| !mode.dry_run) {
        Some(serial) => {
            let text = HoldReleaseText { issuer: selection.issuer.clone(), serial };
            let view: HoldReleaseView = client.post("/v1/hold-releases", &text).await?;
            printer.result(&view, |view| {
                let crl = crl_told(view.next_crl_by.as_deref());
                vec![format!(
                    "{} of {} is good again since {}, after a hold since {}, recorded as {}; {crl}",
                    view.serial, view.issuer, view.released_at, view.held_since, view.sequence
                )]
            });
            Ok(())
        }
        None => plan("release", (selection, mode), (None, None), (client, printer)).await,
    }
}

/// Takes back what is scheduled for one certificate.
async fn cancel_schedule(
    selection: &SelectionArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let serial = only_serial(selection).ok_or_else(only_one)?;
    let text = HoldReleaseText { issuer: selection.issuer.clone(), serial };
    let view: CancelledView = client.post("/v1/schedule/cancellations", &text).await?;
    printer.result(&view, |view| vec![format!("{} of {} will not be revoked", view.serial, view.issuer)]);
    Ok(())
}

fn only_one() -> Failure {
    Failure::new(Exit::Usage, "schedule.one", "--at and --cancel take one serial number, and --issuer")
}

/// Has what was shown done, and follows it to its end.
async fn apply(digest: &str, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let order = act(digest, "request", None, client).await?;
    follow(order, client, printer).await
}

/// Shows what it would come to.
async fn plan(
    verb: &str,
    (selection, mode): (&SelectionArgs, &ModeArgs),
    (reason, invalidity_date): (Option<String>, Option<String>),
    (client, printer): (&OperatorClient, &Printer),
) -> Result<(), Failure> {
    let text = PlanText { selection: read(selection)?, reason, invalidity_date, show: mode.show };
    let view: PlanView = client.post("/v1/plans", &text).await?;
    printer.result(&view, |view| lines(verb, view));
    if view.unknown.is_empty() {
        return Ok(());
    }
    let message = format!("nobody here knows: {}", view.unknown.join(", "));
    Err(Failure::new(Exit::Partial, "selection.unknown", message)
        .then("what was found is shown; apply it, or correct the selection"))
}

fn lines(verb: &str, view: &PlanView) -> Vec<String> {
    let tally = |what: &str, tally: &TallyView| {
        format!("{what} {} of {}, {}", tally.count, tally.profile, tally.status)
    };
    let mut lines: Vec<String> =
        view.changing.iter().map(|one| tally(&format!("would {verb}"), one)).collect();
    lines.extend(view.passed_over.iter().map(|one| tally("passed over:", one)));
    let Some(order) = &view.order else {
        lines.push("nothing would change".to_owned());
        return lines;
    };
    lines.push(String::new());
    lines.extend(rows(&CertificatePage { certificates: view.first.clone(), next: None }));
    lines.push(String::new());
    lines.push(format!("selection: {}", order.selection));
    lines.push(format!("in all:    {}", order.count));
    lines.push(format!("digest:    {}", order.digest));
    let people = if order.needed > 0 { ", and another operator approves it" } else { "" };
    lines.push(format!(
        "nothing was changed; until {}: meter-pki cert {verb} --apply {}{people}",
        order.expires_at, order.digest
    ));
    lines
}

//! `meter-pki visit open`, `amend`, `list`, `show`, `approve`, `refuse`, `certificate`, `renew`, `bundle`, `receipts` and `end`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cmp::read_request;
use super::printer::{Printer, heading, table};
use super::visit_renewal;
use crate::cli::visit::{OpenVisitArgs, VisitCommand};
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::CertificateView;
use crate::operator::wire::visits::{
    BundleView, ReceiptFaultView, ReceiptsText, ReceiptsView, VisitCertificateText, VisitDecisionText,
    VisitEndText, VisitPage, VisitPlanText, VisitQueryText, VisitText, VisitView,
};

pub(super) async fn run(
    verb: &VisitCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        VisitCommand::Open(args) => {
            let text = VisitText { id: args.id.clone(), plan: plan(args) };
            let view: VisitView = client.post("/v1/visits", &text).await?;
            printer.result(&view, lines);
        }
        VisitCommand::Amend(args) => {
            let view: VisitView = client.post(&path(&args.id, "/changes"), &plan(args)).await?;
            printer.result(&view, lines);
        }
        VisitCommand::List { tenant, technician, own, state, limit, after } => {
            let query = VisitQueryText {
                tenant: tenant.clone(),
                technician: technician.clone(),
                state: state.clone(),
                after: after.clone(),
                limit: *limit,
            };
            let place = if *own { "/v1/own-visits" } else { "/v1/visits" };
            let page: VisitPage = client.get(place, &query).await?;
            printer.result(&page, rows);
        }
        VisitCommand::Show { id } => {
            let view: VisitView = client.get(&path(id, ""), &()).await?;
            printer.result(&view, lines);
        }
        VisitCommand::Approve { id, digest } => decide(id, (digest, None), client, printer).await?,
        VisitCommand::Refuse { id, digest, reason } => {
            decide(id, (digest, Some(reason.clone())), client, printer).await?;
        }
        VisitCommand::Certificate { id, profile, request, out } => {
            certify(id, (profile, request, out), client, printer).await?;
        }
        VisitCommand::Renew(args) => visit_renewal::renew(args, client, printer).await?,
        VisitCommand::Bundle { id, out } => bundle(id, out, client, printer).await?,
        VisitCommand::Receipts { id, file } => receipts(id, file, client, printer).await?,
        VisitCommand::End { id, reason } => {
            let text = VisitEndText { reason: reason.clone() };
            let view: VisitView = client.post(&path(id, "/end"), &text).await?;
            printer.result(&view, |view| {
                vec![format!("the visit {} is ended; nothing that was issued on it is good", view.id)]
            });
        }
    }
    Ok(())
}

fn path(id: &str, what: &str) -> String {
    format!("/v1/visits/{}{what}", escaped(id))
}

fn plan(args: &OpenVisitArgs) -> VisitPlanText {
    VisitPlanText {
        tenant: args.tenant.clone(),
        technician: args.technician.clone(),
        unit: args.unit.clone(),
        meters: args.meters.clone(),
        region: args.region.clone(),
        from: args.from.clone(),
        until: args.until.clone(),
        reason: args.reason.clone(),
    }
}

async fn decide(
    id: &str,
    (digest, refused_for): (&str, Option<String>),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let text = VisitDecisionText { digest: digest.to_owned(), refused_for };
    let view: VisitView = client.post(&path(id, "/decisions"), &text).await?;
    printer.result(&view, |view| {
        let (given, needed) = (view.approvals.len(), view.needed);
        vec![format!("the visit {} is {}: {given} of {needed} approvals", view.id, view.state)]
    });
    Ok(())
}

async fn certify(
    id: &str,
    (profile, request, out): (&str, &Path, &Path),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    refuse_existing(out)?;
    let request = STANDARD.encode(read_request(request)?.der());
    let text = VisitCertificateText { profile: profile.to_owned(), request };
    let view: CertificateView = client.post(&path(id, "/certificates"), &text).await?;
    write_new(out, view.pem.as_deref().unwrap_or_default().as_bytes()).map_err(|failure| {
        failure.then("the certificate is on record: ask for another, which takes its place")
    })?;
    printer.result(&view, |view| {
        let out = out.display();
        vec![format!("certificate {} of {} is in {out}, until {}", view.serial, view.subject, view.not_after)]
    });
    Ok(())
}

async fn bundle(id: &str, out: &Path, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    refuse_existing(out)?;
    let view: BundleView = client.post(&path(id, "/bundles"), &()).await?;
    let octets = STANDARD
        .decode(&view.bundle)
        .map_err(|error| Failure::new(Exit::Failed, "operator.malformed", error))?;
    write_new(out, &octets)?;
    printer.result(&view, |view| {
        vec![format!("the bundle of {} is in {}, until {}", view.visit, out.display(), view.expires_at)]
    });
    Ok(())
}

async fn receipts(id: &str, file: &Path, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let octets = std::fs::read(file).map_err(|error| {
        Failure::new(Exit::Usage, "file.unreadable", format!("{}: {error}", file.display()))
    })?;
    let text = ReceiptsText { log: STANDARD.encode(octets) };
    let view: ReceiptsView = client.post(&path(id, "/receipts"), &text).await?;
    printer.result(&view, |view| {
        let mut lines = vec![format!(
            "{} entries for {} meters, signed with certificate {}; {} faults",
            view.entries,
            view.meters,
            view.signed_by,
            view.faults.len()
        )];
        let fault =
            |fault: &ReceiptFaultView| format!("line {}: {} ({})", fault.line, fault.message, fault.code);
        lines.extend(view.faults.iter().map(fault));
        lines
    });
    match view.faults.first() {
        None => Ok(()),
        Some(first) => {
            let message = format!("the log has {} faults; they are on record", view.faults.len());
            Err(Failure::new(Exit::Partial, &first.code, message).then("look at them with the technician"))
        }
    }
}

fn rows(page: &VisitPage) -> Vec<String> {
    let mut rows =
        vec![heading(&["VISIT", "STATE", "APPROVALS", "TECHNICIAN", "UNIT", "METERS", "FROM", "UNTIL"])];
    rows.extend(page.visits.iter().map(|one| {
        let plan = &one.plan;
        vec![
            one.id.clone(),
            one.state.clone(),
            format!("{}/{}", one.approvals.len(), one.needed),
            plan.technician.clone(),
            plan.unit.clone(),
            places(plan),
            plan.from.clone(),
            plan.until.clone(),
        ]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.as_ref().map(|next| format!("more: --after {next}")));
    lines
}

/// Where it goes, in a few words.
fn places(plan: &VisitPlanText) -> String {
    match (plan.meters.len(), plan.region.as_str()) {
        (count, "") => count.to_string(),
        (0, region) => region.to_owned(),
        (count, region) => format!("{count}, {region}"),
    }
}

fn lines(view: &VisitView) -> Vec<String> {
    let plan = &view.plan;
    let mut lines = vec![
        format!("visit:       {}", view.id),
        format!("state:       {}", view.state),
        format!("digest:      {}", view.digest),
        format!("tenant:      {}", plan.tenant),
        format!("technician:  {}", plan.technician),
        format!("unit:        {}", plan.unit),
        format!("from:        {}", plan.from),
        format!("until:       {}", plan.until),
        format!("for:         {}", plan.reason),
        format!("opened:      {} at {}", view.opened.by, view.opened.at),
        format!("approvals:   {} of {}", view.approvals.len(), view.needed),
    ];
    if !plan.region.is_empty() {
        lines.push(format!("region:      {}", plan.region));
    }
    lines.extend(plan.meters.iter().map(|meter| format!("meter:       {meter}")));
    lines.extend(view.approvals.iter().map(|by| format!("approved:    {} at {}", by.by, by.at)));
    let why = |why: &Option<String>| why.clone().unwrap_or_default();
    lines.extend(
        view.refused
            .iter()
            .map(|by| format!("refused:     {} at {}, for {}", by.by, by.at, why(&view.refused_for))),
    );
    lines.extend(
        view.ended
            .iter()
            .map(|by| format!("ended:       {} at {}, for {}", by.by, by.at, why(&view.ended_for))),
    );
    lines.extend(view.certificates.iter().map(|one| {
        let reason = one.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!(
            "certificate: {} for {}, {}{reason}, until {}",
            one.serial, one.purpose, one.status, one.not_after
        )
    }));
    lines
}

//! `device suspend`, `resume`, `retire`, `ship` and `move`: one device at once; several shown first, and then exactly those.

use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::query;
use crate::cli::device::{ChangeArgs, PassArgs, WhichArgs};
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::fleet::{ChangeText, ChangeView, DevicePage, RefusedDeviceView};
use crate::operator::wire::orders::{PlanText, PlanView, SelectionText};
use crate::operator::wire::words::{self, DeviceActWord, SystemTitle};

/// How many devices go in one request.
const PER_REQUEST: usize = 1_000;

/// How many refused devices are told one by one.
const TOLD: usize = 20;

/// What is to become of devices.
pub(super) struct Wanted<'a> {
    which: &'a WhichArgs,
    act: &'static str,
    to: Option<&'a str>,
    revoke: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    pub(super) fn change(act: &'static str, args: &'a ChangeArgs) -> Self {
        Self { which: &args.which, act, to: None, revoke: args.revoke.as_deref() }
    }

    pub(super) fn pass(act: &'static str, args: &'a PassArgs) -> Self {
        Self { which: &args.which, act, to: Some(&args.to), revoke: None }
    }

    fn text(&self, titles: &[String], dry_run: bool) -> ChangeText {
        ChangeText {
            tenant: self.which.criteria.tenant.clone(),
            act: self.act.to_owned(),
            to: self.to.map(str::to_owned),
            reason: self.which.reason.clone(),
            system_titles: titles.to_vec(),
            dry_run,
        }
    }

    /// What a dry run showed, as one digest: the act, to whom, and every device.
    fn digest(&self, changing: &[String]) -> String {
        let mut hash = Sha256::new_with_prefix("meter-pki device act 1");
        for word in [self.act, self.to.unwrap_or_default(), &self.which.criteria.tenant] {
            hash.update(word);
            hash.update([0]);
        }
        changing.iter().for_each(|title| hash.update(title));
        hex::encode(hash.finalize())
    }
}

pub(super) async fn run(
    wanted: &Wanted<'_>,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let named = named(wanted.which)?;
    let single = named.len() == 1 && wanted.which.apply.is_none() && wanted.which.file.is_none();
    let titles = if named.is_empty() { found(wanted.which, client).await? } else { named };
    if titles.is_empty() {
        let failure = Failure::new(Exit::NotFound, "device.none", "no device fits");
        return Err(failure.then("meter-pki device list, with the same criteria"));
    }
    if !single {
        let planned = ask(wanted, &titles, true, client).await?;
        let digest = wanted.digest(&planned.changed);
        match &wanted.which.apply {
            None => {
                show_plan(wanted, &planned, &digest, printer);
                return Ok(());
            }
            Some(shown) if *shown != digest => {
                let message = "other devices would be changed now than the dry run showed";
                return Err(
                    Failure::new(Exit::Conflict, "device.changed", message).then("repeat the dry run")
                );
            }
            Some(_) => {}
        }
    }
    let done = ask(wanted, &titles, false, client).await?;
    let order = match wanted.revoke.filter(|_| !done.changed.is_empty()) {
        Some(reason) => Some(plan_revocation(wanted, reason, &done.changed, client).await?),
        None => None,
    };
    let view = DoneView { done: &done, order: order.as_ref() };
    printer.result(&view, |view| lines(wanted.act, view));
    if done.refused.is_empty() {
        return Ok(());
    }
    let message = format!("not changed: {}", told(&done.refused).join("; "));
    Err(Failure::new(Exit::Partial, "device.refused", message).then("meter-pki device show TITLE"))
}

fn named(which: &WhichArgs) -> Result<Vec<String>, Failure> {
    let mut titles = which.system_titles.clone();
    if let Some(file) = &which.file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::new(Exit::Usage, "device.file", format!("{}: {error}", file.display()))
        })?;
        titles.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    titles.sort();
    titles.dedup();
    Ok(titles)
}

/// Everything that fits, page by page. What has nothing in common but its owner is meant by nobody.
async fn found(which: &WhichArgs, client: &OperatorClient) -> Result<Vec<String>, Failure> {
    let mut text = query(&which.criteria, 10_000, None);
    let everything = crate::operator::wire::fleet::DeviceQueryText {
        tenant: text.tenant.clone(),
        limit: text.limit,
        ..Default::default()
    };
    if text == everything {
        let message = "name devices, or what they have in common";
        return Err(
            Failure::new(Exit::Usage, "device.everything", message).then("--batch, --model, --region …")
        );
    }
    let mut titles = Vec::new();
    loop {
        let page: DevicePage = client.get("/v1/devices", &text).await?;
        titles.extend(page.devices.into_iter().map(|device| device.system_title));
        match page.next {
            Some(next) => text.after = Some(next),
            None => return Ok(titles),
        }
    }
}

/// Asks in shares; what is done is done for each share as a whole.
async fn ask(
    wanted: &Wanted<'_>,
    titles: &[String],
    dry_run: bool,
    client: &OperatorClient,
) -> Result<ChangeView, Failure> {
    let mut all = ChangeView { changed: Vec::new(), refused: Vec::new(), records: None };
    for share in titles.chunks(PER_REQUEST) {
        let view: ChangeView = client.post("/v1/device-changes", &wanted.text(share, dry_run)).await?;
        all.changed.extend(view.changed);
        all.refused.extend(view.refused);
        all.records = match (all.records, view.records) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (before, after) => before.or(after),
        };
    }
    Ok(all)
}

/// What a change would do.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = PlannedChange)]
pub(in crate::commands) struct PlannedView<'a> {
    #[schema(value_type = DeviceActWord)]
    act: &'a str,
    changing: usize,
    #[schema(value_type = Vec<RefusedDeviceView>)]
    refused: &'a [RefusedDeviceView],
    #[schema(value_type = Vec<SystemTitle>)]
    first: &'a [String],
    #[schema(value_type = words::Sha256)]
    digest: &'a str,
}

fn show_plan(wanted: &Wanted<'_>, planned: &ChangeView, digest: &str, printer: &Printer) {
    let first = planned.changed.get(..TOLD.min(planned.changed.len())).unwrap_or_default();
    let changing = planned.changed.len();
    let view = PlannedView { act: wanted.act, changing, refused: &planned.refused, first, digest };
    printer.result(&view, |view| {
        let mut lines = vec![format!("would {} {} devices", view.act, view.changing)];
        lines.extend(view.first.iter().map(|title| format!("  {title}")));
        lines.extend(told(view.refused).into_iter().map(|line| format!("passed over: {line}")));
        lines.push(format!("nothing was changed; repeat the command with --apply {}", view.digest));
        lines
    });
}

fn told(refused: &[RefusedDeviceView]) -> Vec<String> {
    let mut told: Vec<String> = refused
        .iter()
        .take(TOLD)
        .map(|one| format!("{} ({}): {}", one.system_title, one.code, one.message))
        .collect();
    if refused.len() > TOLD {
        told.push(format!("and {} more", refused.len() - TOLD));
    }
    told
}

/// What was done, and the order that was planned with it.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = DoneChange)]
pub(in crate::commands) struct DoneView<'a> {
    #[serde(flatten)]
    done: &'a ChangeView,
    #[schema(value_type = Option<PlanView>)]
    order: Option<&'a PlanView>,
}

fn lines(act: &str, DoneView { done, order }: &DoneView<'_>) -> Vec<String> {
    let recorded = match done.records {
        Some((first, last)) if first == last => format!("audit record {first}"),
        Some((first, last)) => format!("audit records {first} to {last}"),
        None => "nothing is on record".to_owned(),
    };
    let mut lines =
        vec![format!("{act}: {} devices, {} not; {recorded}", done.changed.len(), done.refused.len())];
    match order.map(|plan| &plan.order) {
        Some(Some(order)) => {
            let (count, until) = (order.count, &order.expires_at);
            lines.push(format!("an order to revoke {count} certificates is planned, until {until}"));
            lines.push(format!("meter-pki cert revoke --apply {}", order.digest));
        }
        Some(None) => lines.push("they have no certificate that could be revoked".to_owned()),
        None => {}
    }
    lines
}

/// Has an order planned for what the devices have; whoever may approves it like any other.
async fn plan_revocation(
    wanted: &Wanted<'_>,
    reason: &str,
    titles: &[String],
    client: &OperatorClient,
) -> Result<PlanView, Failure> {
    let selection = SelectionText {
        system_titles: titles.to_vec(),
        tenant: Some(wanted.which.criteria.tenant.clone()),
        ..SelectionText::default()
    };
    let text = PlanText { selection, reason: Some(reason.to_owned()), invalidity_date: None, show: 10 };
    client.post("/v1/plans", &text).await
}

//! How the fleet comes to its owner: a signed manifest, imported once, and a campaign for the meters that speak only DLMS.
//!
//! By the code of `meter-pki shipment create`, `shipment import` and `device history --proof`, and by the routes of
//! `meter-pki campaign`. Nothing is decided here.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::fleet::swap::Road;
use utoipa::ToSchema;

use super::Verbs;
use super::fleet::{Life, Meter, PURPOSES, keep};
use super::head_end::HeadEnd;
use super::layout::Layout;
use crate::cli::shipment::{CreateArgs, ImportArgs, RecipientArgs, SignerArgs};
use crate::exit::Failure;
use crate::operator::client::OperatorClient;
use crate::operator::wire::campaigns::{
    AnsweredPage, AnswersText, CampaignActText, CampaignPage, CampaignPlanText, CampaignPlanView,
    CampaignQueryText, CampaignView, DeviceChoiceText, WorkPage, WorkText,
};
use crate::operator::wire::deliveries::TotalsView;
use crate::operator::wire::fleet::{HistoryPage, HistoryQueryText};
use crate::operator::wire::words::{SystemTitle, TimeText};
use crate::progress::Progress;

/// The reason code of a manifest that was imported before.
const REPEATED: &str = "delivery.repeated";

/// How long a campaign of a handful of meters may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a head-end that has nothing to do waits before it asks again.
const PAUSE: Duration = Duration::from_millis(100);

/// What is told of a delivery.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = QuickstartDelivery)]
pub(crate) struct DeliveryTold {
    pub manifest: String,
    #[serde(flatten)]
    pub totals: TotalsView,
    /// The reason code by which the second import was refused.
    pub imported_again: String,
}

/// What is told of a campaign.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = QuickstartCampaign)]
pub(crate) struct CampaignTold {
    pub name: String,
    pub certificates: u64,
    pub waves: Vec<u64>,
    pub done: u64,
    pub devices: u64,
    pub stuck: u64,
}

/// What is told of a device, line by line, and that every line was proven.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = QuickstartHistory)]
pub(crate) struct HistoryTold {
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    pub lines: Vec<HistoryLine>,
    pub proved_records: usize,
    /// How many records the checkpoint is over by which they were proven.
    pub checkpoint: u64,
    pub file: String,
}

/// A line of the history of a device.
#[derive(Debug, serde::Serialize, ToSchema)]
#[schema(as = QuickstartHistoryLine)]
pub(crate) struct HistoryLine {
    pub record: u64,
    #[schema(value_type = TimeText)]
    pub time: String,
    pub event: String,
    pub owner: String,
}

/// Delivers the meters that no manifest names yet; what was left of deliveries before is imported, too.
pub(super) async fn deliver(
    layout: &Layout,
    meters: &[Meter],
    (operator, verbs): (&OperatorClient, Verbs),
    progress: &Progress,
) -> anyhow::Result<Option<DeliveryTold>> {
    let new: Vec<&Meter> = meters
        .iter()
        .filter(|meter| !meter.is_through(Life::Operational) && !meter.shipped().exists())
        .collect();
    if !new.is_empty() {
        let made = manifests(layout)?.len();
        let name = format!("quickstart-{}", made.saturating_add(1));
        ship(layout, &name, &new, verbs)?;
        progress.tell(&format!("manifest of {} meters, signed and sealed: {name}.ship", new.len()));
    }
    let mut told = None;
    for manifest in manifests(layout)? {
        let again = || take_in(layout, &manifest, (operator, verbs));
        match again().await {
            Ok(totals) => {
                ensure!(totals.refused == 0, "{} devices were refused", totals.refused);
                let second = again().await.err().context("a manifest was imported twice")?;
                ensure!(second.code == REPEATED, "the second import: {second}");
                let name = manifest.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                told = Some(DeliveryTold { manifest: name, totals, imported_again: second.code });
            }
            Err(failure) if failure.code == REPEATED => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(told)
}

/// The manifests that were made, oldest first.
fn manifests(layout: &Layout) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(layout.shipments())? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "ship") {
            found.push((std::fs::metadata(&path)?.modified()?, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// As `meter-pki shipment create` does it.
fn ship(layout: &Layout, name: &str, meters: &[&Meter], verbs: Verbs) -> anyhow::Result<()> {
    let mut lines = String::new();
    for meter in meters {
        let certificates = PURPOSES
            .iter()
            .map(|purpose| Ok(STANDARD.encode(meter.certificate(Life::Factory, purpose)?)))
            .collect::<anyhow::Result<Vec<String>>>()?;
        let device = serde_json::json!({
            "system_title": meter.title.to_string(), "model": "MPK-1", "batch": "quickstart", "certificates": certificates,
            "concentrator": match meter.road { Road::HeadEnd => "dc-1", Road::Device => "" },
        });
        writeln!(lines, "{device}")?;
    }
    let devices = layout.shipments().join(format!("{name}.jsonl"));
    std::fs::write(&devices, lines)?;
    (verbs.make_manifest)(&CreateArgs {
        devices,
        manufacturer: "maker".to_owned(),
        tenant: "dso".to_owned(),
        recipient: layout.shipment_recipient_certificate(),
        signer: layout.shipment_signer(),
        token: None,
        shipment: name.to_owned(),
        order: String::new(),
        transport_keys: None,
        out: layout.shipments().join(format!("{name}.ship")),
    })?;
    for meter in meters {
        keep(&meter.shipped(), name.as_bytes())?;
    }
    Ok(())
}

/// As `meter-pki shipment import` does it.
async fn take_in(
    layout: &Layout,
    manifest: &Path,
    (operator, verbs): (&OperatorClient, Verbs),
) -> Result<TotalsView, Failure> {
    let args = ImportArgs {
        file: manifest.to_path_buf(),
        tenant: "dso".to_owned(),
        signer: SignerArgs {
            manufacturer: "maker".to_owned(),
            anchor: layout.authority("maker-root-s1"),
            organization: None,
            at: None,
        },
        recipient: RecipientArgs { recipient: layout.shipment_recipient(), token: None },
        accept_count: false,
    };
    (verbs.take_in_manifest)(&args, operator).await
}

/// Swaps the certificates of the meters behind the head-end; one that was under way is brought to its end first.
pub(super) async fn swap_by_campaign(
    layout: &Layout,
    meters: &[Meter],
    operator: &OperatorClient,
    progress: &Progress,
) -> anyhow::Result<Option<CampaignTold>> {
    let mut head_end = HeadEnd::new(layout, meters)?;
    let mut told = None;
    if let Some(under_way) = under_way(operator).await? {
        told = Some(carry_out(under_way, &mut head_end, operator).await?);
    }
    let waiting: Vec<String> = meters
        .iter()
        .filter(|meter| meter.road == Road::HeadEnd && !meter.is_through(Life::Operational))
        .map(|meter| meter.title.to_string())
        .collect();
    if !waiting.is_empty() {
        let planned: CampaignPlanView = operator.post("/v1/campaign-plans", &wish(&waiting)).await?;
        let certificates = planned.reckoning.certificates;
        let campaign = planned.campaign.context("no meter is left for the campaign")?;
        progress.tell(&format!("campaign planned: {} meters, {certificates} certificates", campaign.count));
        let path = format!("/v1/campaigns/{}/acts", campaign.digest);
        let request = CampaignActText { act: "request".to_owned(), reason: None };
        let begun: CampaignView = operator.post(&path, &request).await?;
        told = Some(carry_out(begun, &mut head_end, operator).await?);
    }
    Ok(told)
}

async fn under_way(operator: &OperatorClient) -> anyhow::Result<Option<CampaignView>> {
    let query = CampaignQueryText { state: Some("running".to_owned()), after: None, limit: 1 };
    let page: CampaignPage = operator.get("/v1/campaigns", &query).await?;
    Ok(page.campaigns.into_iter().next())
}

fn wish(titles: &[String]) -> CampaignPlanText {
    CampaignPlanText {
        tenant: "dso".to_owned(),
        name: format!("claim-{}", titles.first().map_or("", String::as_str)),
        goal: "swap".to_owned(),
        road: "head-end".to_owned(),
        profiles: ["ka", "tls", "ds"].map(|purpose| format!("meter-op-{purpose}-s1")).to_vec(),
        security_setup: 0,
        security_policy: None,
        choice: DeviceChoiceText { system_titles: titles.to_vec(), ..DeviceChoiceText::default() },
        // One meter goes ahead.
        waves: vec![1],
        stop_percent: 50,
        per_minute: 600,
        per_concentrator: 0,
        window: None,
        lease_seconds: Some(10),
        pause_seconds: Some(1),
        attempts: None,
        device_seconds: None,
    }
}

/// Plays the head-end until every meter is done.
async fn carry_out(
    campaign: CampaignView,
    head_end: &mut HeadEnd,
    operator: &OperatorClient,
) -> anyhow::Result<CampaignTold> {
    let path = format!("/v1/campaigns/{}", campaign.digest);
    let ended = tokio::time::timeout(PATIENCE, async {
        loop {
            let view: CampaignView = operator.get(&path, &()).await?;
            match view.state.as_str() {
                "done" => return anyhow::Ok(view),
                "running" => {}
                state => bail!("the campaign is {state}: meter-pki campaign stuck {}", view.name),
            }
            let wanted = WorkText { limit: 1_000, max_pdu: HeadEnd::MAX_PDU };
            let page: WorkPage = match operator.post(&format!("{path}/work-orders"), &wanted).await {
                // It came to its end since it was looked at.
                Err(failure) if failure.code == "campaign.standing" => continue,
                page => page?,
            };
            if page.orders.is_empty() {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let answers = page.orders.iter().map(|order| head_end.put_through(order));
            let answers = AnswersText { answers: answers.collect::<anyhow::Result<_>>()? };
            let _taken: AnsweredPage = operator.post(&format!("{path}/answers"), &answers).await?;
        }
    });
    let view = ended.await.context("the campaign did not come to its end in time")??;
    Ok(CampaignTold {
        certificates: view.count.saturating_mul(u64::try_from(view.profiles.len())?),
        waves: view.waves.iter().map(|wave| wave.devices).collect(),
        done: view.total.done,
        devices: view.count,
        stuck: view.total.stuck,
        name: view.name,
    })
}

/// Asks for the history of a meter, with a proof for each line, and checks every proof.
pub(super) async fn history(
    layout: &Layout,
    meter: &Meter,
    (operator, verbs): (&OperatorClient, Verbs),
) -> anyhow::Result<HistoryTold> {
    let (title, file) = (meter.title.to_string(), layout.history());
    let query = HistoryQueryText { after: 0, limit: 1_000 };
    let page: HistoryPage = operator.get(&format!("/v1/devices/{title}/history"), &query).await?;
    if file.exists() {
        // Of an earlier run.
        std::fs::remove_file(&file)?;
    }
    let (proved_records, checkpoint) = (verbs.prove_history)(&title, &file, operator).await?;
    let lines = page.history.into_iter().map(|line| HistoryLine {
        record: line.sequence,
        time: line.time,
        event: line.event,
        owner: line.owner.unwrap_or_default(),
    });
    Ok(HistoryTold {
        system_title: title,
        lines: lines.collect(),
        proved_records,
        checkpoint,
        file: file.display().to_string(),
    })
}

//! `meter-pki campaign work-orders` and `answers`: the files of head-ends, one JSON object on each line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::campaigns::{
    AnswerText, AnsweredPage, AnswersText, CampaignPage, CampaignQueryText, WorkOrderLine, WorkPage, WorkText,
};

/// For how many devices work is asked, and how many answers are brought, in one request.
const TOGETHER: u32 = 1_000;

/// How many refused answers are told one by one.
const TOLD: usize = 20;

/// How many work orders were taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WorkOrdersTaken)]
pub(in crate::commands) struct Taken {
    orders: usize,
}

/// What became of the answers that were brought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnswersBrought)]
pub(in crate::commands) struct Brought {
    taken: usize,
    refused: usize,
}

/// The reason code of a campaign that gives no work, because it is over or has not begun.
pub(in crate::commands) const NO_WORK: &str = "campaign.standing";

pub(super) async fn take_orders(
    campaign: Option<&str>,
    (limit, max_pdu, out): (u32, u16, &Path),
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    // Work that is given for a time and written nowhere would wait until that time is over.
    refuse_existing(out)?;
    let is_named = campaign.is_some();
    let campaigns = match campaign {
        Some(campaign) => vec![campaign.to_owned()],
        None => worked_by_head_ends(client).await?,
    };
    let mut lines = String::new();
    let (mut taken, mut left) = (0, limit);
    for campaign in campaigns {
        loop {
            let text = WorkText { limit: left.min(TOGETHER), max_pdu };
            let page = match take(&campaign, text, client).await {
                // It was over before it was asked: what others gave is not lost for that.
                Err(failure) if failure.code == NO_WORK && !is_named => break,
                page => page?,
            };
            let given = u32::try_from(page.orders.len()).unwrap_or(u32::MAX);
            for order in &page.orders {
                lines.push_str(&line(order)?);
            }
            taken += page.orders.len();
            left = left.saturating_sub(given);
            if given == 0 || left == 0 {
                break;
            }
        }
    }
    write_new(out, lines.as_bytes())?;
    printer.result(&Taken { orders: taken }, |taken| {
        vec![format!("{} calls in {}", taken.orders, out.display())]
    });
    Ok(())
}

/// Asks for work of one campaign.
pub(in crate::commands) async fn take(
    campaign: &str,
    text: WorkText,
    client: &OperatorClient,
) -> Result<WorkPage, Failure> {
    client.post(&format!("/v1/campaigns/{}/work-orders", escaped(campaign)), &text).await
}

/// Brings answers of one campaign, up to a thousand.
pub(in crate::commands) async fn bring(
    campaign: &str,
    answers: Vec<AnswerText>,
    client: &OperatorClient,
) -> Result<AnsweredPage, Failure> {
    client.post(&format!("/v1/campaigns/{}/answers", escaped(campaign)), &AnswersText { answers }).await
}

/// The campaigns that give work to head-ends.
pub(in crate::commands) async fn worked_by_head_ends(
    client: &OperatorClient,
) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for state in ["ending", "running", "paused"] {
        let query = CampaignQueryText { state: Some(state.to_owned()), after: None, limit: 10_000 };
        let page: CampaignPage = client.get("/v1/campaigns", &query).await?;
        let worked = page.campaigns.into_iter().filter(|campaign| campaign.road == "head-end");
        found.extend(worked.map(|campaign| campaign.digest));
    }
    Ok(found)
}

fn line(order: &WorkOrderLine) -> Result<String, Failure> {
    let text = serde_json::to_string(order)
        .map_err(|error| Failure::new(Exit::Failed, "operator.malformed", error))?;
    Ok(text + "\n")
}

pub(super) async fn bring_answers(
    file: &Path,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut brought = Brought { taken: 0, refused: 0 };
    let mut told = Vec::new();
    for (campaign, answers) in read(file)? {
        for some in answers.chunks(usize::try_from(TOGETHER).unwrap_or(usize::MAX)) {
            for one in bring(&campaign, some.to_vec(), client).await?.answers {
                if one.stage.is_some() {
                    brought.taken += 1;
                    continue;
                }
                brought.refused += 1;
                if told.len() < TOLD {
                    let (code, message) = (one.code.unwrap_or_default(), one.message.unwrap_or_default());
                    told.push(format!(
                        "{} {} call {}: {message} ({code})",
                        one.system_title, one.purpose, one.turn
                    ));
                }
            }
        }
    }
    printer.result(&brought, |brought| {
        vec![format!("{} answers taken, {} refused", brought.taken, brought.refused)]
    });
    if brought.refused == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Partial, "answers.refused", format!("not taken:\n{}", told.join("\n"))).then(
        "each call that is not answered is given again when its time is over: `meter-pki campaign stuck`",
    ))
}

/// Reads the answers by campaign. A line that cannot be read stops all: nothing is brought.
fn read(file: &Path) -> Result<BTreeMap<String, Vec<AnswerText>>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "answers.file", format!("{}: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(&error))?;
    let mut found: BTreeMap<String, Vec<AnswerText>> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let answer: AnswerText =
            serde_json::from_str(line).map_err(|error| unreadable(&format!("line {number}: {error}")))?;
        let campaign = answer
            .campaign
            .clone()
            .ok_or_else(|| unreadable(&format!("line {number}: it names no campaign")))?;
        found.entry(campaign).or_default().push(answer);
    }
    Ok(found)
}

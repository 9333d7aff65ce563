//! `meter-pki break-glass list`, `show`, `ask`, `agree`, `end` and `review`.

use super::printer::{Printer, heading, table};
use crate::cli::emergency::BreakGlassCommand;
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::emergencies::{AskText, EmergenciesView, EmergencyView, ReviewText};

pub(super) async fn run(
    verb: &BreakGlassCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let path = |id: &str, verb| format!("/v1/emergencies/{}/{verb}", escaped(id));
    let view: EmergencyView = match verb {
        BreakGlassCommand::List => {
            let all: Vec<EmergencyView> = client.get("/v1/emergencies", &()).await?;
            printer.result(&all, |all| rows(all));
            return Ok(());
        }
        BreakGlassCommand::Show { id } => {
            let path = format!("/v1/emergencies/{}", escaped(id));
            let all: EmergenciesView = client.get(&path, &()).await?;
            printer.result(&all, |all| all.emergencies.iter().flat_map(lines).collect());
            return Ok(());
        }
        BreakGlassCommand::Ask { role, reason, hours } => {
            let text = AskText { role: role.clone(), reason: reason.clone(), hours: *hours };
            client.post("/v1/emergencies", &text).await?
        }
        BreakGlassCommand::Agree { id } => client.post(&path(id, "agreement"), &()).await?,
        BreakGlassCommand::End { id } => client.post(&path(id, "end"), &()).await?,
        BreakGlassCommand::Review { id, finding } => {
            client.post(&path(id, "review"), &ReviewText { finding: finding.clone() }).await?
        }
    };
    printer.result(&view, lines);
    Ok(())
}

/// Until when it is what it is.
fn limit(view: &EmergencyView) -> String {
    match (view.state.as_str(), &view.until, &view.review_due) {
        ("open", Some(until), _) => format!("until {until}"),
        (_, _, Some(due)) if view.overdue => format!("review OVERDUE since {due}"),
        (_, _, Some(due)) => format!("review by {due}"),
        ("asked", ..) => format!("for {} h, once another agrees", view.seconds.div_ceil(3_600)),
        _ => String::new(),
    }
}

fn rows(all: &[EmergencyView]) -> Vec<String> {
    let mut rows = vec![heading(&["PERSON", "ROLE", "STATE", "", "REASON"])];
    rows.extend(all.iter().map(|one| {
        vec![one.person.clone(), one.role.clone(), one.state.clone(), limit(one), one.reason.clone()]
    }));
    table(&rows)
}

fn lines(view: &EmergencyView) -> Vec<String> {
    let mut lines = vec![
        format!("person:   {}", view.person),
        format!("role:     {}", view.role),
        format!("reason:   {}", view.reason),
        format!("state:    {} {}", view.state, limit(view)).trim_end().to_owned(),
        format!("asked:    {} at {}", view.asked.by, view.asked.at),
    ];
    for (what, mark) in
        [("agreed:  ", &view.agreed), ("ended:   ", &view.ended), ("reviewed:", &view.reviewed)]
    {
        lines.extend(mark.iter().map(|mark| format!("{what} {} at {}", mark.by, mark.at)));
    }
    lines.extend(view.finding.iter().map(|finding| format!("finding:  {finding}")));
    lines
}

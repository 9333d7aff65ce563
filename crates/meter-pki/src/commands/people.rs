//! `meter-pki people list`, `people show`, `people add`, `people change`, `people certificate`,
//! `people sign-in`, `people sign-out`, `people who` and `people remove`.

use super::printer::{Printer, heading, table};
use super::{people_certificate, sign_in};
use crate::cli::people::{AddPersonArgs, ChangePersonArgs, PeopleCommand};
use crate::exit::Failure;
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::people::{
    GrantView, NewcomerText, PersonChangeText, PersonView, SelfView, WaitingChangeView,
};

pub(super) async fn run(
    verb: &PeopleCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        PeopleCommand::List { removed } => {
            let mut people: Vec<PersonView> = client.get("/v1/people", &()).await?;
            people.retain(|person| *removed || person.removed.is_none());
            printer.result(&people, |people| rows(people));
        }
        PeopleCommand::Show { id } => {
            let person: PersonView = client.get(&format!("/v1/people/{}", escaped(id)), &()).await?;
            printer.result(&person, lines);
        }
        PeopleCommand::Add(args) => add(args, client, printer).await?,
        PeopleCommand::Change(args) => {
            let person = change(&args.id, &text(args), client).await?;
            printer.result(&person, lines);
        }
        PeopleCommand::Certificate(args) => people_certificate::make(args, client, printer).await?,
        PeopleCommand::SignIn { device } => sign_in::sign_in(*device, client, printer).await?,
        PeopleCommand::SignOut => sign_in::sign_out(client, printer).await?,
        PeopleCommand::Who => {
            let oneself: SelfView = client.get("/v1/self", &()).await?;
            printer.result(&oneself, |SelfView { name, person, .. }| match person {
                Some(person) => lines(person),
                None => vec![format!("{name}, who is on nobody's record and may do everything here")],
            });
        }
        PeopleCommand::Remove { id } => {
            let text = PersonChangeText { act: "remove".to_owned(), ..PersonChangeText::default() };
            let person = change(id, &text, client).await?;
            printer.result(&person, |person| vec![format!("{} is removed", person.id)]);
        }
    }
    Ok(())
}

/// Puts somebody on record, then what he may do; what came first stays where the second is refused.
async fn add(args: &AddPersonArgs, client: &OperatorClient, printer: &Printer) -> Result<(), Failure> {
    let newcomer = NewcomerText { id: args.id.clone(), name: args.name.clone() };
    let mut person: PersonView = client.post("/v1/people", &newcomer).await?;
    if let Some(role) = &args.role {
        let text = PersonChangeText {
            act: "grant".to_owned(),
            role: Some(role.clone()),
            tenant: args.tenant.clone(),
            until: args.until.clone(),
            credential: None,
        };
        person = change(&args.id, &text, client).await.map_err(|failure| added(&args.id, failure))?;
    }
    if let Some(credential) = &args.credential {
        let text = PersonChangeText {
            act: "add-credential".to_owned(),
            credential: Some(credential.clone()),
            ..PersonChangeText::default()
        };
        person = change(&args.id, &text, client).await.map_err(|failure| added(&args.id, failure))?;
    }
    printer.result(&person, lines);
    Ok(())
}

/// What is still to be done for somebody who is on record now.
fn added(id: &str, failure: Failure) -> Failure {
    let message = format!("{id} is on record, and then: {}", failure.message);
    Failure { message, next: format!("meter-pki people change {id}"), ..failure }
}

fn text(args: &ChangePersonArgs) -> PersonChangeText {
    let (act, role, credential) = match args {
        ChangePersonArgs { grant: Some(role), .. } => ("grant", Some(role), None),
        ChangePersonArgs { withdraw: Some(role), .. } => ("withdraw", Some(role), None),
        ChangePersonArgs { add_credential: Some(one), .. } => ("add-credential", None, Some(one)),
        ChangePersonArgs { remove_credential, .. } => ("remove-credential", None, remove_credential.as_ref()),
    };
    PersonChangeText {
        act: act.to_owned(),
        role: role.cloned(),
        tenant: args.tenant.clone(),
        until: args.until.clone(),
        credential: credential.cloned(),
    }
}

pub(super) async fn change(
    id: &str,
    text: &PersonChangeText,
    client: &OperatorClient,
) -> Result<PersonView, Failure> {
    client.post(&format!("/v1/people/{}/changes", escaped(id)), text).await
}

fn role(grant: &GrantView) -> String {
    let mut words = format!("{} for {}", grant.role, grant.tenant.as_deref().unwrap_or("every tenant"));
    if let Some(until) = &grant.until {
        words += &format!(" {} {until}", if grant.holds { "until" } else { "over since" });
    }
    words
}

fn rows(people: &[PersonView]) -> Vec<String> {
    let mut rows = vec![heading(&["ID", "NAME", "ROLES", "CREDENTIALS"])];
    rows.extend(people.iter().map(|person| {
        let roles: Vec<String> = person.grants.iter().map(role).collect();
        let credentials: Vec<String> =
            person.credentials.iter().map(|bound| bound.credential.clone()).collect();
        let roles = if person.removed.is_some() { "removed".to_owned() } else { roles.join(", ") };
        vec![person.id.clone(), person.name.clone(), roles, credentials.join(", ")]
    }));
    table(&rows)
}

fn lines(person: &PersonView) -> Vec<String> {
    let mut lines = vec![
        format!("id:         {}", person.id),
        format!("name:       {}", person.name),
        format!("added:      {} at {}", person.added.by, person.added.at),
    ];
    lines.extend(person.removed.iter().map(|by| format!("removed:    {} at {}", by.by, by.at)));
    let of = |grant: &GrantView| {
        format!("role:       {}, by {} at {}", role(grant), grant.granted.by, grant.granted.at)
    };
    lines.extend(person.grants.iter().map(of));
    lines.extend(person.credentials.iter().map(|bound| {
        format!("credential: {}, by {} at {}", bound.credential, bound.added.by, bound.added.at)
    }));
    lines.extend(person.waiting.iter().map(|one| {
        let WaitingChangeView { what, asked, until } = one;
        format!(
            "waits:      {what}, asked by {} at {}, until {until} for another administrator",
            asked.by, asked.at
        )
    }));
    lines
}

//! `meter-pki profile list`, `profile show`, `profile sample` and `profile diff`: what certificates, CRLs and OCSP answers are made by.

use super::printer::{Printer, heading, table};
use crate::cli::profile::ProfileCommand;
use crate::exit::Failure;
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::profiles::{
    ProfileDetailView, ProfileDifferenceQueryText, ProfileDifferencesView, ProfilePage, ProfileQueryText,
    ProfileSampleView, ProfileView,
};

pub(super) async fn run(
    verb: &ProfileCommand,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    match verb {
        ProfileCommand::List { kind, limit, after } => {
            let query = ProfileQueryText { kind: kind.clone(), after: after.clone(), limit: *limit };
            let page: ProfilePage = client.get("/v1/profiles", &query).await?;
            printer.result(&page, rows);
        }
        ProfileCommand::Show { id, text } => {
            let view: ProfileDetailView = client.get(&format!("/v1/profiles/{}", escaped(id)), &()).await?;
            if *text {
                printer.script(&view.text);
            } else {
                printer.result(&view, lines);
            }
        }
        ProfileCommand::Sample { id, out } => {
            if let Some(file) = out {
                refuse_existing(file)?;
            }
            let view: ProfileSampleView =
                client.get(&format!("/v1/profiles/{}/sample", escaped(id)), &()).await?;
            if let Some(file) = out {
                write_new(file, [view.pem.as_str(), &view.path.concat()].concat().as_bytes())?;
            }
            printer.result(&view, sampled);
        }
        ProfileCommand::Diff { one, other } => {
            let query = ProfileDifferenceQueryText { one: one.clone(), other: other.clone() };
            let view: ProfileDifferencesView = client.get("/v1/profile-differences", &query).await?;
            printer.result(&view, compared);
        }
    }
    Ok(())
}

fn rows(page: &ProfilePage) -> Vec<String> {
    let mut rows = vec![heading(&["PROFILE", "KIND", "VERSION", "HIERARCHY", "KEY IS FOR", "FILE"])];
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows.extend(page.profiles.iter().map(|one| {
        let version = one.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        vec![one.id.clone(), one.kind.clone(), version, text(&one.hierarchy), text(&one.purpose), place(one)]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.as_ref().map(|next| format!("more with --after {next}")));
    lines
}

fn place(profile: &ProfileView) -> String {
    if profile.built_in { format!("{}, built in", profile.file) } else { profile.file.clone() }
}

fn lines(view: &ProfileDetailView) -> Vec<String> {
    let profile = &view.profile;
    let mut lines = vec![
        format!("profile:  {} ({})", profile.id, profile.kind),
        format!("file:     {}", place(profile)),
        format!("sha-256:  {}", profile.sha256),
    ];
    lines.extend(profile.authorities.iter().map(|name| format!("issued by {name}")));
    let rows: Vec<Vec<String>> =
        view.fields.iter().map(|field| vec![field.key.clone(), field.value.clone()]).collect();
    lines.extend(table(&rows));
    lines
}

fn sampled(view: &ProfileSampleView) -> Vec<String> {
    let mut lines = vec![format!(
        "a sample of {}, {} octets, for {}; rules that apply: {}, that find something: {}",
        view.profile,
        view.octets,
        view.subject,
        view.rules.len(),
        view.found
    )];
    let found = view.rules.iter().filter_map(|rule| Some((rule, rule.finding.as_ref()?)));
    lines.extend(found.map(|(rule, what)| format!("{}: {what} ({})", rule.rule, rule.citation)));
    lines.extend(view.pem.lines().map(str::to_owned));
    lines
}

fn compared(view: &ProfileDifferencesView) -> Vec<String> {
    let other = if view.other_is_built_in { "built in".to_owned() } else { view.other.clone() };
    if view.differences.is_empty() {
        return vec![format!("{} says the same as {other}", view.one)];
    }
    let mut rows = vec![heading(&["FIELD", &view.one.to_uppercase(), &other.to_uppercase()])];
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows.extend(view.differences.iter().map(|one| vec![one.key.clone(), said(&one.one), said(&one.other)]));
    table(&rows)
}

//! `meter-pki profile list`, `profile show`, `profile versions`, `profile sample`, `profile diff`, `profile
//! reference` and `profile files`: what certificates, CRLs and OCSP answers are made by, and were. The last two ask no server.

pub(super) mod files;

use std::path::Path;
use std::sync::Arc;

use policies::{ProfileSet, Settings};
use signer_file::SystemEntropy;

use super::client;
use super::config::faulty;
use super::printer::{Printer, heading, table};
use crate::cli::ServerArgs;
use crate::cli::profile::ProfileCommand;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::new_file::{refuse_existing, write_new};
use crate::operator::client::escaped;
use crate::operator::wire::profiles::{
    ProfileDetailView, ProfileDifferenceQueryText, ProfileDifferencesView, ProfilePage, ProfileQueryText,
    ProfileSampleView, ProfileVersionDetailView, ProfileVersionPage, ProfileVersionQueryText,
    ProfileVersionView, ProfileView,
};
use crate::profile_reference::{self, ProfileReference};

pub(super) async fn run(
    verb: &ProfileCommand,
    server: &ServerArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    let ask = || client(server);
    match verb {
        ProfileCommand::Reference { configured } => return reference(*configured, &server.config, printer),
        ProfileCommand::Files { directory } => return files::write(directory, printer),
        ProfileCommand::List { kind, limit, after } => {
            let query = ProfileQueryText { kind: kind.clone(), after: after.clone(), limit: *limit };
            let page: ProfilePage = ask()?.get("/v1/profiles", &query).await?;
            printer.result(&page, rows);
        }
        ProfileCommand::Show { id, text, number: None } => {
            let view: ProfileDetailView = ask()?.get(&format!("/v1/profiles/{}", escaped(id)), &()).await?;
            if *text {
                printer.script(&view.text);
            } else {
                printer.result(&view, lines);
            }
        }
        ProfileCommand::Show { id, text, number: Some(number) } => {
            let path = format!("/v1/profiles/{}/versions/{number}", escaped(id));
            let view: ProfileVersionDetailView = ask()?.get(&path, &()).await?;
            if *text {
                printer.script(&view.text);
            } else {
                printer.result(&view, said_then);
            }
        }
        ProfileCommand::Versions { id, limit, after } => {
            let query = ProfileVersionQueryText { after: *after, limit: *limit };
            let path = format!("/v1/profiles/{}/versions", escaped(id));
            let page: ProfileVersionPage = ask()?.get(&path, &query).await?;
            printer.result(&page, versions);
        }
        ProfileCommand::Sample { id, out } => {
            if let Some(file) = out {
                refuse_existing(file)?;
            }
            let view: ProfileSampleView =
                ask()?.get(&format!("/v1/profiles/{}/sample", escaped(id)), &()).await?;
            if let Some(file) = out {
                write_new(file, [view.pem.as_str(), &view.path.concat()].concat().as_bytes())?;
            }
            printer.result(&view, sampled);
        }
        ProfileCommand::Diff { one, other, from, to } => {
            let (one, other) = (one.clone(), other.clone());
            let query = ProfileDifferenceQueryText { one, other, from: *from, to: *to };
            let view: ProfileDifferencesView = ask()?.get("/v1/profile-differences", &query).await?;
            printer.result(&view, compared);
        }
    }
    Ok(())
}

/// Tells all profiles in full: those that are built in, or those that a configuration names.
fn reference(configured: bool, file: &Path, printer: &Printer) -> Result<(), Failure> {
    let set = match configured {
        true => Config::load(file).map_err(|error| faulty(&error))?.profiles,
        false => {
            let set = ProfileSet::load_embedded(&Settings::default());
            Arc::new(set.map_err(|error| Failure::new(Exit::Failed, "profile.built-in", error))?)
        }
    };
    let told = profile_reference::told(&set, &SystemEntropy);
    let told = told.map_err(|error| Failure::new(Exit::Refused, "profile.no-sample", error))?;
    printer.result(&told, ProfileReference::markdown);
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
    if let (Some(number), Some(since)) = (profile.number, &profile.since) {
        lines.push(format!("number:   {number}, since {since}"));
    }
    lines.extend(profile.authorities.iter().map(|name| format!("issued by {name}")));
    let rows: Vec<Vec<String>> =
        view.fields.iter().map(|field| vec![field.key.clone(), field.value.clone()]).collect();
    lines.extend(table(&rows));
    lines
}

fn versions(page: &ProfileVersionPage) -> Vec<String> {
    let mut rows = vec![heading(&["NUMBER", "SINCE", "VERSION", "CHANGED", "FILE"])];
    rows.extend(page.versions.iter().map(|one| {
        let version = one.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
        let file = if one.in_force { format!("{}, in force", one.file) } else { one.file.clone() };
        vec![one.number.to_string(), one.since.clone(), version, changed(one), file]
    }));
    let mut lines = table(&rows);
    lines.extend(page.next.map(|next| format!("more with --after {next}")));
    lines
}

/// What was changed, in words where no field was.
fn changed(one: &ProfileVersionView) -> String {
    match one.changed.as_slice() {
        [] if one.number == 1 => "-".to_owned(),
        [] => "no field, words of the file alone".to_owned(),
        fields => fields.join(", "),
    }
}

fn said_then(view: &ProfileVersionDetailView) -> Vec<String> {
    let one = &view.version;
    let mut lines = vec![
        format!("profile:  {}, number {}", one.id, one.number),
        format!("since:    {}, audit record {}", one.since, one.record),
        format!("file:     {}", one.file),
        format!("sha-256:  {}", one.sha256),
        format!("changed:  {}", changed(one)),
    ];
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
    let numbered = |number: u32| format!("number {number}");
    let (one, other) = match (view.one_number, view.other_number) {
        (Some(from), to) => (numbered(from), to.map_or_else(|| "in force".to_owned(), numbered)),
        (None, _) if view.other_is_built_in => (view.one.clone(), "built in".to_owned()),
        (None, _) => (view.one.clone(), view.other.clone()),
    };
    if view.differences.is_empty() {
        return vec![format!("{one} says the same as {other}")];
    }
    let mut rows = vec![heading(&["FIELD", &one.to_uppercase(), &other.to_uppercase()])];
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    rows.extend(view.differences.iter().map(|one| vec![one.key.clone(), said(&one.one), said(&one.other)]));
    table(&rows)
}

//! `meter-pki watch`: a process of its own, whose configuration is that of `--config`.

use std::path::Path;

use serde::Serialize;
use signer_file::SystemEntropy;
use utoipa::ToSchema;

use super::config::faulty;
use super::printer::{Printer, heading, table};
use crate::cli::watch::WatchArgs;
use crate::config::WatchConfig;
use crate::exit::{Exit, Failure};
use crate::server;
use crate::watch::Watch;
use crate::watch::notice::Notice;

/// What a look came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WatchLook)]
pub(in crate::commands) struct LookView {
    /// What is told of it.
    notices: Vec<Notice>,
    /// How many alarms stand.
    standing: usize,
    /// How many notices are not delivered yet.
    waiting: usize,
}

/// What somebody who is told said to a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WatchTest)]
pub(in crate::commands) struct TestView {
    target: String,
    /// Why it was not taken; none where it was.
    failure: Option<String>,
}

pub(super) async fn run(args: &WatchArgs, file: &Path, printer: &Printer) -> Result<(), Failure> {
    let config = WatchConfig::load(file).map_err(|error| faulty(&error))?;
    let mut watch = Watch::open(&config, &SystemEntropy)?;
    if args.test {
        return test(&watch, printer).await;
    }
    if !args.once {
        server::start_log();
        return watch.run(server::shutdown_on_signals()?).await;
    }
    let notices = watch.look().await?;
    watch.deliver().await?;
    let view = LookView { notices, standing: watch.standing().alarms().len(), waiting: watch.waiting() };
    printer.result(&view, |view| {
        let mut lines: Vec<String> = view.notices.iter().map(Notice::headline).collect();
        lines.push(format!("alarms: {}, notices not delivered yet: {}", view.standing, view.waiting));
        lines
    });
    match view.waiting {
        0 => Ok(()),
        waiting => Err(Failure::new(Exit::Partial, "watch.undelivered", format!("not delivered: {waiting}"))
            .then("meter-pki watch --test says why; they are kept, and sent at the next look")),
    }
}

async fn test(watch: &Watch<'_>, printer: &Printer) -> Result<(), Failure> {
    let said = watch.test().await?;
    let views: Vec<TestView> =
        said.into_iter().map(|(target, said)| TestView { target, failure: said.err() }).collect();
    printer.result(&views, |views| {
        let row = |one: &TestView| {
            vec![one.target.clone(), one.failure.clone().unwrap_or_else(|| "taken".to_owned())]
        };
        let rows = std::iter::once(heading(&["WHO IS TOLD", "SAYS"])).chain(views.iter().map(row));
        table(&rows.collect::<Vec<_>>())
    });
    let failed = views.iter().filter(|view| view.failure.is_some()).count();
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Partial, "watch.undelivered", format!("not delivered: {failed}"))
        .then("each line above says why"))
}

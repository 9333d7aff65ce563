//! The same as `meter-pki bench`, of what is checked out: `cargo bench -p meter-pki --bench throughput -- --help` tells its options.

use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use clap::Parser;
use figures::{Figures, Means, Options};
use meter_pki::compose::{SystemClock, abort_on_fatal};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
    /// Given by cargo itself.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let Arguments { mut options, json, .. } = Arguments::parse();
    options.directory.get_or_insert_with(|| env!("CARGO_TARGET_TMPDIR").into());
    let program = format!("meter-pki at {}", commit().unwrap_or_else(|| "an unknown commit".to_owned()));
    let means = Means {
        clock: Arc::new(SystemClock),
        settings: abort_on_fatal,
        program,
        executable: env!("CARGO_BIN_EXE_meter-pki").into(),
    };
    if options.list {
        return Ok(writeln!(std::io::stdout(), "{}", figures::names(&options, &means)?.join("\n"))?);
    }
    let report = figures::run(&options, &means)?;
    let text = if json {
        serde_json::to_string_pretty(&Figures::of(&report))? + "\n"
    } else {
        figures::text(&report)
    };
    std::io::stdout().write_all(text.as_bytes())?;
    anyhow::ensure!(report.failed().is_empty(), "{}", report.failed().join("; "));
    Ok(())
}

fn commit() -> Option<String> {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

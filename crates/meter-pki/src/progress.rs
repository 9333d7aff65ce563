//! How far a long step is: a bar on a terminal, plain lines elsewhere, nothing beside JSON.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

/// Tells steps and their progress.
#[derive(Debug)]
pub(crate) struct Progress {
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bar,
    Lines,
    Silent,
}

/// The progress of one long step.
#[derive(Debug)]
pub(crate) struct Step {
    bar: Option<ProgressBar>,
    done: AtomicU64,
    total: u64,
    title: String,
    lines: bool,
}

impl Progress {
    /// Chooses the form: silent beside JSON, a bar where standard error is a terminal, lines otherwise.
    pub(crate) fn new(json: bool) -> Self {
        let form = match (json, std::io::stderr().is_terminal()) {
            (true, _) => Form::Silent,
            (false, true) => Form::Bar,
            (false, false) => Form::Lines,
        };
        Self { form }
    }

    /// Tells a step that is done.
    #[expect(clippy::print_stderr, reason = "progress is for the person who watches")]
    pub(crate) fn tell(&self, line: &str) {
        if self.form != Form::Silent {
            eprintln!("{line}");
        }
    }

    /// Begins a step of `total` parts.
    pub(crate) fn begin(&self, title: &str, total: u64) -> Step {
        let bar = (self.form == Form::Bar).then(|| {
            let style = ProgressStyle::with_template("{msg:28} {bar:40} {pos}/{len} {per_sec}");
            ProgressBar::new(total)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
                .with_message(title.to_owned())
        });
        let lines = self.form == Form::Lines;
        Step { bar, done: AtomicU64::new(0), total, title: title.to_owned(), lines }
    }
}

impl Step {
    /// Counts one part.
    #[expect(clippy::print_stderr, reason = "progress is for the person who watches")]
    pub(crate) fn advance(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
        // Four lines a step, so that a log tells how far it is without being full of it.
        let quarter = (self.total / 4).max(1);
        if self.lines && (done.is_multiple_of(quarter) || done == self.total) {
            eprintln!("{}: {done} of {}", self.title, self.total);
        }
    }

    /// Ends the step.
    pub(crate) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish();
        }
    }
}

//! `meter-pki watch`: looks at the whole PKI again and again, and tells people and programs when something turns bad or good again.
//!
//! A process of its own, so that it can tell that the server is away. What it finds is what [`crate::doctor`] finds, and what the
//! audit log shows of the last hour ([`trail`]); [`alarm`] says what of that is news; [`target`] carries it away. What was not
//! delivered is kept in [`memory`] and delivered later, under the same id. ADR 56.

pub(crate) mod alarm;
pub(crate) mod memory;
pub(crate) mod notice;
mod outbox;
pub(crate) mod target;
pub(crate) mod trail;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ca_core::ports::{Clock, Entropy};
use server_kit::shutdown::Shutdown;

use crate::compose::SystemClock;
use crate::config::{Config, WatchConfig};
use crate::doctor::gather::gather;
use crate::doctor::{Choice, Line, examine};
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::doctor::ProcessView;
use alarm::{Change, Policy, Standing};
use memory::Memory;
use notice::Notice;
use target::Target;
use trail::Tally;

/// How many audit records are asked for at once.
const PAGE: u32 = 5_000;

/// A watchman with what he remembers and whom he tells.
pub(crate) struct Watch<'a> {
    config: &'a WatchConfig,
    targets: Vec<Target>,
    /// Which checks of the doctor are made.
    choice: Choice,
    place: PathBuf,
    memory: Memory,
    entropy: &'a dyn Entropy,
}

impl<'a> Watch<'a> {
    /// Takes up what was left off.
    ///
    /// # Errors
    /// [`Failure`] when the memory cannot be read, a target cannot be made, or a name stands for no check.
    pub(crate) fn open(config: &'a WatchConfig, entropy: &'a dyn Entropy) -> Result<Self, Failure> {
        let targets = config.targets.iter().map(Target::new).collect::<Result<_, _>>()?;
        let checks = config.skip.iter().filter(|name| !trail::is_watched(name)).cloned().collect();
        let choice = Choice { only: Vec::new(), skip: checks };
        if let Some(unknown) = choice.unknown() {
            let message = format!("skip: no check has a name that begins with {unknown}");
            return Err(Failure::new(Exit::Usage, "doctor.unknown", message).then("meter-pki doctor --list"));
        }
        let place = config.directory.join("watch.json");
        let memory = Memory::load(&place)?;
        Ok(Self { config, targets, choice, place, memory, entropy })
    }

    /// Looks and tells until shutdown.
    ///
    /// # Errors
    /// [`Failure`] when the memory cannot be written.
    pub(crate) async fn run(mut self, shutdown: Shutdown) -> Result<(), Failure> {
        let mut next_round = 0;
        loop {
            if now() >= next_round {
                self.look().await?;
                next_round = now().saturating_add(self.config.every_seconds);
            }
            self.deliver().await?;
            let again = self.memory.outbox.next_at().map_or(next_round, |at| at.min(next_round));
            let pause = u64::try_from(again.saturating_sub(now())).unwrap_or(0).max(1);
            tokio::select! {
                () = shutdown.triggered() => return Ok(()),
                () = tokio::time::sleep(Duration::from_secs(pause)) => {}
            }
        }
    }

    /// Looks once, and puts what is news into the outbox.
    ///
    /// # Errors
    /// [`Failure`] when the memory cannot be written, or there is no randomness.
    pub(crate) async fn look(&mut self) -> Result<Vec<Notice>, Failure> {
        let facts = Box::pin(gather(&self.config.configuration, false)).await;
        let mut lines = examine(&facts, &self.choice).findings;
        lines.extend(
            self.trail()
                .await
                .into_iter()
                .filter(|line| !self.config.skip.iter().any(|name| name == line.id)),
        );
        let policy = Policy { least: self.config.least, repeat_seconds: self.config.repeat_seconds };
        let changes = self.memory.standing.step(&lines, policy, now());
        let mut notices = Vec::new();
        for change in changes {
            let notice = self.notice(change)?;
            tracing::info!(check = notice.check, turn = notice.turn.word(), "told");
            self.memory.outbox.add(&notice, &self.targets);
            notices.push(notice);
        }
        self.memory.save(&self.place)?;
        Ok(notices)
    }

    /// Delivers what is due.
    ///
    /// # Errors
    /// [`Failure`] when the memory cannot be written.
    pub(crate) async fn deliver(&mut self) -> Result<(), Failure> {
        if self.memory.outbox.deliver(&self.targets, now()).await {
            self.memory.save(&self.place)?;
        }
        Ok(())
    }

    /// Sends a test to every target at once; returns what each said.
    ///
    /// # Errors
    /// [`Failure`] when there is no randomness.
    pub(crate) async fn test(&self) -> Result<Vec<(String, Result<(), String>)>, Failure> {
        let notice = self.notice(Change::test(now()))?;
        let mut said = Vec::new();
        for target in &self.targets {
            said.push((target.name().to_owned(), target.send(&notice, now()).await));
        }
        Ok(said)
    }

    /// Returns which alarms stand.
    pub(crate) const fn standing(&self) -> &Standing {
        &self.memory.standing
    }

    /// Returns how many notices wait to be delivered.
    pub(crate) fn waiting(&self) -> usize {
        self.memory.outbox.len()
    }

    fn notice(&self, change: Change) -> Result<Notice, Failure> {
        let mut id = [0; 16];
        self.entropy.fill(&mut id).map_err(|error| Failure::new(Exit::Failed, "watch.entropy", error))?;
        Ok(Notice::new(hex::encode(id), self.config.installation.clone(), change))
    }

    /// Reads what the audit log has since the last time.
    async fn trail(&mut self) -> Vec<Line> {
        let tally = &mut self.memory.tally;
        if let Err(failure) = read_on(&self.config.configuration, tally).await {
            return trail::unread(&failure);
        }
        tally.judge(&self.config.unusual, now())
    }
}

/// The time of the computer, in seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemClock.now().seconds()
}

/// Reads the audit log from where it was left off to its end.
async fn read_on(configuration: &Path, tally: &mut Tally) -> Result<(), Failure> {
    let socket = Config::socket(configuration)
        .map_err(|error| Failure::new(Exit::Usage, "config.faulty", error.faults.join("; ")))?;
    let client = OperatorClient::new(&socket);
    let process: ProcessView = client.get("/v1/process", &()).await?;
    tally.begin(process.sequence);
    loop {
        let records = client.audit_records(tally.read_to(), PAGE).await?;
        if records.is_empty() {
            return Ok(());
        }
        records.iter().for_each(|der| tally.take(der));
    }
}

#[cfg(test)]
mod tests {
    use signer_file::SystemEntropy;

    use super::*;

    const HEAD: &str = "configuration = \"meter-pki.toml\"\ndirectory = \".\"\ninstallation = \"grid\"\n";
    const LOG: &str = "[[syslog]]\nsocket = \"/dev/log\"\n";

    /// What `check` makes of a watchman with this configuration.
    fn opened<T>(text: &str, check: impl FnOnce(Result<Watch<'_>, Failure>) -> T) -> T {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("watch.toml");
        std::fs::write(&file, text).unwrap();
        let config = WatchConfig::load(&file).unwrap();
        check(Watch::open(&config, &SystemEntropy))
    }

    #[test]
    fn what_is_skipped_is_neither_made_nor_looked_at() {
        opened(&format!("skip = [\"crl\", \"watch.entitled\"]\n{HEAD}{LOG}"), |watch| {
            let watch = watch.unwrap();
            assert!(!watch.choice.takes("doctor.crl.late") && watch.choice.takes("doctor.ocsp.late"));
            assert_eq!((watch.standing().alarms().len(), watch.waiting()), (0, 0));
        });
    }

    #[test]
    fn whoever_cannot_be_told_and_a_check_that_is_none_end_the_start() {
        let hook = format!("{HEAD}[[webhook]]\nsecret_file = \"absent\"\n");
        let mail = format!("{HEAD}[[mail]]\nserver = \"localhost:25\"\nfrom = \"pki@example.org\"\n");
        for (text, code, why) in [
            (format!("skip = [\"nonsense\"]\n{HEAD}{LOG}"), "doctor.unknown", "begins with nonsense"),
            (format!("{hook}url = \"localhost\"\n"), "watch.target", "is not http"),
            (format!("{hook}url = \"http://localhost\"\n"), "watch.target", "No such file"),
            (format!("{mail}security = \"none\"\nto = [\"nobody\"]\n"), "watch.target", "nobody: "),
            (
                format!("{mail}security = \"tls\"\nto = [\"a@b.c\"]\nroots_file = \"absent\"\n"),
                "watch.target",
                "No such file",
            ),
            (format!("{HEAD}[[syslog]]\ntls = \"collector\"\n"), "watch.target", "needs roots_file"),
        ] {
            opened(&text, |watch| {
                let failure = watch.map(drop).unwrap_err();
                assert_eq!(failure.code, code, "{text}: {}", failure.message);
                assert!(failure.message.contains(why), "{text}: {}", failure.message);
            });
        }
    }
}

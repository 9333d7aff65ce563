//! A conversation over HTTP or in files, kept in a file of its own until it is over.
//!
//! What is kept is written before a message is sent: whoever lost an answer sends the same message again, octet for octet.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cmp_client::{CmpError, Connection, Conversation, Operation, Outcome, Step};
use tokio::time::{Instant, sleep};

use super::failure::{come_again, failure, is_over, transfer_failure};
use super::peer::Peer;
use crate::cli::cmp::PeerArgs;
use crate::commands::credential::file;
use crate::exit::{Exit, Failure};

/// The label of what is kept (RFC 7468).
const LABEL: &str = "CMP CONVERSATION";

/// Which way messages go, and where the conversation is kept.
pub(super) struct Talk<'a> {
    peer: &'a Peer,
    args: &'a PeerArgs,
    operation: Operation,
    state: Option<PathBuf>,
}

/// Where a conversation has got to.
pub(super) enum Got {
    /// To its end.
    Outcome(Outcome),
    /// To a message in a file, for somebody to carry.
    Written {
        /// The file.
        file: PathBuf,
        /// After how many seconds it is to be delivered.
        after: Option<u64>,
    },
}

impl<'a> Talk<'a> {
    /// Prepares one; it is kept beside `out` unless the command line names another place.
    pub(super) fn new(
        peer: &'a Peer,
        args: &'a PeerArgs,
        operation: Operation,
        out: Option<&Path>,
    ) -> Result<Self, Failure> {
        let beside = out.filter(|_| enrols(operation) || args.url.is_none()).map(|out| {
            let name = out.file_name().unwrap_or_default().to_string_lossy();
            out.with_file_name(format!("{name}.cmp"))
        });
        let state = args.state.clone().or(beside);
        if state.is_none() && args.url.is_none() {
            let message = "with messages in files, --state says where the conversation is kept";
            return Err(Failure::new(Exit::Usage, "state.missing", message));
        }
        Ok(Self { peer, args, operation, state })
    }

    /// Talks for as long as that goes on without people.
    pub(super) async fn go_on(
        &self,
        begin: impl FnOnce() -> Result<Conversation, CmpError>,
    ) -> Result<Got, Failure> {
        let mut conversation = match self.kept()? {
            Some(conversation) => conversation,
            None if self.args.in_response.is_some() => {
                let message = "no conversation is kept that this answer could belong to";
                return Err(
                    Failure::new(Exit::NotFound, "state.missing", message).then("name its file with --state")
                );
            }
            None => {
                let begun = begin().map_err(|error| failure(&error))?;
                self.keep(&begun)?;
                begun
            }
        };
        match self.peer.connection(self.args)? {
            Some(mut connection) => self.over_http(&mut connection, &mut conversation).await,
            None => self.in_files(&mut conversation),
        }
    }

    /// The conversation is over, and what it came to is in its files.
    pub(super) fn over(&self) {
        if let Some(path) = &self.state {
            drop(std::fs::remove_file(path));
        }
    }

    async fn over_http(
        &self,
        connection: &mut Connection,
        conversation: &mut Conversation,
    ) -> Result<Got, Failure> {
        let until = Instant::now() + Duration::from_secs(self.args.wait);
        let in_time = |seconds: u64| Instant::now() + Duration::from_secs(seconds) <= until;
        loop {
            let message = conversation.outgoing().map_err(|error| failure(&error))?;
            let answer = match connection.exchange(self.operation, &message).await {
                Ok(answer) => answer,
                Err(error) => match error.retry_after().filter(|seconds| in_time(*seconds)) {
                    Some(seconds) => {
                        sleep(Duration::from_secs(seconds)).await;
                        continue;
                    }
                    None => return Err(transfer_failure(&error)),
                },
            };
            match self.step(conversation, &answer)? {
                Step::Done(outcome) => return Ok(Got::Outcome(outcome)),
                Step::Send => {}
                Step::Wait { seconds, .. } if in_time(seconds) => sleep(Duration::from_secs(seconds)).await,
                Step::Wait { seconds, reason } => {
                    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                    let message = format!("the authority has not decided yet{reason}");
                    return Err(
                        Failure::new(Exit::Unavailable, "cmp.waiting", message).then(come_again(seconds))
                    );
                }
            }
        }
    }

    /// RFC 9483 §6.4.1: one message a file, DER, nothing before or after it.
    fn in_files(&self, conversation: &mut Conversation) -> Result<Got, Failure> {
        let mut after = None;
        if let Some(path) = &self.args.in_response {
            match self.step(conversation, &file::read(path)?)? {
                Step::Done(outcome) => return Ok(Got::Outcome(outcome)),
                Step::Send => {}
                Step::Wait { seconds, .. } => after = Some(seconds),
            }
        }
        let Some(path) = &self.args.out_request else {
            let message = "the conversation goes on with another message";
            return Err(Failure::new(Exit::Usage, "request.no-file", message)
                .then("the same command without --in-response and with --out-request FILE.pki"));
        };
        let message = conversation.outgoing().map_err(|error| failure(&error))?;
        file::replace_octets(path, &message)?;
        Ok(Got::Written { file: path.clone(), after })
    }

    fn step(&self, conversation: &mut Conversation, answer: &[u8]) -> Result<Step, Failure> {
        let step = conversation.answered(answer).map_err(|error| {
            if is_over(&error) {
                self.over();
            }
            failure(&error)
        })?;
        if !matches!(step, Step::Done(_)) {
            self.keep(conversation)?;
        }
        Ok(step)
    }

    fn keep(&self, conversation: &Conversation) -> Result<(), Failure> {
        let Some(path) = &self.state else { return Ok(()) };
        let kept = conversation.kept().map_err(|error| failure(&error))?;
        file::replace_text(path, &file::pem(LABEL, &kept)?)
    }

    fn kept(&self) -> Result<Option<Conversation>, Failure> {
        let Some(path) = self.state.as_ref().filter(|path| path.exists()) else { return Ok(None) };
        let faulty = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Usage, "state.faulty", format!("{}: {error}", path.display()))
                .then("move the file away to begin anew")
        };
        let text = file::read_text(path)?;
        let (label, octets) = der::pem::decode_vec(text.as_bytes()).map_err(|error| faulty(&error))?;
        let conversation = self.peer.client.resume(&octets).map_err(|error| faulty(&error))?;
        let begun = conversation.operation();
        if label != LABEL || begun.is_some_and(|begun| begun != self.operation) {
            return Err(faulty(&"it keeps another conversation than the one of this command"));
        }
        Ok(Some(conversation))
    }
}

const fn enrols(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Initialization | Operation::Certification | Operation::KeyUpdate | Operation::Pkcs10
    )
}

//! A run of the line: requests in groups to the server, certificates to the disk, and what went wrong into a file.
//!
//! Resumable on either side. What has its certificate on disk is not asked for again; what was asked for and not written gets the
//! same octets from the server; what the server did not finish it settles at its next start, and it is asked for anew.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use serde::Serialize;
use utoipa::ToSchema;

use super::faults::{self, FileFault};
use super::names::Wish;
use super::results::{Before, Made, Results, is_answer};
use super::source::{Next, Source};
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::production::{LineAnswer, LineAnswers, LineRequest, LineRequests};

/// How many requests are one transaction of the server.
const GROUP: usize = 256;

/// How often what may be granted a moment later is asked for.
const TRIES: usize = 5;

/// How many faults are kept to be written down.
const KEPT_FAULTS: usize = 100_000;

/// A request that is to be asked.
struct Asked {
    file: String,
    wish: Wish,
    request: CertificationRequest,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[schema(as = FactoryRun)]
pub(crate) struct LineReport {
    /// Files that are requests by their names.
    pub(crate) requests: u64,
    /// Certificates written that were made now.
    pub(crate) issued: u64,
    /// Certificates written that had been made before for the same request.
    pub(crate) repeated: u64,
    /// Requests whose certificates were there already.
    pub(crate) done_before: u64,
    /// Files without a certificate, each with its reason in the file of faults.
    pub(crate) refused: u64,
    /// Other files.
    pub(crate) ignored: u64,
    /// Where the faults are.
    pub(crate) faults: String,
}

/// A run of the line.
pub(crate) struct Line<'a> {
    client: &'a OperatorClient,
    order: &'a str,
    source: Source,
    results: Results,
    report: LineReport,
    faults: Vec<FileFault>,
    /// Files of the manifest that were seen.
    seen: BTreeSet<String>,
    progress: &'a dyn Fn(&LineReport),
}

impl<'a> Line<'a> {
    /// Opens what is read and what is written.
    pub(crate) fn open(
        (client, order): (&'a OperatorClient, &'a str),
        (requests, manifest): (&Path, Option<&Path>),
        out: &Path,
        progress: &'a dyn Fn(&LineReport),
    ) -> Result<Self, Failure> {
        let results = Results::open(out, requests)?;
        let faults = results.path("faults.csv").display().to_string();
        Ok(Self {
            client,
            order,
            source: Source::open(requests, manifest)?,
            results,
            report: LineReport { faults, ..LineReport::default() },
            faults: Vec::new(),
            seen: BTreeSet::new(),
            progress,
        })
    }

    /// Runs to the end of the source; what was written stays, however it ends.
    pub(crate) async fn run(mut self) -> Result<LineReport, Failure> {
        let ended = self.all().await;
        let path = self.results.path("faults.csv");
        faults::write(&path, &self.faults)?;
        ended.map(|()| self.report)
    }

    async fn all(&mut self) -> Result<(), Failure> {
        let mut group = self.next_group()?;
        while !group.is_empty() {
            let asked = std::mem::take(&mut group);
            let (client, order) = (self.client.clone(), self.order.to_owned());
            let body = body(&asked);
            // The next group is read while the server works on this one.
            let answers = tokio::spawn(async move { ask(&client, &order, &body).await });
            let next = self.next_group();
            let answers =
                answers.await.map_err(|error| Failure::new(Exit::Failed, "line.failed", error))??;
            self.take(&asked, answers)?;
            (self.progress)(&self.report);
            group = next?;
        }
        self.miss_files();
        Ok(())
    }

    /// Reads on until there are enough requests that have no certificate yet.
    fn next_group(&mut self) -> Result<Vec<Asked>, Failure> {
        let mut group: Vec<Asked> = Vec::with_capacity(GROUP);
        while group.len() < GROUP {
            match self.source.next()? {
                Next::End => break,
                Next::Ignored => self.report.ignored += 1,
                Next::Fault(fault) => {
                    self.report.requests += 1;
                    self.fault(fault);
                }
                Next::Request(found) => {
                    self.report.requests += 1;
                    match self.read(&found.name, &found.octets)? {
                        Ok(asked) if group.iter().any(|other| other.wish == asked.wish) => {
                            let fault =
                                FileFault::of(&asked.file, "file.doubled", "another file is for the same");
                            self.fault(fault.wanted(&asked.wish));
                        }
                        Ok(asked) => group.push(asked),
                        Err(Some(fault)) => self.fault(fault),
                        Err(None) => self.report.done_before += 1,
                    }
                }
            }
        }
        Ok(group)
    }

    /// Reads a request; nothing where it is answered already.
    fn read(&mut self, file: &str, octets: &[u8]) -> Result<Result<Asked, Option<FileFault>>, Failure> {
        let wish = match self.source.manifest() {
            None => Wish::of_file(file).ok_or((
                "name.unknown",
                "its name is not D, A or T and a system title, and there is no manifest",
            )),
            Some(manifest) => {
                self.seen.insert(file.to_owned());
                manifest.of(file).ok_or(("manifest.missing", "the manifest does not name it"))
            }
        };
        let wish = match wish {
            Ok(wish) => wish,
            Err((code, why)) => return Ok(Err(Some(FileFault::of(file, code, why)))),
        };
        let fault = |code: &str, why: &dyn std::fmt::Display| {
            Ok(Err(Some(FileFault::of(file, code, why).wanted(&wish))))
        };
        let Some(der) = plain(octets) else {
            return fault("request.unreadable", &"it is neither DER nor PEM of a certification request");
        };
        let request = match CertificationRequest::from_der(&der) {
            Ok(request) => request,
            Err(error) => return fault(error.code(), &error),
        };
        let before = self.results.before(&wish, &request).map_err(|error| self.unwritable(&error))?;
        match before {
            Before::Nothing => Ok(Ok(Asked { file: file.to_owned(), wish, request })),
            Before::Done => Ok(Err(None)),
            Before::Other(why) => fault("out.other", &why),
        }
    }

    /// Writes down what a group came to.
    fn take(&mut self, asked: &[Asked], answers: Vec<LineAnswer>) -> Result<(), Failure> {
        let mut made = Vec::with_capacity(asked.len());
        for (one, answer) in asked.iter().zip(answers) {
            let certificate = answer.certificate.and_then(|text| STANDARD.decode(text).ok());
            match certificate {
                Some(der) => {
                    let read = Certificate::from_der(&der);
                    if !read.is_ok_and(|read| is_answer(&read, &one.wish, one.request.public_key())) {
                        let message = format!("the server answered {} with another certificate", one.file);
                        return Err(Failure::new(Exit::Integrity, "answer.other", message));
                    }
                    let count =
                        if answer.repeated { &mut self.report.repeated } else { &mut self.report.issued };
                    *count += 1;
                    made.push(Made { wish: one.wish, der });
                }
                None => {
                    let code = answer.code.unwrap_or_else(|| "answer.empty".to_owned());
                    let message = answer.message.unwrap_or_default();
                    self.fault(FileFault::of(&one.file, &code, message).wanted(&one.wish));
                }
            }
        }
        self.results.write(&made).map_err(|error| self.unwritable(&error))
    }

    /// Files that the manifest names and nobody saw.
    fn miss_files(&mut self) {
        let Some(manifest) = self.source.manifest() else { return };
        let missing: Vec<FileFault> = manifest
            .files()
            .filter(|(file, _)| !self.seen.contains(*file))
            .map(|(file, wish)| {
                FileFault::of(file, "file.missing", "the manifest names it, and it is not there").wanted(wish)
            })
            .collect();
        missing.into_iter().for_each(|fault| self.fault(fault));
    }

    fn fault(&mut self, fault: FileFault) {
        self.report.refused += 1;
        if self.faults.len() < KEPT_FAULTS {
            self.faults.push(fault);
        }
    }

    fn unwritable(&self, error: &std::io::Error) -> Failure {
        let message = format!("{}: {error}", self.results.path("").display());
        Failure::new(Exit::Failed, "out.unusable", message)
            .then("make room, then type the same command again: it goes on where it ended")
    }
}

/// Takes PEM off, if it is there.
fn plain(octets: &[u8]) -> Option<Vec<u8>> {
    match der::pem::decode_vec(octets) {
        Ok(("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST", der)) => Some(der),
        Ok(_) => None,
        Err(_) => (octets.first() == Some(&0x30)).then(|| octets.to_vec()),
    }
}

fn body(asked: &[Asked]) -> LineRequests {
    let one = |asked: &Asked| LineRequest {
        system_title: asked.wish.title.to_string(),
        purpose: asked.wish.purpose.name().to_owned(),
        request: STANDARD.encode(asked.request.der()),
    };
    LineRequests { requests: asked.iter().map(one).collect() }
}

/// Asks for a group; what may be granted a moment later is asked for again, a few times.
async fn ask(client: &OperatorClient, order: &str, body: &LineRequests) -> Result<Vec<LineAnswer>, Failure> {
    let path = format!("/v1/production/{}/requests", escaped(order));
    let mut answers: Vec<Option<LineAnswer>> = body.requests.iter().map(|_| None).collect();
    for attempt in 1..=TRIES {
        let open: Vec<usize> = answers
            .iter()
            .enumerate()
            .filter(|(_, answer)| answer.as_ref().is_none_or(|answer| answer.again))
            .map(|(place, _)| place)
            .collect();
        if open.is_empty() {
            break;
        }
        if attempt > 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let requests = open.iter().filter_map(|place| body.requests.get(*place).cloned()).collect();
        let told: LineAnswers = client.post(&path, &LineRequests { requests }).await.map_err(|failure| {
            if failure.next.is_empty() {
                failure.then("type the same command again: it goes on where it ended")
            } else {
                failure
            }
        })?;
        if told.answers.len() != open.len() {
            let message = format!("{} requests have {} answers", open.len(), told.answers.len());
            return Err(Failure::new(Exit::Integrity, "answer.other", message));
        }
        for (place, answer) in open.into_iter().zip(told.answers) {
            if let Some(slot) = answers.get_mut(place) {
                *slot = Some(answer);
            }
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

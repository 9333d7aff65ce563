//! A shift start: devices that all connect at once, each on a connection of its own, until each has its certificate.
//!
//! They are ours, because no client that others wrote is ten thousand devices; what they send was checked by those clients
//! elsewhere. Each waits as long as it was told and no longer.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::call::Caller;
use crate::crash::http::{Answer, Credential, post};
use crate::fleet::station;
use crate::peer::{Shown, curl, path};
use crate::rehearsal::Rehearsal;

/// Where head-ends upload.
pub const UPLOAD: &str = "/meter-pki/v1/enrolments";

/// A key, and a request for it.
#[derive(Debug)]
pub struct Request {
    /// PKCS#8.
    pub key: Vec<u8>,
    /// The request, DER.
    pub csr: Vec<u8>,
}

impl Request {
    /// Makes a key on P-256 and a request for it.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, DnValue::Utf8String(title.to_owned()));
        let csr = params.serialize_request(&key).expect("a request").der().to_vec();
        Self { key: key.serialize_der(), csr }
    }
}

/// The system title of a device of the line.
#[must_use]
pub fn title(number: usize) -> String {
    format!("4D504B03{number:08X}")
}

/// Writes a line of an upload.
#[must_use]
pub fn line(id: &str, label: &str, kind: &str, csr: &[u8]) -> String {
    let item = json!({"id": id, "label": label, "kind": kind, "csr": STANDARD.encode(csr)});
    format!("{item}\n")
}

/// Uploads lines as the station of the line, by curl; returns the answers.
///
/// # Panics
/// When they are not all answered.
#[must_use]
#[track_caller]
pub fn upload(rehearsal: &Rehearsal, lines: &str) -> Vec<Value> {
    upload_as(rehearsal, &station(rehearsal), lines)
}

/// Uploads lines as somebody else.
///
/// # Panics
/// When they are not all answered.
#[must_use]
#[track_caller]
pub fn upload_as(rehearsal: &Rehearsal, shown: &Shown, lines: &str) -> Vec<Value> {
    let file = rehearsal.unique("upload.ndjson");
    std::fs::write(&file, lines).expect("the upload can be written");
    let shown = shown.options();
    let body = format!("@{}", path(&file));
    let mut options =
        vec!["--max-time", "600", "-H", "Content-Type: application/x-ndjson", "--data-binary", &body];
    options.extend(shown.iter().map(String::as_str));
    let answer = curl(rehearsal, &address(rehearsal, UPLOAD), &options);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect()
}

/// Returns the address of a path of the EST listener.
#[must_use]
pub fn address(rehearsal: &Rehearsal, path: &str) -> String {
    rehearsal.est("").replace("/.well-known/est/", path)
}

/// A device that was born on the line, and wants its operational certificate.
#[derive(Debug, Clone)]
pub struct Device {
    shown: Credential,
    csr: Vec<u8>,
}

impl Device {
    /// What it shows in a handshake.
    #[must_use]
    pub const fn shown(&self) -> &Credential {
        &self.shown
    }

    /// Asks for its certificate on a connection of its own.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn ask(&self, caller: &Caller) -> io::Result<Answer> {
        let mut call = caller.call(Some(&self.shown)).await?;
        call.send(&self.request()).await?;
        call.answer().await
    }

    /// What it sends, head and body.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let body = STANDARD.encode(&self.csr);
        post("/.well-known/est/meter-op-tls-s1/simpleenroll", "application/pkcs10", body.as_bytes())
    }
}

/// Bears devices: the station uploads their requests, and their owner expects them.
///
/// # Panics
/// When one of them gets no factory certificate.
#[must_use]
pub fn born(rehearsal: &Rehearsal, numbers: std::ops::Range<usize>) -> Vec<Device> {
    let mut devices = Vec::new();
    let numbers: Vec<usize> = numbers.collect();
    for numbers in numbers.chunks(5_000) {
        let births: Vec<Request> = numbers.iter().map(|number| Request::new(&title(*number))).collect();
        let lines: String = births
            .iter()
            .zip(numbers)
            .map(|(birth, number)| line(&number.to_string(), "meter-factory-tls-s1", "first", &birth.csr))
            .collect();
        let answers = upload(rehearsal, &lines);
        assert_eq!(answers.len(), births.len(), "each line is answered");
        let titles: Vec<String> = numbers.iter().map(|number| title(*number)).collect();
        rehearsal.expect_devices("dso", &titles.iter().map(String::as_str).collect::<Vec<_>>());
        devices.extend(births.into_iter().zip(&answers).zip(titles).map(|((birth, answer), title)| {
            let text = answer["certificate"].as_str().unwrap_or_else(|| panic!("{answer}"));
            let certificate = STANDARD.decode(text).expect("base64");
            let shown = Credential { certificate, key: birth.key };
            Device { shown, csr: Request::new(&title).csr }
        }));
    }
    devices
}

/// What became of a crowd.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    /// When each device had its certificate, from the beginning.
    pub served: Vec<Duration>,
    /// How often one was told to come back: status 429 or 503, with Retry-After.
    pub sent_away: usize,
    /// What was said to the last of them.
    pub last_sent_away: String,
    /// How often a connection ended without an answer, which a device tries again after a second.
    pub cut: usize,
    /// What was said of the last of them.
    pub last_cut: String,
    /// The longest wait that was told, in seconds.
    pub longest_wait: u64,
    /// Other answers.
    pub refused: Vec<String>,
    /// How long each answer with a certificate took, from the connection on.
    pub took: Vec<Duration>,
}

impl Outcome {
    /// How many were served a second, from the beginning until this part of all was.
    ///
    /// # Panics
    /// When nobody was served.
    #[must_use]
    pub fn rate(&self, percent: usize) -> f64 {
        let mut served = self.served.clone();
        served.sort_unstable();
        let count = (served.len() * percent / 100).max(1);
        let until = served.get(count - 1).expect("somebody was served").as_secs_f64();
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / until.max(0.001)
    }
}

/// Lets all devices come at once, on so many connections at a time at most, until each was served. Two threads do the work of
/// all devices: more would only take the server's processors from it.
///
/// # Panics
/// When the server's root cannot be read.
#[must_use]
pub fn crowd(rehearsal: &Rehearsal, devices: &[Device], connections: usize) -> Outcome {
    let street = Arc::new(Street {
        caller: Caller::new(rehearsal),
        begin: Instant::now(),
        seats: Semaphore::new(connections),
        outcome: Mutex::default(),
    });
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut coming: JoinSet<()> = (0..)
            .zip(devices)
            .map(|(number, device)| come(Arc::clone(&street), number, device.clone()))
            .collect();
        while let Some(came) = coming.join_next().await {
            came.expect("a device comes to its end");
        }
    });
    let outcome = street.outcome.lock().unwrap_or_else(PoisonError::into_inner);
    outcome.clone()
}

struct Street {
    caller: Caller,
    begin: Instant,
    seats: Semaphore,
    outcome: Mutex<Outcome>,
}

/// How many devices share an address.
const OF_AN_ADDRESS: u32 = 16;

/// Asks, on a connection of its own each time, until there is an answer that is one.
async fn come(street: Arc<Street>, number: u32, device: Device) {
    let caller =
        street.caller.from(Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 3, 0, 1)) + number / OF_AN_ADDRESS));
    loop {
        let seat = street.seats.acquire().await.expect("it stays open");
        let begun = street.begin.elapsed();
        let answer = device.ask(&caller).await;
        drop(seat);
        let again = street.note(begun, answer);
        match again {
            Some(wait) => tokio::time::sleep(wait).await,
            None => return,
        }
    }
}

impl Street {
    /// Returns after what time the device comes again.
    fn note(&self, begun: Duration, answer: io::Result<Answer>) -> Option<Duration> {
        let now = self.begin.elapsed();
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(Answer { status: 200, .. }) => {
                outcome.served.push(now);
                outcome.took.push(now - begun);
                None
            }
            Ok(Answer { status: status @ (429 | 503), retry_after: Some(seconds), body }) => {
                outcome.sent_away += 1;
                outcome.last_sent_away = format!("{status} {}", String::from_utf8_lossy(&body));
                outcome.longest_wait = outcome.longest_wait.max(seconds);
                Some(Duration::from_secs(seconds))
            }
            Ok(Answer { status, body, .. }) => {
                outcome.refused.push(format!("{status} {}", String::from_utf8_lossy(&body)));
                None
            }
            Err(error) => {
                assert_ne!(error.kind(), io::ErrorKind::ConnectionRefused, "the server has gone");
                outcome.cut += 1;
                outcome.last_cut = error.to_string();
                Some(Duration::from_secs(1))
            }
        }
    }
}

/// Returns what of the configuration makes the queue of the rehearsed server this short and lets a crowd connect from one
/// address.
#[must_use]
pub fn short_queue(text: &str, queue: usize, connections: usize) -> String {
    let limits = format!(
        "max_connections = {connections}, max_connections_per_address = {connections}, max_handshakes = {connections}, \
         first_octet_seconds = 30, handshake_seconds = 30, header_seconds = 30, body_seconds = 30"
    );
    with_est(text, &[("limits", &limits), ("pool", &format!("queue_jobs = {queue}"))])
}

/// Returns the configuration with these tables of the EST listener, each a name and its content as TOML.
#[must_use]
pub fn with_est(text: &str, tables: &[(&str, &str)]) -> String {
    let label = "default_label = \"meter-op-ds-s1\"\n";
    let tables: String = tables.iter().map(|(name, content)| format!("{name} = {{ {content} }}\n")).collect();
    text.replace(label, &format!("{label}{tables}"))
}

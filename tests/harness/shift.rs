//! A shift start: devices that all connect at once, each on a connection of its own, until each has its certificate.
//!
//! They are ours, because no client that others wrote is ten thousand devices; what they send was checked by those clients
//! elsewhere. Each waits as long as it was told and no longer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::crash::http::{Connection, Credential};
use crate::fleet::station;
use crate::peer::{curl, path};
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
    let file = rehearsal.unique("upload.ndjson");
    std::fs::write(&file, lines).expect("the upload can be written");
    let shown = station(rehearsal).options();
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
#[derive(Debug)]
pub struct Device {
    shown: Credential,
    wish: Request,
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
            Device { shown: Credential { certificate, key: birth.key }, wish: Request::new(&title) }
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

/// A queue of devices by when they come.
#[derive(Debug, Default)]
struct Gate {
    waiting: BinaryHeap<Reverse<(Instant, usize)>>,
    open: usize,
    outcome: Outcome,
}

/// Lets all devices come at once, on so many connections at a time at most, until each was served.
///
/// # Panics
/// When the server's root cannot be read.
#[must_use]
pub fn crowd(rehearsal: &Rehearsal, devices: &[Device], connections: usize) -> Outcome {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(rehearsal.root()).expect("the root");
    roots.add(root).expect("a root");
    let roots = Arc::new(roots);
    let listens = listening(rehearsal);
    #[expect(
        clippy::disallowed_methods,
        reason = "how long devices wait is measured, by no clock of the product"
    )]
    let begin = Instant::now();
    let gate = Mutex::new(Gate {
        waiting: (0..devices.len()).map(|number| Reverse((begin, number))).collect(),
        open: devices.len(),
        outcome: Outcome::default(),
    });
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                come(&Street { gate: &gate, changed: &changed, begin, listens, roots: &roots }, devices)
            });
        }
    });
    gate.into_inner().unwrap_or_else(PoisonError::into_inner).outcome
}

struct Street<'a> {
    gate: &'a Mutex<Gate>,
    changed: &'a Condvar,
    begin: Instant,
    listens: SocketAddr,
    roots: &'a Arc<RootCertStore>,
}

/// One connection after another, each for the device that is due.
fn come(street: &Street<'_>, devices: &[Device]) {
    loop {
        let mut gate = street.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let number = loop {
            if gate.open == 0 {
                street.changed.notify_all();
                return;
            }
            let now = street.begin + street.begin.elapsed();
            match gate.waiting.peek().copied() {
                Some(Reverse((due, number))) if due <= now => {
                    gate.waiting.pop();
                    break number;
                }
                next => {
                    let wait = next.map_or(Duration::from_secs(1), |Reverse((due, _))| due - now);
                    let waited = street.changed.wait_timeout(gate, wait.max(Duration::from_millis(1)));
                    gate = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        };
        drop(gate);
        let begun = street.begin.elapsed();
        let answer = ask(street, &devices[number]);
        let now = street.begin.elapsed();
        let mut gate = street.gate.lock().unwrap_or_else(PoisonError::into_inner);
        let again = match answer {
            Ok((200, _, _)) => {
                gate.outcome.served.push(now);
                gate.outcome.took.push(now - begun);
                None
            }
            Ok((429 | 503, Some(seconds), _)) => {
                gate.outcome.sent_away += 1;
                gate.outcome.longest_wait = gate.outcome.longest_wait.max(seconds);
                Some(Duration::from_secs(seconds))
            }
            Ok((status, _, text)) => {
                gate.outcome.refused.push(format!("{status} {text}"));
                None
            }
            Err(error) => {
                gate.outcome.cut += 1;
                gate.outcome.last_cut = error.to_string();
                Some(Duration::from_secs(1))
            }
        };
        match again {
            Some(wait) => gate.waiting.push(Reverse((street.begin + now + wait, number))),
            None => gate.open -= 1,
        }
        drop(gate);
        street.changed.notify_one();
    }
}

fn ask(street: &Street<'_>, device: &Device) -> std::io::Result<(u16, Option<u64>, String)> {
    let mut connection = Connection::est(street.listens, street.roots, &device.shown)?;
    let body = STANDARD.encode(&device.wish.csr);
    let path = "/.well-known/est/meter-op-tls-s1/simpleenroll";
    let answer = connection.post(path, "application/pkcs10", body.as_bytes())?;
    Ok((answer.status, answer.retry_after, String::from_utf8_lossy(&answer.body).into_owned()))
}

fn listening(rehearsal: &Rehearsal) -> SocketAddr {
    let est = rehearsal.text("est").replace("https://localhost:", "127.0.0.1:");
    let (address, _) = est.split_once('/').expect("an address");
    address.parse().expect("an address")
}

/// Returns what of the configuration makes the queue of the rehearsed server this short and lets a crowd connect from one
/// address.
#[must_use]
pub fn short_queue(text: &str, queue: usize, connections: usize) -> String {
    let label = "default_label = \"meter-op-ds-s1\"\n";
    let added = format!(
        "{label}limits = {{ max_connections = {connections}, max_connections_per_address = {connections}, \
         max_handshakes = {connections}, first_octet_seconds = 30, handshake_seconds = 30, header_seconds = 30, body_seconds = 30 }}\n\
         pool = {{ queue_jobs = {queue} }}\n"
    );
    text.replace(label, &added)
}

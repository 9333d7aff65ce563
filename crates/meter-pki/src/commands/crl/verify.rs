//! `meter-pki crl verify`: published CRLs, as relying parties get them, beside what the ledger says.

use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::validity::UnixTime;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, StatusCode};
use serde::Serialize;
use tokio::runtime::Handle;
use utoipa::ToSchema;

use super::super::printer::Printer;
use crate::cli::CrlVerifyArgs;
use crate::crl_check::{CheckError, Found, OnRecord, Revocations, Revoked, compare};
use crate::exit::{Exit, Failure};
use crate::operator::client::{OperatorClient, escaped};
use crate::operator::wire::crls::{RecordedCrlView, ReleasedView, RevokedQueryText, RevokedView};
use crate::web::{self, WebPlace};

/// How long nothing may come of a CRL that is being fetched.
const STALL: Duration = Duration::from_secs(60);

/// What was compared with what, as printed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ComparedCrl)]
pub(in crate::commands) struct ComparedView {
    authority: String,
    shard: Option<String>,
    base: Option<u64>,
    place: String,
    number: u64,
    entries: u64,
    differences: u64,
    told: Vec<String>,
}

/// Compares one authority's CRL, or every authority's.
pub(super) async fn run(
    args: &CrlVerifyArgs,
    client: &OperatorClient,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut records: Vec<RecordedCrlView> = client.get("/v1/recorded-crls", &()).await?;
    if let Some(name) = &args.name {
        records.retain(|record| record.authority == *name);
    }
    // A place or a file that is named holds one CRL.
    if args.url.is_some() || args.file.is_some() {
        records.retain(|record| record.shard == args.shard && record.base.is_some() == args.delta);
    }
    if records.is_empty() {
        let message = "no CRL is on record of such an authority";
        return Err(Failure::new(Exit::NotFound, "crl.none", message).then("meter-pki crl list"));
    }
    let mut compared = Vec::new();
    for record in records {
        compared.push(one(args, record, client).await?);
    }
    printer.result(&compared, |compared| compared.iter().flat_map(lines).collect());
    let different: Vec<&str> =
        compared.iter().filter(|one| one.differences > 0).map(|one| one.authority.as_str()).collect();
    if different.is_empty() {
        return Ok(());
    }
    let message = format!("what is published and what is on record do not agree: {}", different.join(", "));
    Err(Failure::new(Exit::Integrity, "crl.differs", message).then(
        "repeat it in a minute, lest something changed meanwhile; if it stays, keep both as they are and read \
         docs/operate/repository.md",
    ))
}

fn lines(one: &ComparedView) -> Vec<String> {
    let ComparedView { authority, shard, base, place, number, entries, differences, told } = one;
    let of = shard.as_ref().map(|shard| format!(" of shard {shard}")).unwrap_or_default();
    let of = of + &base.map(|base| format!(", delta to {base},")).unwrap_or_default();
    let head = match differences {
        0 => format!("{authority}: CRL {number}{of} with {entries} entries agrees with the ledger ({place})"),
        _ => {
            format!(
                "{authority}: CRL {number}{of} with {entries} entries differs {differences} times ({place})"
            )
        }
    };
    std::iter::once(head).chain(told.iter().map(|sentence| format!("  {sentence}"))).collect()
}

async fn one(
    args: &CrlVerifyArgs,
    record: RecordedCrlView,
    client: &OperatorClient,
) -> Result<ComparedView, Failure> {
    let (authority, shard) = (record.authority.clone(), record.shard.clone());
    let base = record.base.map(|base| base.number);
    let on_record = on_record(&record).ok_or_else(|| {
        Failure::new(Exit::Failed, "operator.malformed", "the server's view of a CRL cannot be read")
    })?;
    let (place, source): (String, Box<dyn Read + Send>) = match &args.file {
        Some(file) => {
            let unreadable = |error| {
                Failure::new(Exit::Usage, "crl.file", format!("cannot read {}: {error}", file.display()))
            };
            (file.display().to_string(), Box::new(File::open(file).map_err(unreadable)?))
        }
        None => {
            let place = args.url.clone().or(record.uri).ok_or_else(|| {
                let message = format!("the certificates of {authority} say no place of their CRL");
                Failure::new(Exit::Usage, "crl.no-place", message).then("name it with --url or --file")
            })?;
            (place.clone(), Box::new(fetch(&place).await?))
        }
    };
    let mut rows = Rows {
        client: client.clone(),
        path: format!("/v1/recorded-crls/{}", escaped(&authority)),
        runtime: Handle::current(),
        shard: record.shard.clone(),
        page: Vec::new().into_iter(),
        last: None,
    };
    let compared = tokio::task::spawn_blocking(move || compare(source, &on_record, &mut rows)).await;
    let compared = compared.map_err(|error| Failure::new(Exit::Failed, "crl.verify", error))?;
    let Found { number, entries, differences, told } = compared.map_err(|error| match error {
        CheckError::Ledger(failure) => failure,
        CheckError::Unfit(_) => Failure::new(Exit::Integrity, "crl.unfit", format!("{place}: {error}"))
            .then("compare with the file in status.directory; docs/operate/repository.md tells more"),
    })?;
    Ok(ComparedView { authority, shard, base, place, number, entries, differences, told })
}

fn on_record(view: &RecordedCrlView) -> Option<OnRecord> {
    let certificate = Certificate::from_der(&STANDARD.decode(&view.certificate).ok()?).ok()?;
    Some(OnRecord {
        issuer: certificate.subject().der().to_vec(),
        key: certificate.public_key().clone(),
        number: view.number,
        this_update: UnixTime::from_seconds(view.this_update),
        next_update: UnixTime::from_seconds(view.next_update),
        point: view.point.clone(),
        base: view.base.map(|base| base.number),
        changed_since: view.base.and_then(|base| base.this_update).map(UnixTime::from_seconds),
        sha256: hex::decode(&view.sha256).ok()?.try_into().ok()?,
    })
}

/// The rows of the ledger, a page at a time from the server.
struct Rows {
    client: OperatorClient,
    path: String,
    runtime: Handle,
    shard: Option<String>,
    page: std::vec::IntoIter<RevokedView>,
    last: Option<String>,
}

impl Revocations for Rows {
    fn next(&mut self) -> Result<Option<Revoked>, Failure> {
        if self.page.len() == 0 {
            let query = RevokedQueryText { after: self.last.clone(), shard: self.shard.clone() };
            let path = format!("{}/revoked", self.path);
            let page: Vec<RevokedView> = self.runtime.block_on(self.client.get(&path, &query))?;
            self.page = page.into_iter();
        }
        let Some(view) = self.page.next() else { return Ok(None) };
        let malformed =
            |_| Failure::new(Exit::Failed, "operator.malformed", "a serial number is no hexadecimal");
        let serial = hex::decode(&view.serial).map_err(malformed)?;
        self.last = Some(view.serial);
        Ok(Some(Revoked {
            serial,
            time: UnixTime::from_seconds(view.time),
            reason: view.reason,
            invalidity_date: view.invalidity_date.map(UnixTime::from_seconds),
            not_after: UnixTime::from_seconds(view.not_after),
        }))
    }

    fn released_at(&mut self, serial: &[u8]) -> Result<Option<UnixTime>, Failure> {
        let path = format!("{}/released/{}", self.path, hex::encode(serial));
        let view: ReleasedView = self.runtime.block_on(self.client.get(&path, &()))?;
        Ok(view.released_at.map(UnixTime::from_seconds))
    }
}

/// Fetches what is published, as relying parties do: over plain HTTP (RFC 5280 §8).
async fn fetch(place: &str) -> Result<Fetched, Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Unavailable, "crl.not-fetched", format!("{place}: {why}"))
            .then("look whether it is served: curl -I URL; name another place with --url or --file")
    };
    let at = WebPlace::parse(place).map_err(|error| failed(&error))?;
    let request = Request::get(at.target()).body(Empty::<Bytes>::new()).map_err(|error| failed(&error))?;
    let answer = web::send(&at, None, request).await.map_err(|error| failed(&error))?;
    if answer.status() != StatusCode::OK {
        return Err(failed(&format!("the server answered {}", answer.status())));
    }
    Ok(Fetched::of(answer.into_body()))
}

/// A body as it comes, for a reader that waits.
struct Fetched {
    pieces: Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Fetched {
    fn of(mut body: Incoming) -> Self {
        let (sender, pieces) = sync_channel(1);
        tokio::spawn(async move {
            loop {
                let piece = match tokio::time::timeout(STALL, body.frame()).await {
                    Ok(None) => return,
                    Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
                    Ok(Some(Err(error))) => Err(io::Error::other(error)),
                    Err(late) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
                };
                let sent = tokio::task::block_in_place(|| sender.send(piece));
                if sent.is_err() {
                    return;
                }
            }
        });
        Self { pieces, piece: Bytes::new() }
    }
}

impl Read for Fetched {
    fn read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.recv() {
                Ok(piece) => self.piece = piece?,
                // The body has ended.
                Err(_) => return Ok(0),
            }
        }
        let taken = self.piece.split_to(self.piece.len().min(octets.len()));
        let (place, _) = octets.split_at_mut(taken.len());
        place.copy_from_slice(&taken);
        Ok(taken.len())
    }
}

//! From outside: the listeners, and whatever the addresses in certificates lead to, as devices and relying parties get it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::certificate::Certificate;
use ca_core::ports::{Clock, Entropy};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::DATE;
use hyper::{Request, StatusCode};
use signer_file::SystemEntropy;
use status_server::crl_reader::ReadCrl;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use tokio::net::TcpStream;

use super::super::facts::{Attempt, Outside, RecordedCrl, Seen, SeenAnswer, SeenCrl};
use super::served::recorded;
use crate::compose::SystemClock;
use crate::config::{CheckedAuthority, Config};
use crate::ocsp_client::{self, Answer};
use crate::operator::client::OperatorClient;
use crate::operator::wire::crls::RecordedCrlView;
use crate::operator::wire::{CertificatePage, CertificateQueryText};
use crate::web::{self, WebPlace};

/// How long one address may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest CRL that is fetched, in octets; `meter-pki crl verify` reads longer ones.
const LONGEST: usize = 64 << 20;

/// Among how many certificates of an authority one is looked for that is good and has not ended.
const MANY: u32 = 1_000;

/// Fetches everything; `client` tells what is on record, where somebody serves.
pub(super) async fn fetch(
    config: &Config,
    client: Option<&OperatorClient>,
    signatures: &mut Vec<Attempt>,
) -> Outside {
    let mut outside = Outside::default();
    outside.listeners.push(("est".to_owned(), connect(config.est.listen).await));
    outside.listeners.push(("status".to_owned(), connect(config.status.listen).await));
    if let Some(listen) = config.cmp.as_ref().and_then(|cmp| cmp.listen) {
        outside.listeners.push(("cmp".to_owned(), connect(listen).await));
    }
    if let Some(door) = &config.operator_door {
        outside.listeners.push(("operator".to_owned(), connect(door.listen).await));
    }
    if let Some(client) = client {
        crls(client, &mut outside).await;
    } else {
        for one in &config.authorities {
            offline_crl(one, &mut outside).await;
        }
    }
    for one in &config.authorities {
        if let Some(uri) = &one.issuer.points().ca_issuers {
            let seen = authority_certificate(one, uri, &mut outside.dates).await;
            outside.certificates.push(seen);
        }
        if let (Some(uri), Some(client)) = (&one.issuer.points().ocsp, client)
            && let Some((seen, attempt)) = ocsp(one, uri, client, &mut outside.dates).await
        {
            outside.ocsp.push(seen);
            signatures.push(attempt);
        }
    }
    outside
}

/// Why no connection comes about; of a listener on every interface the one of this machine is tried.
async fn connect(mut address: SocketAddr) -> Option<String> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("{address}: {error}")),
        Err(_) => Some(format!("{address}: no answer within {} s", PATIENCE.as_secs())),
    }
}

/// What an address answers, and by how many seconds its clock is ahead.
async fn get(
    uri: &str,
    request: Request<Full<Bytes>>,
    dates: &mut Vec<(String, i64)>,
) -> anyhow::Result<Bytes> {
    let fetched = async {
        let answer = web::send(&WebPlace::parse(uri)?, None, request).await?;
        ensure!(answer.status() == StatusCode::OK, "the server answered {}", answer.status());
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok()).map(str::to_owned);
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?;
        anyhow::Ok((date, body.to_bytes()))
    };
    let (date, octets) = tokio::time::timeout(PATIENCE, fetched).await.context("no answer within 10 s")??;
    if let Some(date) = date.and_then(|date| OffsetDateTime::parse(&date, &Rfc2822).ok()) {
        dates.push((uri.to_owned(), date.unix_timestamp() - SystemClock.now().seconds()));
    }
    Ok(octets)
}

fn plain_get(uri: &str) -> anyhow::Result<Request<Full<Bytes>>> {
    Ok(Request::get(WebPlace::parse(uri)?.target()).body(Full::default())?)
}

/// Every CRL on record from where certificates say it is. Where numbers differ both are asked once more: one may just have been made.
async fn crls(client: &OperatorClient, outside: &mut Outside) {
    let Ok(records) = client.get::<Vec<RecordedCrlView>>("/v1/recorded-crls", &()).await else { return };
    for record in records {
        let Some(uri) = record.uri.clone() else { continue };
        let mut seen = crl(&record, &uri, &mut outside.dates).await;
        if seen.crl.as_ref().is_some_and(|crl| crl.number != seen.recorded)
            && let Ok(again) = client.get::<Vec<RecordedCrlView>>("/v1/recorded-crls", &()).await
            && let Some(again) = again.iter().find(|one| is_same(one, &record))
        {
            seen = crl(again, &uri, &mut outside.dates).await;
        }
        outside.crls.push(seen);
    }
}

fn is_same(one: &RecordedCrlView, other: &RecordedCrlView) -> bool {
    (&one.authority, &one.shard, one.base.is_some()) == (&other.authority, &other.shard, other.base.is_some())
}

async fn crl(record: &RecordedCrlView, uri: &str, dates: &mut Vec<(String, i64)>) -> SeenCrl {
    let known = recorded(record);
    let mut seen = SeenCrl { recorded: record.number, ..SeenCrl::default() };
    seen.seen = Seen { name: known.name.clone(), uri: uri.to_owned(), ..Seen::default() };
    let issuer = STANDARD.decode(&record.certificate).ok().and_then(|der| Certificate::from_der(&der).ok());
    read_crl(&mut seen, issuer.as_ref(), known, dates).await;
    seen
}

/// Where nobody serves, something else may: a web server to which CRLs are pushed.
async fn offline_crl(one: &CheckedAuthority, outside: &mut Outside) {
    let Some(uri) = &one.issuer.points().crl else { return };
    let known = RecordedCrl { name: one.name.clone(), ..RecordedCrl::default() };
    let of = Seen { name: one.name.clone(), uri: uri.clone(), ..Seen::default() };
    let mut seen = SeenCrl { seen: of, ..SeenCrl::default() };
    read_crl(&mut seen, Some(one.issuer.certificate()), known, &mut outside.dates).await;
    // Nothing is known of what is on record.
    seen.recorded = seen.crl.as_ref().map_or(0, |crl| crl.number);
    outside.crls.push(seen);
}

async fn read_crl(
    seen: &mut SeenCrl,
    issuer: Option<&Certificate>,
    known: RecordedCrl,
    dates: &mut Vec<(String, i64)>,
) {
    let uri = seen.seen.uri.clone();
    let fetched = match plain_get(&uri) {
        Ok(request) => get(&uri, request, dates).await,
        Err(error) => Err(error),
    };
    let octets = match fetched {
        Ok(octets) => octets,
        Err(error) => {
            seen.seen.unreachable = Some(format!("{error:#}"));
            return;
        }
    };
    let Some(issuer) = issuer else {
        seen.seen.unfit = Some("the certificate of its authority cannot be read".to_owned());
        return;
    };
    match ReadCrl::read(octets.as_ref(), issuer.public_key(), |_| {}) {
        Ok(read) if read.issuer != issuer.subject().der() => {
            seen.seen.unfit = Some("it is of another issuer".to_owned());
        }
        Ok(read) => {
            seen.octets = read.octets;
            let base = read.base().ok().flatten();
            let (this_update, next_update) = (read.this_update.seconds(), read.next_update.seconds());
            seen.crl = Some(RecordedCrl { number: read.number, this_update, next_update, base, ..known });
        }
        Err(error) => seen.seen.unfit = Some(error.to_string()),
    }
}

async fn authority_certificate(one: &CheckedAuthority, uri: &str, dates: &mut Vec<(String, i64)>) -> Seen {
    let mut seen = Seen { name: one.name.clone(), uri: uri.to_owned(), ..Seen::default() };
    let fetched = match plain_get(uri) {
        Ok(request) => get(uri, request, dates).await,
        Err(error) => Err(error),
    };
    match fetched {
        Ok(octets) if octets.as_ref() == one.issuer.certificate().der() => {}
        Ok(_) => seen.unfit = Some("what comes is another certificate, or none".to_owned()),
        Err(error) => seen.unreachable = Some(format!("{error:#}")),
    }
    seen
}

/// Asks for one certificate that the ledger calls good, with a nonce, so that the answer is signed now (RFC 9654). None where the
/// authority has no such certificate.
async fn ocsp(
    one: &CheckedAuthority,
    uri: &str,
    client: &OperatorClient,
    dates: &mut Vec<(String, i64)>,
) -> Option<(SeenAnswer, Attempt)> {
    let query = CertificateQueryText {
        issuer: Some(one.name.clone()),
        status: Some("good".to_owned()),
        limit: MANY,
        ..CertificateQueryText::default()
    };
    let page: CertificatePage = client.get("/v1/certificates", &query).await.ok()?;
    // Those that have ended are on the list too, as expired: of them a responder may say what it likes, but signed.
    let good = page.certificates.iter().find(|one| one.status == "good");
    let asked = good.or_else(|| page.certificates.first())?;
    let serial = SerialNumber::parse(&asked.serial).ok()?;
    let seen = Seen { name: one.name.clone(), uri: uri.to_owned(), ..Seen::default() };
    let mut answer = SeenAnswer { seen, ..SeenAnswer::default() };
    let mut nonce = [0; 32];
    SystemEntropy.fill(&mut nonce).ok()?;
    let question = || {
        let body = ocsp_client::request(&serial, one.issuer.certificate(), Some(&nonce))?;
        let request = Request::post(WebPlace::parse(uri)?.target());
        let request = request.header("Content-Type", "application/ocsp-request");
        anyhow::Ok(request.body(Full::new(Bytes::from(body)))?)
    };
    let fetched = match question() {
        Ok(request) => get(uri, request, dates).await,
        Err(error) => Err(error),
    };
    let mut fault = None;
    match fetched.map(|octets| ocsp_client::read(&octets, one.issuer.certificate(), Some(&nonce))) {
        Err(error) => answer.seen.unreachable = Some(format!("{error:#}")),
        Ok(Err(error)) => answer.seen.unfit = Some(format!("{error:#}")),
        Ok(Ok(told)) => {
            answer.this_update = Some(told.this_update.seconds());
            answer.next_update = told.next_update.map(UnixTime::seconds);
            answer.responder_ends = Some(told.responder_ends.seconds());
            if good.is_some() && told.answer != Answer::Good {
                answer.differs = Some(format!("{serial} is good, and the answer says {:?}", told.answer));
            }
            if !told.is_fresh {
                fault = Some("its answer has not the nonce of the question: it was signed before".to_owned());
            }
        }
    }
    let failed = answer.seen.unreachable.clone().or_else(|| answer.seen.unfit.clone());
    let by = format!("the key of the OCSP responder of {}", one.name);
    Some((answer, Attempt { by, fault: failed.or(fault) }))
}

//! The paths of head-ends: the upload of many requests, and the service that DLMS tools know.
//!
//! Who asks is proved before the body is read. An upload is held in memory as a whole, so many at once and no more; its answers
//! leave as they are made, group by group.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use hyper::body::Frame;
use server_kit::listener::PeerConnection;
use server_kit::workers::RunJobError;
use tokio::sync::mpsc;

use super::{check_head, credentials, octets, refused};
use crate::config::EstConfig;
use crate::exchange::Rejected;
use crate::exchange::head_end::{DLMS, HeadEnd, UPLOAD};
use crate::observation;
use crate::refusal::Refusal;
use crate::reply::{Reply, reply};
use crate::requester::Credentials;
use crate::wire::base64::LineLength;
use crate::wire::{bulk, dlms_tools};

/// How many lines are one job: enough to share a durable transaction, few enough that others are not kept waiting.
const GROUP: usize = 64;
/// What a head-end is told that comes while others upload.
const UPLOADS_TAKE: Duration = Duration::from_secs(30);

/// `POST /meter-pki/v1/enrolments`
pub(super) async fn upload(
    State(config): State<Arc<EstConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    match receive(&config, connection, request).await {
        Ok(body) => {
            let mut response = Response::new(body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(bulk::MEDIA_TYPE));
            response
        }
        Err(reply) => refused(reply, LineLength::default()),
    }
}

async fn receive(
    config: &Arc<EstConfig>,
    connection: PeerConnection,
    request: Request,
) -> Result<Body, Reply> {
    let head_end =
        Arc::new(known(config, Caller::new(connection, &request, bulk::MEDIA_TYPE), UPLOAD).await?);
    let busy = Refusal::NotRun(RunJobError::Busy { retry_after: UPLOADS_TAKE });
    let room = config.uploads().map_err(|_| reply(&busy))?;
    let limits = config.head_ends();
    let body = match octets(limits.max_octets, request).await {
        Ok(body) if lines(&body).count() <= limits.max_lines => Bytes::from(body),
        Ok(_) => {
            let refusal = Refusal::TooManyLines { max_lines: limits.max_lines };
            return Err(refuse(config, head_end, UPLOAD, refusal).await);
        }
        Err(refusal) => return Err(refuse(config, head_end, UPLOAD, refusal).await),
    };
    let (answers, answered) = mpsc::channel(2);
    let there = Arc::clone(config);
    tokio::spawn(async move {
        answer(&there, head_end, &body, &answers).await;
        drop(room);
    });
    Ok(Body::new(Answers(answered)))
}

/// The lines that have something in them.
fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|octet| *octet == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

/// Answers group after group, for as long as somebody reads.
async fn answer(
    config: &EstConfig,
    head_end: Arc<HeadEnd>,
    body: &Bytes,
    answers: &mpsc::Sender<Result<Bytes, CutShort>>,
) {
    let numbered: Vec<(usize, Bytes)> =
        lines(body).enumerate().map(|(place, line)| (place + 1, body.slice_ref(line))).collect();
    let party = head_end.party();
    for group in numbered.chunks(GROUP) {
        while let Err(wait) = head_end.may_go_on(config, group.len()) {
            tokio::time::sleep(wait).await;
            if answers.is_closed() {
                return;
            }
        }
        let octets = loop {
            let (head_end, group) = (Arc::clone(&head_end), group.to_vec());
            let job = move || {
                let lines: Vec<(usize, &[u8])> =
                    group.iter().map(|(number, line)| (*number, line.as_ref())).collect();
                head_end.answer_lines(&lines)
            };
            match config.workers().run_for(party.clone(), job).await {
                Ok(octets) => break Ok(Bytes::from(octets)),
                // It waits in place of whoever sent it, and has a turn as everybody has.
                Err(RunJobError::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
                Err(RunJobError::Panicked | RunJobError::Closed) => break Err(CutShort),
            }
            if answers.is_closed() {
                return;
            }
        };
        let goes_on = octets.is_ok();
        if answers.send(octets).await.is_err() || !goes_on {
            return;
        }
    }
    observation::answered(UPLOAD);
}

/// `POST` at the configured path.
pub(super) async fn tool(
    State(config): State<Arc<EstConfig>>,
    connection: PeerConnection,
    request: Request,
) -> Response<Body> {
    match certificates(&config, connection, request).await {
        Ok(json) => {
            let mut response = Response::new(Body::from(json));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(dlms_tools::MEDIA_TYPE));
            response
        }
        Err(reply) => refused(reply, LineLength::default()),
    }
}

async fn certificates(
    config: &Arc<EstConfig>,
    connection: PeerConnection,
    request: Request,
) -> Result<Vec<u8>, Reply> {
    let head_end = known(config, Caller::new(connection, &request, dlms_tools::MEDIA_TYPE), DLMS).await?;
    let body = match octets(config.max_body_octets(), request).await {
        Ok(body) => body,
        Err(refusal) => return Err(refuse(config, Arc::new(head_end), DLMS, refusal).await),
    };
    let there = Arc::clone(config);
    let outcome = config
        .workers()
        .run_for(head_end.party(), move || head_end.answer_tool(&body, &there))
        .await
        .unwrap_or_else(|error| Err((None, error.into())));
    let told = |(number, refusal): (Option<usize>, Refusal)| {
        let reply = reply(&refusal);
        match number {
            Some(number) => Reply { text: format!("certificate {number}: {}", reply.text), ..reply },
            None => reply,
        }
    };
    let json = outcome.map_err(told)?;
    observation::answered(DLMS);
    Ok(json)
}

/// Who asks, and whether the head of the request is right.
struct Caller {
    credentials: Credentials,
    head: Result<(), Refusal>,
}

impl Caller {
    fn new(connection: PeerConnection, request: &Request, media_type: &'static str) -> Self {
        let credentials = credentials(connection, request.headers());
        let head = check_head(request, media_type, credentials.are_absent());
        Self { credentials, head }
    }
}

/// Proves who asks.
async fn known(
    config: &Arc<EstConfig>,
    Caller { credentials, head }: Caller,
    operation: &'static str,
) -> Result<HeadEnd, Reply> {
    let refusal = match head {
        Ok(()) => {
            let (there, shown) = (Arc::clone(config), credentials.clone());
            let opened = config.workers().run(move || HeadEnd::open(shown, &there)).await;
            match opened.unwrap_or_else(|error| Err(error.into())) {
                Ok(head_end) => return Ok(head_end),
                // Too busy to look at it at all.
                Err(refusal @ Refusal::NotRun(_)) => {
                    observation::refused(operation, credentials.connection.peer_addr, &refusal);
                    return Err(reply(&refusal));
                }
                Err(refusal) => refusal,
            }
        }
        Err(refusal) => refusal,
    };
    let label = Arc::clone(config.default_label());
    Err(Rejected { label, operation, credentials, refusal }.record(config).await)
}

/// Puts the refusal of a whole request on record.
async fn refuse(
    config: &EstConfig,
    head_end: Arc<HeadEnd>,
    operation: &'static str,
    refusal: Refusal,
) -> Reply {
    let party = head_end.party();
    let recording = move || head_end.refuse(operation, refusal);
    let recorded = config.workers().run_for(party, recording).await;
    reply(&recorded.unwrap_or_else(Refusal::from))
}

/// The answers as they are made.
struct Answers(mpsc::Receiver<Result<Bytes, CutShort>>);

impl hyper::body::Body for Answers {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        self.0.poll_recv(cx).map(|next| next.map(|octets| octets.map(Frame::data)))
    }
}

/// The rest of the answers does not come; the connection ends without its last chunk, so that nobody takes them for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server could not answer the rest of the upload")]
struct CutShort;

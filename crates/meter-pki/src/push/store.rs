//! A store that speaks S3: objects under the paths that documents have here, each replaced only if it is still the one that was
//! looked at (RFC 9110 §13.1.1, §13.1.2).
//!
//! An object carries its rank and its SHA-256, so that a look is enough to tell which of two documents is the later. Of several
//! nodes that put a document at once one wins, and the others look again. Requests are signed by the `rusty-s3` crate and sent
//! here.

mod credentials;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::ETAG;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use rustls::ClientConfig;
use rusty_s3::{Bucket, BucketError, Credentials, S3Action, UrlStyle};
use status_server::document::Document;
use status_server::piecewise::Piecewise;

use super::{PushError, Pushed};
use crate::web::{self, WebPlace};

/// How long a signed request is good.
const SIGNED_FOR: Duration = Duration::from_secs(900);

/// How often another node may be faster.
const ATTEMPTS: usize = 5;

/// The object at which it is tried whether the store keeps conditions.
const PROBE: &str = ".meter-pki-conditions";

const RANK: &str = "x-amz-meta-rank";
const SHA256: &str = "x-amz-meta-sha256";

/// Caches in front of the store ask again after a minute: nobody tells them of a new CRL.
const CACHING: &str = "max-age=60, public, no-transform";

/// Where a store is and who we are there.
#[derive(Debug, Clone)]
pub(crate) struct StorePlace {
    /// `http[s]://HOST[:PORT]`.
    pub(crate) endpoint: String,
    /// The bucket.
    pub(crate) bucket: String,
    /// The region, as requests are signed for.
    pub(crate) region: String,
    /// What all names of objects begin with; empty, or ending in `/`.
    pub(crate) prefix: String,
    /// Where the credentials are; read at each round.
    pub(crate) credentials_file: PathBuf,
}

/// A store.
#[derive(Debug)]
pub(crate) struct Store {
    name: String,
    bucket: Bucket,
    prefix: String,
    credentials_file: PathBuf,
    tls: Option<Arc<ClientConfig>>,
    keeps_conditions: AtomicBool,
}

/// What stands under a name.
struct Standing {
    etag: String,
    rank: Option<u64>,
    sha256: Option<String>,
}

/// Under which condition an object is written.
#[derive(Debug, Clone, Copy)]
enum Condition<'a> {
    /// There is none yet.
    Absent,
    /// It is still this one.
    Still(&'a str),
}

impl Condition<'_> {
    fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Absent => (IF_NONE_MATCH_FIELD, "*"),
            Self::Still(etag) => (IF_MATCH_FIELD, etag),
        }
    }
}

const IF_MATCH_FIELD: &str = "if-match";
const CONTENT_TYPE_FIELD: &str = "content-type";
const CACHE_CONTROL_FIELD: &str = "cache-control";
const IF_NONE_MATCH_FIELD: &str = "if-none-match";

impl Store {
    /// Makes a store; nothing is asked of it yet.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn new(place: &StorePlace, tls: Option<Arc<ClientConfig>>) -> Result<Self, StorePlaceError> {
        let endpoint = place.endpoint.parse().map_err(StorePlaceError::Address)?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, place.bucket.clone(), place.region.clone());
        Ok(Self {
            name: format!("{}/{}", place.endpoint, place.bucket),
            bucket: bucket.map_err(StorePlaceError::Bucket)?,
            prefix: place.prefix.clone(),
            credentials_file: place.credentials_file.clone(),
            tls,
            keeps_conditions: AtomicBool::new(false),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Puts a document there, unless it or a later one is there. Of CRLs, no two have one number.
    pub(super) async fn put(
        &self,
        is_crl: bool,
        path: &str,
        document: &Arc<Document>,
    ) -> Result<Pushed, PushError> {
        let credentials = credentials::read(&self.credentials_file)?;
        self.probe(&credentials).await?;
        let object = format!("{}{}", self.prefix, path.trim_start_matches('/'));
        for _ in 0..ATTEMPTS {
            let standing = self.look(&credentials, &object).await?;
            let condition = match &standing {
                None => Condition::Absent,
                Some(standing) => match judge(standing, is_crl, document)? {
                    Some(pushed) => return Ok(pushed),
                    None => Condition::Still(&standing.etag),
                },
            };
            if self.write(&credentials, (&object, condition), document).await? {
                return Ok(Pushed::Put);
            }
        }
        Err(PushError::Crowded)
    }

    /// Tries once whether the store keeps the conditions of writes: one that does not would let an older document over a newer.
    async fn probe(&self, credentials: &Credentials) -> Result<(), PushError> {
        if self.keeps_conditions.load(Ordering::Relaxed) {
            return Ok(());
        }
        let object = format!("{}{PROBE}", self.prefix);
        let put = async |condition: Condition<'_>| {
            let fields = [condition.field(), (CONTENT_TYPE_FIELD, "text/plain")];
            let body = Full::new(Bytes::from_static(
                b"whether a write is refused here when its condition is false\n",
            ));
            let answer = self.send(credentials, Method::PUT, (&object, &fields), body).await?;
            was_written(answer).await
        };
        // The first may find it absent; the second never does.
        put(Condition::Absent).await?;
        if put(Condition::Absent).await? || put(Condition::Still("\"0\"")).await? {
            return Err(PushError::Unconditional);
        }
        self.keeps_conditions.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn look(&self, credentials: &Credentials, object: &str) -> Result<Option<Standing>, PushError> {
        let answer = self.send(credentials, Method::HEAD, (object, &[]), Empty::<Bytes>::new()).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                let text = |name: &str| field(answer.headers(), name).map(str::to_owned);
                Ok(Some(Standing {
                    etag: text(ETAG.as_str()).ok_or(PushError::Unconditional)?,
                    rank: text(RANK).and_then(|rank| rank.parse().ok()),
                    sha256: text(SHA256),
                }))
            }
            _ => Err(refused(answer).await),
        }
    }

    /// Writes an object; tells whether the condition was true.
    async fn write(
        &self,
        credentials: &Credentials,
        (object, condition): (&str, Condition<'_>),
        document: &Arc<Document>,
    ) -> Result<bool, PushError> {
        let (rank, sha256) = (document.rank().to_string(), hex::encode(document.content().sha256()));
        let fields = [
            condition.field(),
            (CONTENT_TYPE_FIELD, document.media_type()),
            (CACHE_CONTROL_FIELD, CACHING),
            (RANK, rank.as_str()),
            (SHA256, sha256.as_str()),
        ];
        let body = Piecewise::whole(Arc::clone(document));
        was_written(self.send(credentials, Method::PUT, (object, &fields), body).await?).await
    }

    async fn send<B>(
        &self,
        credentials: &Credentials,
        method: Method,
        (object, fields): (&str, &[(&'static str, &str)]),
        body: B,
    ) -> Result<Response<Incoming>, PushError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let signed = if method == Method::HEAD {
            self.bucket.head_object(Some(credentials), object).sign(SIGNED_FOR)
        } else {
            let mut put = self.bucket.put_object(Some(credentials), object);
            for (name, value) in fields {
                put.headers_mut().insert(*name, *value);
            }
            put.sign(SIGNED_FOR)
        };
        let place = WebPlace::parse(signed.as_str())?;
        let request = fields
            .iter()
            .fold(Request::builder().method(method).uri(place.target()), |request, (name, value)| {
                request.header(*name, *value)
            });
        let unfit = |_| PushError::Refused { status: 0, text: "the request cannot be written".to_owned() };
        Ok(web::send(&place, self.tls.as_ref(), request.body(body).map_err(unfit)?).await?)
    }
}

/// What is to be done where something stands: nothing, or to put the document in its place.
fn judge(standing: &Standing, is_crl: bool, document: &Document) -> Result<Option<Pushed>, PushError> {
    if standing.sha256.as_deref() == Some(hex::encode(document.content().sha256()).as_str()) {
        return Ok(Some(Pushed::InPlace));
    }
    match standing.rank.ok_or(PushError::Foreign)?.cmp(&document.rank()) {
        std::cmp::Ordering::Less => Ok(None),
        std::cmp::Ordering::Equal if is_crl => Err(PushError::Conflict),
        std::cmp::Ordering::Equal => Ok(None),
        std::cmp::Ordering::Greater => Ok(Some(Pushed::Overtaken)),
    }
}

/// Tells whether a write was done, or its condition was false.
async fn was_written(answer: Response<Incoming>) -> Result<bool, PushError> {
    match answer.status() {
        status if status.is_success() => Ok(true),
        // 409: another write under a condition was under way.
        StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => Ok(false),
        _ => Err(refused(answer).await),
    }
}

async fn refused(answer: Response<Incoming>) -> PushError {
    let status = answer.status().as_u16();
    let octets = Limited::new(answer.into_body(), 4_096).collect().await;
    let octets = octets.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = String::from_utf8_lossy(&octets);
    let text = text.chars().filter(|c| !c.is_control()).take(300).collect();
    PushError::Refused { status, text }
}

fn field<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}

/// Why there is no such store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorePlaceError {
    /// Not an address.
    #[error("the endpoint is no address: {0}")]
    Address(url::ParseError),
    /// No bucket could be there.
    #[error("{0}")]
    Bucket(BucketError),
}

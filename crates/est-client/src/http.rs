//! One HTTP exchange: a request out, its whole answer in, and what the status means (RFC 7030 §4.2.3, RFC 9110).

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HeaderName, RETRY_AFTER};
use hyper::{Request, Response, StatusCode};

use crate::error::EstError;

/// The most octets an answer may have: a large `/cacerts` in a roll-over has some thousands.
const MAX_ANSWER: usize = 1 << 20;
/// After how many seconds to come again when the server does not say.
const DEFAULT_RETRY: u64 = 60;

/// The content of a good answer; empty where there is none.
pub(crate) struct Content {
    pub(crate) media_type: String,
    pub(crate) octets: Vec<u8>,
}

/// Sends a request and reads its answer.
pub(crate) async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Content, EstError> {
    sender.ready().await?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let media_type = field(&response, CONTENT_TYPE).unwrap_or_default();
    let retry_after = field(&response, RETRY_AFTER).and_then(|text| text.parse().ok());
    let body = Limited::new(response.into_body(), MAX_ANSWER);
    let octets = body.collect().await.map_err(|_| EstError::Answer("it breaks off or is too long"))?;
    let octets = octets.to_bytes().to_vec();
    let text =
        || String::from_utf8_lossy(&octets).trim().chars().filter(|c| !c.is_control()).take(300).collect();
    match (status, retry_after) {
        // RFC 7030 §4.2.3: 202 carries Retry-After.
        (StatusCode::ACCEPTED, retry_after) => {
            Err(EstError::Pending { retry_after: retry_after.unwrap_or(DEFAULT_RETRY) })
        }
        (StatusCode::OK, _) => Ok(Content { media_type, octets }),
        // RFC 7030 §4.5.2: 204 and 404 say that no attributes are wanted.
        (StatusCode::NO_CONTENT, _) => Ok(Content { media_type, octets: Vec::new() }),
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, retry_after) => {
            Err(EstError::Busy { retry_after: retry_after.unwrap_or(DEFAULT_RETRY), text: text() })
        }
        (status, _) => Err(EstError::Refused { status: status.as_u16(), text: text() }),
    }
}

fn field<T>(response: &Response<T>, name: HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

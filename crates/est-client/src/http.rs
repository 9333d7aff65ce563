//! One HTTP exchange: a request out, its whole answer in, and what the status means (RFC 7030 §4.2.3, RFC 9110).

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HeaderName, LOCATION, RETRY_AFTER};
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
    let location = field(&response, LOCATION).unwrap_or_default();
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
        (status, _) if status.is_redirection() => {
            Err(EstError::Redirected { status: status.as_u16(), location })
        }
        (status, _) => Err(EstError::Refused { status: status.as_u16(), text: text() }),
    }
}

fn field<T>(response: &Response<T>, name: HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    /// What the client makes of this answer.
    async fn told(answer: &'static str) -> Result<Content, EstError> {
        let (ours, mut theirs) = duplex(1 << 12);
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
        let driver = tokio::spawn(connection);
        let server = tokio::spawn(async move {
            assert_ne!(theirs.read(&mut [0; 1024]).await.unwrap(), 0);
            theirs.write_all(answer.as_bytes()).await.unwrap();
            theirs.shutdown().await.unwrap();
            let mut rest = Vec::new();
            theirs.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "nothing else is asked");
        });
        let told = exchange(&mut sender, Request::get("/").body(Full::default()).unwrap()).await;
        drop((sender, driver.await));
        server.await.unwrap();
        told
    }

    // RFC 7030 §3.2.1: a redirection is told, with its status and where it leads, and nothing is sent after it here.
    #[tokio::test]
    async fn one_exchange_is_one_request_also_when_the_server_is_elsewhere() {
        let told = told("HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n").await;
        assert!(matches!(told, Err(EstError::Redirected { status: 302, location }) if location == "/other"));
    }

    // RFC 7030 §4.1.3: any other status than success is an error.
    #[tokio::test]
    async fn any_status_but_success_ends_the_exchange() {
        for (answer, expected) in [
            ("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201),
            ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", 401),
            ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", 500),
        ] {
            let told = told(answer).await;
            assert!(matches!(told, Err(EstError::Refused { status, .. }) if status == expected), "{answer}");
        }
        let good = told("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nMA").await;
        assert_eq!(good.map(|content| content.octets).unwrap(), b"MA");
    }

    // RFC 7030 §4.2.3: 202 and 503 say after how long to come again.
    #[tokio::test]
    async fn waiting_is_told_in_seconds() {
        let pending = told("HTTP/1.1 202 Accepted\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
        assert!(matches!(pending, Err(EstError::Pending { retry_after: 7 })));
        let busy =
            told("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n").await;
        assert!(matches!(busy, Err(EstError::Busy { retry_after: 9, .. })));
    }
}

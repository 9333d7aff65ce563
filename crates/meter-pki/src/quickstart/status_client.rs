//! The head-end of the story asks the status server over plain HTTP: by OCSP, and for files.
//!
//! What of an answer is believed is for `ocsp_client`.

use std::net::SocketAddr;

use anyhow::ensure;
use ca_core::certificate::Certificate;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::ocsp_client::{self, Answer};

/// Asks for one certificate.
pub(super) async fn ask(
    responder: SocketAddr,
    certificate: &Certificate,
    issuer: &Certificate,
) -> anyhow::Result<Answer> {
    let body = Bytes::from(ocsp_client::request(certificate.serial(), issuer, None)?);
    let request = Request::post("/ocsp")
        .header("Host", responder.to_string())
        .header("Content-Type", "application/ocsp-request")
        .body(Full::new(body))?;
    let octets = send(responder, request).await?;
    Ok(ocsp_client::read(&octets, issuer, None)?.answer)
}

/// Fetches octets by GET over plain HTTP.
pub(super) async fn fetch(server: SocketAddr, path: &str) -> anyhow::Result<Vec<u8>> {
    let request = Request::get(path).header("Host", server.to_string()).body(Full::new(Bytes::new()))?;
    send(server, request).await
}

async fn send(server: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<Vec<u8>> {
    let stream = TcpStream::connect(server).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let octets = response.into_body().collect().await?.to_bytes();
    driver.abort();
    ensure!(status.is_success(), "the status server answered {status}");
    Ok(octets.to_vec())
}

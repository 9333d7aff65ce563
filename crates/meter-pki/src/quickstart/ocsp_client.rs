//! A relying party: asks an OCSP responder over plain HTTP and believes only a signed answer (RFC 6960 §3.2).
//!
//! Its own reading of the structures, so that it does not share a mistake with the responder.

use std::net::SocketAddr;

use anyhow::{Context, bail, ensure};
use ca_core::certificate::{Certificate, to_be_signed};
use ca_core::oid;
use ca_core::signature::EcdsaSignature;
use der::asn1::{Any, AnyRef, BitStringRef, Null, OctetString};
use der::{Decode, Encode, Reader, Sequence, SliceReader, Tag, Tagged};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use sha1::Sha1;
use sha2::Digest;
use tokio::net::TcpStream;

/// What the responder says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Issued and not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// The responder does not know it.
    Unknown,
}

#[derive(Sequence)]
struct AlgorithmIdentifier {
    algorithm: const_oid::ObjectIdentifier,
    parameters: Null,
}

#[derive(Sequence)]
struct CertId {
    hash_algorithm: AlgorithmIdentifier,
    issuer_name_hash: OctetString,
    issuer_key_hash: OctetString,
    serial_number: Any,
}

/// Asks for one certificate.
pub(super) async fn ask(
    responder: SocketAddr,
    certificate: &Certificate,
    issuer: &Certificate,
) -> anyhow::Result<Answer> {
    let body = Bytes::from(request(certificate, issuer)?);
    let request = Request::post("/ocsp")
        .header("Host", responder.to_string())
        .header("Content-Type", "application/ocsp-request")
        .body(Full::new(body))?;
    let octets = send(responder, request).await?;
    read(&octets, issuer)
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

/// `OCSPRequest` with one request, no nonce, no signature (RFC 6960 §4.1.1).
fn request(certificate: &Certificate, issuer: &Certificate) -> anyhow::Result<Vec<u8>> {
    let id = CertId {
        hash_algorithm: AlgorithmIdentifier { algorithm: oid::SHA_1, parameters: Null },
        issuer_name_hash: OctetString::new(Sha1::digest(issuer.subject().der()).to_vec())?,
        issuer_key_hash: OctetString::new(issuer.public_key().key_ref().octets().to_vec())?,
        serial_number: Any::new(Tag::Integer, certificate.serial().octets())?,
    };
    // OCSPRequest { TBSRequest { requestList { Request { reqCert } } } }
    let nest = |inner: Vec<u8>| Any::new(Tag::Sequence, inner).and_then(|any| any.to_der());
    Ok(nest(nest(nest(nest(id.to_der()?)?)?)?)?)
}

/// Checks the signature and the responder's delegation, then reads the one answer.
fn read(octets: &[u8], issuer: &Certificate) -> anyhow::Result<Answer> {
    // OCSPResponse { responseStatus, [0] { ResponseBytes { responseType, response } } }
    let mut outer = children(octets)?.into_iter();
    let status = outer.next().context("the OCSP response is empty")?;
    ensure!(status == [0x0A, 1, 0], "the responder did not succeed: {status:02x?}");
    let tagged = AnyRef::from_der(outer.next().context("there are no response octets")?)?;
    let response_bytes = children(tagged.value())?;
    let [_, wrapped] = response_bytes.as_slice() else { bail!("malformed response octets") };
    let basic = OctetString::from_der(wrapped)?;
    let parts = children(basic.as_bytes())?;
    let [tbs, _, signature, certificates] = parts.as_slice() else {
        bail!("the response carries no certificate")
    };
    let responder = responder(certificates)?;
    ensure!(
        issuer.public_key().verify(responder.tbs(), responder.signature()).is_ok()
            && responder.extended_key_usages() == [oid::OCSP_SIGNING],
        "the responder is not delegated by the issuer"
    );
    let bits = BitStringRef::from_der(signature)?;
    let value = EcdsaSignature::from_der(responder.public_key().curve(), bits.raw_bytes())?;
    ensure!(to_be_signed(basic.as_bytes())? == *tbs, "malformed response");
    ensure!(responder.public_key().verify(tbs, &value).is_ok(), "the response's signature does not verify");
    single_status(tbs)
}

fn responder(certificates: &[u8]) -> anyhow::Result<Certificate> {
    let explicit = AnyRef::from_der(certificates)?;
    let list = children(explicit.value())?;
    Ok(Certificate::from_der(list.first().context("the response carries no certificate")?)?)
}

/// `ResponseData { [responderID], producedAt, responses { SingleResponse { certID, certStatus, … } } }`
fn single_status(tbs: &[u8]) -> anyhow::Result<Answer> {
    let fields = children(tbs)?;
    let responses = fields
        .iter()
        .find(|field| field.first() == Some(&0x30))
        .context("the response has no single responses")?;
    let singles = children(responses)?;
    let single = children(singles.first().context("the response is empty")?)?;
    let status = AnyRef::from_der(single.get(1).context("the response has no status")?)?;
    match status.tag().number().value() {
        0 => Ok(Answer::Good),
        1 => Ok(Answer::Revoked),
        2 => Ok(Answer::Unknown),
        other => bail!("the responder says {other}"),
    }
}

/// Splits a constructed value into the DER octets of its elements.
fn children(der: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    let outer = AnyRef::from_der(der)?;
    let mut reader = SliceReader::new(outer.value())?;
    let mut elements = Vec::new();
    while !reader.is_finished() {
        elements.push(reader.tlv_bytes()?);
    }
    Ok(elements)
}

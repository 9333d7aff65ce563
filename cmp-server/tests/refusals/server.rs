//! The routes under test, and messages to send them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request};
use ca_core::ports::{Entropy, Unavailable};
use cmp_server::config::{CmpConfig, DEFAULT_BODY_OCTETS};
use cmp_server::wire::header::PkiHeader;
use cmp_server::wire::message::PkiMessage;
use der::asn1::{Any, OctetString};
use der::{Decode, Encode, Tag, TagNumber};
use server_kit::listener::PeerConnection;
use tower::ServiceExt as _;

/// Octets that differ from draw to draw, until there are none.
#[derive(Default)]
pub(crate) struct Draws {
    count: AtomicU8,
    pub(crate) dry: AtomicBool,
}

impl Entropy for Draws {
    fn fill(&self, octets: &mut [u8]) -> Result<(), Unavailable> {
        if self.dry.load(Ordering::SeqCst) {
            return Err(Unavailable { port: "entropy", cause: "dry".into() });
        }
        octets.fill(0xD0 + self.count.fetch_add(1, Ordering::SeqCst));
        Ok(())
    }
}

/// The routes and their randomness.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) draws: Arc<Draws>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let draws = Arc::new(Draws::default());
        let config = CmpConfig { entropy: draws.clone(), max_body_octets: DEFAULT_BODY_OCTETS };
        Self { router: cmp_server::routes::router(config), draws }
    }

    pub(crate) async fn send(&self, request: Builder, body: impl Into<Body>) -> Answer {
        let mut request = request.body(body.into()).unwrap();
        request.extensions_mut().insert(PeerConnection::plain(([192, 0, 2, 7], 40_000).into()));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
        Answer { status: parts.status.as_u16(), fields: parts.headers, body }
    }

    /// Sends a message and returns the error message that answers it.
    pub(crate) async fn ask(&self, message: &PkiMessage) -> PkiMessage {
        let answer = self.send(post("/.well-known/cmp"), message.to_der().unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.field("content-type"), "application/pkixcmp");
        PkiMessage::decode(&answer.body).unwrap()
    }
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) fn post(path: &str) -> Builder {
    Request::post(path).header("content-type", "application/pkixcmp")
}

pub(crate) fn octets(value: &[u8]) -> OctetString {
    OctetString::new(value).unwrap()
}

/// A `GeneralName`: a directoryName with this common name.
pub(crate) fn directory_name(common_name: &str) -> Any {
    let text = common_name.as_bytes();
    let length = u8::try_from(text.len()).unwrap();
    let attribute = [&[0x06, 0x03, 0x55, 0x04, 0x03, 0x0C, length][..], text].concat();
    let wrap = |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()][..], value].concat();
    Any::from_der(&wrap(0xA4, &wrap(0x30, &wrap(0x31, &wrap(0x30, &attribute))))).unwrap()
}

/// A message with a sound header and a body of this type, which holds nothing.
pub(crate) fn request(body: u32) -> PkiMessage {
    let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(body) };
    PkiMessage {
        header: PkiHeader {
            pvno: 2,
            sender: directory_name("end entity"),
            recipient: directory_name("CA"),
            message_time: None,
            protection_alg: None,
            sender_kid: Some(octets(b"reference")),
            recip_kid: None,
            transaction_id: Some(octets(&[0x11; 16])),
            sender_nonce: Some(octets(&[0x22; 16])),
            recip_nonce: None,
            free_text: None,
            general_info: None,
        },
        body: Any::new(tag, [0x30, 0x00]).unwrap(),
        protection: Some(Any::from_der(&[0x03, 0x02, 0x00, 0x55]).unwrap()),
        extra_certs: None,
    }
}

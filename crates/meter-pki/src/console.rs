//! The console at the listener for operators elsewhere: which requests are for it, and who its visitor is: whoever shows a certificate, or
//! has signed in at the identity provider in this browser.
//!
//! It asks the same routes as everybody, with what is known of the visitor; what it shows and takes is told by their document. Of a
//! session nothing but the console takes notice: a program comes with a token, and no page of others uses a browser's session there.

use std::fmt::Display;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use ca_core::ports::{Clock, Entropy as _};
use ca_core::validity::UnixTime;
use operator_console::{Console, Means, SignIn, Visitor};
use server_kit::listener::PeerConnection;
use sha2::{Digest, Sha256};
use signer_file::SystemEntropy;

use crate::exit::{Exit, Failure};
use crate::operator::{Connected, api_document, is_foreign};
use crate::sign_in::{BACK, Sent, Sessions};

/// Where whoever types the address alone is led.
const START: &str = "/console";

/// Where one signs in and out.
const SIGN_IN: SignIn = SignIn { begin: "/console/sign-in", end: "/console/sign-out" };

/// The console and its sessions.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    console: Console,
    sessions: Option<Arc<Sessions>>,
}

impl Door {
    /// Puts the console over the routes of the operator's interface.
    ///
    /// # Errors
    /// When there is nothing random, or the document cannot be written.
    pub(crate) fn new(
        interface: Router,
        clock: Arc<dyn Clock>,
        sessions: Option<Arc<Sessions>>,
    ) -> Result<Self, Failure> {
        let unable = |error: &dyn Display| Failure::new(Exit::Failed, "console.start", error);
        let mut key = [0; 64];
        SystemEntropy.fill(&mut key).map_err(|error| unable(&error))?;
        let console = Console::new(Means {
            interface,
            document: serde_json::to_value(api_document()).map_err(|error| unable(&error))?,
            key,
            now: Arc::new(move || clock.now().seconds()),
            written: |seconds| UnixTime::from_seconds(seconds).to_string(),
            version: env!("CARGO_PKG_VERSION"),
            sign_in: sessions.is_some().then_some(SIGN_IN),
        });
        Ok(Self { console, sessions })
    }

    /// Serves the console beside routes.
    pub(crate) fn beside(self, routes: Router) -> Router {
        routes.layer(from_fn(move |request: Request, next: Next| {
            let door = self.clone();
            async move {
                let path = request.uri().path();
                if Console::is_its_path(path) {
                    return door.answer(request).await;
                }
                if path == "/" && request.method() == Method::GET {
                    return (StatusCode::SEE_OTHER, [(LOCATION, START)]).into_response();
                }
                next.run(request).await
            }
        }))
    }

    async fn answer(&self, request: Request) -> Response {
        let Some(sessions) = &self.sessions else { return self.console.answer(visited(request, None)).await };
        let sent = match (request.method(), request.uri().path()) {
            (&Method::GET, path) if path == SIGN_IN.begin => sessions.begin().await,
            (&Method::GET, path) if path == BACK => {
                sessions.end(request.headers(), request.uri().query().unwrap_or_default()).await
            }
            // A page of another site does not end anybody's session.
            (&Method::GET, path) if path == SIGN_IN.end && !is_foreign(request.headers()) => {
                Ok(sessions.close(request.headers()))
            }
            _ => return self.console.answer(visited(request, Some(sessions))).await,
        };
        match sent {
            Ok(sent) => redirected(&sent),
            Err(failure) => {
                let told = [&failure.code, &failure.message, &failure.next].map(String::as_str);
                self.console.problem(visited(request, None), StatusCode::FORBIDDEN, told).await
            }
        }
    }
}

/// Sends a browser elsewhere, with what it is to keep.
fn redirected(sent: &Sent) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    let fields = sent.cookies.iter().map(|cookie| (SET_COOKIE, cookie)).chain([(LOCATION, &sent.location)]);
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Names the visitor: by the certificate that he showed in the handshake or, where he showed none, by his session. Whoever has neither is
/// nobody, and is told so by the routes.
fn visited(mut request: Request, sessions: Option<&Arc<Sessions>>) -> Request {
    let Some(peer) = request.extensions().get::<PeerConnection>().cloned() else { return request };
    let visitor = match (peer.certificates.first(), sessions) {
        (Some(certificate), _) => hex::encode(Sha256::digest(certificate)),
        (None, Some(sessions)) => match sessions.of(request.headers(), peer.peer_addr.ip()) {
            Some((signed_in, name)) => {
                drop(request.extensions_mut().insert(Connected::SignedIn(signed_in)));
                name
            }
            None => return request,
        },
        (None, None) => return request,
    };
    drop(request.extensions_mut().insert(Visitor(visitor)));
    request
}

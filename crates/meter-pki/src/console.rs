//! The console at the listener for operators elsewhere: which requests are for it, and who its visitor is: whoever shows a certificate, or
//! has signed in at the identity provider in this browser.
//!
//! It asks the same routes as everybody, with what is known of the visitor; what it shows and takes is told by their document. Of a
//! session nothing but the console takes notice: a program comes with a token, and no page of others uses a browser's session there.

use std::fmt::{self, Display};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use ca_core::ports::Entropy as _;
use ca_core::validity::UnixTime;
use operator_console::{Console, Means, Refused, SignIn, Visitor};
use server_kit::listener::PeerConnection;
use sha2::{Digest, Sha256};
use signer_file::SystemEntropy;

use crate::exit::{Exit, Failure};
use crate::operator::{Connected, OperatorState, Reply, api_document, in_console, is_foreign, not_signed_in};
use crate::sign_in::{BACK, NotSignedIn, Sent, Sessions};

/// Where whoever types the address alone is led.
const START: &str = "/console";

/// Where one signs in and out.
const SIGN_IN: SignIn = SignIn { begin: "/console/sign-in", end: "/console/sign-out" };

/// The console and its sessions.
#[derive(Clone)]
pub(crate) struct Door {
    console: Console,
    sessions: Option<Arc<Sessions>>,
    /// Where it is recorded that somebody was not signed in.
    state: OperatorState,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("console", &self.console).finish_non_exhaustive()
    }
}

impl Door {
    /// Puts the console over the routes of the operator's interface.
    ///
    /// # Errors
    /// When there is nothing random, or the document cannot be written.
    pub(crate) fn new(
        interface: Router,
        state: OperatorState,
        sessions: Option<Arc<Sessions>>,
    ) -> Result<Self, Failure> {
        let unable = |error: &dyn Display| Failure::new(Exit::Failed, "console.start", error);
        let mut key = [0; 64];
        SystemEntropy.fill(&mut key).map_err(|error| unable(&error))?;
        let clock = Arc::clone(&state.system.clock);
        let console = Console::new(Means {
            interface,
            document: serde_json::to_value(api_document()).map_err(|error| unable(&error))?,
            key,
            now: Arc::new(move || clock.now().seconds()),
            written: |seconds| UnixTime::from_seconds(seconds).to_string(),
            version: env!("CARGO_PKG_VERSION"),
            sign_in: sessions.is_some().then_some(SIGN_IN),
        });
        Ok(Self { console, sessions, state })
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
        let Some(sessions) = &self.sessions else { return self.shown(visited(request, None)).await };
        let sent = match (request.method(), request.uri().path()) {
            (&Method::GET, path) if path == SIGN_IN.begin => sessions.begin().await,
            (&Method::GET, path) if path == BACK => {
                sessions.end(request.headers(), request.uri().query().unwrap_or_default()).await
            }
            // A page of another site does not end anybody's session.
            (&Method::GET, path) if path == SIGN_IN.end && !is_foreign(request.headers()) => {
                Ok(sessions.close(request.headers()))
            }
            _ => return self.shown(visited(request, Some(sessions))).await,
        };
        match sent {
            Ok(sent) => redirected(&sent),
            Err(why) => self.refuse(request, why).await,
        }
    }

    /// Answers from the pages, once it is on record if these refuse what was sent.
    async fn shown(&self, request: Request) -> Response {
        let mut asked = Request::default();
        asked.uri_mut().clone_from(request.uri());
        asked.extensions_mut().clone_from(request.extensions());
        let mut response = self.console.answer(request).await;
        let Some(refused) = response.extensions_mut().remove::<Refused>() else { return response };
        let (connected, visitor) = (Connected::of(&asked), asked.extensions().get::<Visitor>().cloned());
        let recorded = self
            .state
            .work(move |system| in_console(system, (connected.as_ref(), visitor.as_ref()), &refused))
            .await;
        match recorded {
            Ok(()) => response,
            Err(unable) => self.problem(asked, &unable.into_failure()).await,
        }
    }

    /// Tells somebody why he is not signed in, once that is on record.
    async fn refuse(&self, request: Request, why: NotSignedIn) -> Response {
        let connected = Connected::of(&request);
        let told = self.state.work(move |system| Ok(not_signed_in(system, connected.as_ref(), why))).await;
        let failure = told.unwrap_or_else(Reply::into_failure);
        self.problem(visited(request, None), &failure).await
    }

    async fn problem(&self, request: Request, failure: &Failure) -> Response {
        let status = match failure.exit {
            Exit::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Exit::Failed
            | Exit::Usage
            | Exit::Partial
            | Exit::Refused
            | Exit::NotFound
            | Exit::Permission
            | Exit::Conflict
            | Exit::Integrity => StatusCode::FORBIDDEN,
        };
        let told = [&failure.code, &failure.message, &failure.next].map(String::as_str);
        self.console.problem(request, status, told).await
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

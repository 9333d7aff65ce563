//! A front end of tests: something to read and something to have done, for those who show a certificate.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use server_kit::listener::PeerConnection;
use tokio::sync::Semaphore;

use super::{Answering, Question, Resources};
use crate::format::Format;
use crate::links::Link;
use crate::method::Method;
use crate::request::Target;
use crate::response::Response;

/// What is sent to `act`.
pub(crate) const WISH: Format = Format::of(286);
/// What both answer with.
pub(crate) const OUTCOME: Format = Format::of(281);

/// Clones share what was asked.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) max_octets: usize,
    pub(crate) wants_certificates: bool,
    pub(crate) asked: Arc<AtomicUsize>,
    pub(crate) last: Arc<Mutex<Option<Question>>>,
    /// Each answer takes a permit.
    pub(crate) gate: Arc<Semaphore>,
}

impl Fake {
    pub(crate) fn new(max_octets: usize) -> Self {
        Self {
            max_octets,
            wants_certificates: true,
            asked: Arc::default(),
            last: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }
}

impl Resources for Fake {
    fn links(&self) -> Vec<Link> {
        ["read", "act"]
            .map(|name| Link {
                path: format!("/{name}"),
                resource_type: Some(format!("fake.{name}")),
                formats: vec![OUTCOME],
            })
            .into()
    }

    fn wants_certificates(&self) -> bool {
        self.wants_certificates
    }

    fn room(&self, target: &Target, connection: &PeerConnection) -> Option<usize> {
        let is_fine = match target.method {
            Method::Get => target.is_at(&["read"]),
            Method::Post => target.is_at(&["act"]) && target.announced == Some(WISH),
            Method::Other => false,
        };
        (is_fine && !connection.certificates.is_empty()).then_some(self.max_octets)
    }

    fn answer(&self, question: Question) -> Answering {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let method = question.target.method;
        *self.last.lock().unwrap() = Some(question);
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            Response::content(method, OUTCOME, vec![7; 700])
        })
    }
}

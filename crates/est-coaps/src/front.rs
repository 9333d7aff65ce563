//! From a request over CoAP to a submission to the desk of `est-server`, and from its answer to a response (RFC 9148 §4).

use std::sync::Arc;

use coap_kit::{Answering, Front, Link, Method, Question, Resources, Response, Target};
use est_server::desk::{self, Desk, Obstacle, Submission};
use server_kit::listener::PeerConnection;

use crate::format::{self, media_type};
use crate::resource::{Function, Resource, find, links};

/// Makes what a listener of EST over CoAP is for.
#[must_use]
pub fn front(desk: Desk) -> Front {
    Front { name: "est-coaps", resources: Arc::new(Est { desk }) }
}

struct Est {
    desk: Desk,
}

impl Resources for Est {
    fn links(&self) -> Vec<Link> {
        links(|operation| self.desk.offers(operation))
    }

    /// RFC 9148 §3: a client is known by its certificate and by nothing else.
    fn wants_certificates(&self) -> bool {
        true
    }

    fn room(&self, target: &Target, connection: &PeerConnection) -> Option<usize> {
        let is_offered = match find(target) {
            Resource::Function(_, function) => self.desk.offers(function.operation()),
            Resource::Nothing => false,
        };
        let is_unannounced = target.method == Method::Post && target.announced.and_then(media_type).is_none();
        let is_hopeless = !is_offered || is_unannounced || connection.certificates.is_empty();
        (!is_hopeless).then(|| self.desk.max_body_octets())
    }

    fn answer(&self, question: Question) -> Answering {
        let desk = self.desk.clone();
        Box::pin(async move {
            let method = question.target.method;
            let function = match find(&question.target) {
                Resource::Function(_, function) => Some(function),
                Resource::Nothing => None,
            };
            let form = |function: Function| question.target.form_among(function.formats());
            let shape = function.and_then(|function| form(function).map(|form| function.shape(form)));
            let max_octets = desk.max_body_octets();
            match (desk.ask(submission(question, shape.is_some())).await, shape) {
                (Ok(answer), Some(shape)) => {
                    let (form, octets) = format::write(answer, shape);
                    Response::content(method, form, octets)
                }
                // The desk answers nothing whose form it was told to be impossible.
                (Ok(_), None) => Response::refused(500, "internal error (internal)", None),
                (Err(reply), _) => {
                    Response::refused(reply.status, &reply.text, reply.retry_after).with_room(max_octets)
                }
            }
        })
    }
}

/// Puts a request in the words of RFC 7030. An answer that can be given in no form that is wanted is not worked for
/// (RFC 7252 §5.10.4).
fn submission(question: Question, has_form: bool) -> Submission {
    let Question { target, connection, body } = question;
    let (label, operation) = match find(&target) {
        Resource::Function(label, function) => (label, Some(function.operation())),
        Resource::Nothing => (None, None),
    };
    let method = match target.method {
        Method::Get => desk::Method::Get,
        Method::Post => desk::Method::Post,
        Method::Other => desk::Method::Other,
    };
    let body = match (body, has_form) {
        (Err(coap_kit::TooLarge), _) => Err(Obstacle::TooLarge),
        (Ok(_), false) => Err(Obstacle::NotAcceptable),
        (Ok(octets), true) => Ok(octets),
    };
    let media_type = target.announced.and_then(media_type);
    Submission { label, operation, method, media_type, connection, body }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{CERTS_ONLY, PKIX_CERT};
    use coap_kit::{Format, TooLarge};

    fn question(path: &[&str], accept: Option<Format>, body: Result<Vec<u8>, TooLarge>) -> Question {
        let target = Target {
            method: Method::Post,
            path: Some(path.iter().map(|segment| (*segment).to_owned()).collect()),
            queries: Vec::new(),
            announced: Some(Format::of(286)),
            accept,
        };
        Question { target, connection: PeerConnection::plain(([192, 0, 2, 1], 1).into()), body }
    }

    // RFC 9148 §4.1, §4.3: short paths and formats stand for the words of RFC 7030.
    #[test]
    fn a_request_is_put_in_the_words_of_rfc_7030() {
        let asked = submission(question(&[".well-known", "est", "tls", "sen"], None, Ok(vec![1])), true);
        assert_eq!((asked.label.as_deref(), asked.operation), (Some("tls"), Some("simpleenroll")));
        assert_eq!(asked.media_type, Some("application/pkcs10"));
        assert_eq!((asked.method, asked.body), (desk::Method::Post, Ok(vec![1])));
        let asked = submission(question(&["est", "sen"], None, Ok(Vec::new())), false);
        assert_eq!((asked.label, asked.operation), (None, None));
    }

    // RFC 7252 §5.10.4, RFC 9148 §4.3: what cannot be given is not worked for, and what is too long is said first.
    #[test]
    fn what_cannot_be_answered_is_told_to_the_desk() {
        let path = [".well-known", "est", "sen"];
        for (accept, has_form) in [(None, true), (Some(CERTS_ONLY), true), (Some(Format::of(60)), false)] {
            let formats = [CERTS_ONLY, PKIX_CERT];
            let asked = question(&path, accept, Ok(Vec::new()));
            assert_eq!(asked.target.form_among(&formats).is_some(), has_form);
        }
        let of = |body, has_form| submission(question(&path, None, body), has_form).body;
        assert_eq!(of(Ok(vec![1]), false), Err(Obstacle::NotAcceptable));
        assert_eq!(of(Err(TooLarge), false), Err(Obstacle::TooLarge));
        assert_eq!(of(Err(TooLarge), true), Err(Obstacle::TooLarge));
    }
}

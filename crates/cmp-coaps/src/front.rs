//! From a request over CoAP to a submission to the desk of `cmp-server`, and from its answer to a response (RFC 9482 §2).

use std::sync::Arc;

use cmp_server::desk::{Desk, Obstacle, Path, Submission};
use coap_kit::{Answering, Format, Front, Link, Method, Question, Resources, Response, Target, TooLarge};
use server_kit::listener::PeerConnection;

use crate::path::find;

/// RFC 9482 §5: `application/pkixcmp`.
const PKIXCMP: Format = Format::of(259);

/// Makes what a listener of CMP over CoAP is for.
#[must_use]
pub fn front(desk: Desk) -> Front {
    Front { name: "cmp-coaps", resources: Arc::new(Cmp { desk }) }
}

struct Cmp {
    desk: Desk,
}

impl Resources for Cmp {
    /// RFC 9482 §2.2: the link has `ct`. No resource type is registered.
    fn links(&self) -> Vec<Link> {
        let link = |path| Link { path, resource_type: None, formats: vec![PKIXCMP] };
        let labels = self.desk.labels().map(|label| format!("/.well-known/cmp/p/{label}"));
        std::iter::once("/.well-known/cmp".to_owned()).chain(labels).map(link).collect()
    }

    /// Messages say by themselves who sent them.
    fn wants_certificates(&self) -> bool {
        false
    }

    fn room(&self, target: &Target, _connection: &PeerConnection) -> Option<usize> {
        let is_taken = find(target).is_some_and(|path| self.desk.takes(&path));
        let is_message = target.method == Method::Post && target.announced == Some(PKIXCMP);
        (is_taken && is_message).then(|| self.desk.max_body_octets())
    }

    fn answer(&self, question: Question) -> Answering {
        let desk = self.desk.clone();
        Box::pin(async move {
            let (method, path) = (question.target.method, find(&question.target));
            // RFC 9482 §2.3: what is answered by a message is answered by success, be it an error message.
            match desk.ask(submission(question, path)).await {
                Ok(message) => Response::content(method, PKIXCMP, message),
                Err(reply) => Response::refused(reply.status, &reply.text, reply.retry_after)
                    .with_room(desk.max_body_octets()),
            }
        })
    }
}

fn submission(question: Question, path: Option<Path>) -> Submission {
    let Question { target, connection, body } = question;
    let is_acceptable = target.form_among(&[PKIXCMP]).is_some();
    let body = match body {
        Err(TooLarge) => Err(Obstacle::TooLarge),
        // RFC 7252 §5.10.4.
        Ok(_) if !is_acceptable => Err(Obstacle::NotAcceptable),
        Ok(octets) => Ok(octets),
    };
    Submission {
        path,
        is_post: target.method == Method::Post,
        is_pkixcmp: target.announced == Some(PKIXCMP),
        peer: connection.peer_addr,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(announced: u16, accept: Option<u16>, body: Result<Vec<u8>, TooLarge>) -> Question {
        let target = Target {
            method: Method::Post,
            path: Some([".well-known", "cmp", "p", "meter-ds", "ir"].map(str::to_owned).into()),
            queries: Vec::new(),
            announced: Some(Format::of(announced)),
            accept: accept.map(Format::of),
        };
        Question { target, connection: PeerConnection::plain(([192, 0, 2, 1], 1).into()), body }
    }

    fn submitted(question: Question) -> Submission {
        let path = find(&question.target);
        submission(question, path)
    }

    // RFC 9482 §2.3: POST, and application/pkixcmp.
    #[test]
    fn a_message_is_posted_as_pkixcmp() {
        let asked = submitted(question(259, None, Ok(vec![1])));
        assert!(asked.is_post && asked.is_pkixcmp);
        assert_eq!(asked.body, Ok(vec![1]));
        let Some(Path { label, operation }) = asked.path else { panic!("a path") };
        assert_eq!((label.as_deref(), operation), (Some("meter-ds"), Some("initialization")));
        assert!(!submitted(question(286, None, Ok(vec![1]))).is_pkixcmp);
        let got = question(259, None, Ok(vec![1]));
        let target = Target { method: Method::Get, ..got.target };
        assert!(!submitted(Question { target, ..got }).is_post);
    }

    // RFC 7252 §5.10.4.
    #[test]
    fn an_answer_in_another_form_is_not_worked_for() {
        assert_eq!(submitted(question(259, Some(259), Ok(vec![1]))).body, Ok(vec![1]));
        assert_eq!(submitted(question(259, Some(60), Ok(vec![1]))).body, Err(Obstacle::NotAcceptable));
        assert_eq!(submitted(question(259, Some(60), Err(TooLarge))).body, Err(Obstacle::TooLarge));
    }
}

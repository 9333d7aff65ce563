//! pollReq: whether what waited for people can be answered now (RFC 9483 §4.4).

use ca_core::record::{Awaiting, Stage};
use cmp_messages::body::PkiBody;
use cmp_messages::polling::{PollRep, PollReq};

use super::enrolment::{self, Asked, Came, Wish};
use super::transaction::{self, Known, Standing};
use super::{Case, Note, Worked};
use crate::config::FinalNonce;
use crate::protect::Draft;
use crate::refusal::Refusal;

/// The longest time after which somebody who waits is to ask again, in seconds.
const MAX_CHECK_AFTER: u64 = 3_600;

/// Answers a poll: with the answer to the message that began the transaction, or with when to ask again.
pub(super) fn poll(case: &Case<'_>, polls: &[PollReq]) -> Result<Worked, Refusal> {
    let [poll] = polls else { return Err(Refusal::RequestCount { count: polls.len() }) };
    let known = match transaction::find(case)? {
        Standing::Open(known) => known,
        Standing::Answered(der) => return Ok(Worked::again(der)),
    };
    if known.transaction.stage != Stage::Waiting {
        return Err(Refusal::OutOfTurn);
    }
    let begun = known.memory.message().ok_or(Refusal::OutOfTurn)?;
    // RFC 9483 §4.4: 0 for the one request, -1 for a message as a whole, which PKCS#10 is.
    if !matches!(poll.cert_req_id, 0 | -1) {
        return Err(Refusal::RequestId { found: poll.cert_req_id, wanted: 0 });
    }
    let wish = Wish::of(begun.body()).ok_or(Refusal::OutOfTurn)?;
    // RFC 9483 §4.4: the recipNonce of the final response is the senderNonce of the request.
    let answers = match case.label.parts().final_nonce {
        FinalNonce::OfRequest => begun.header(),
        FinalNonce::OfPoll => case.message.header(),
    };
    let asked = Asked { header: begun.header(), wish, answers };
    match enrolment::ask(case, &asked)? {
        Came::Waits(awaiting) => wait_on(case, &known, poll, &awaiting),
        came @ (Came::Issued(..) | Came::Refused(_)) => {
            enrolment::answer(case, &asked, came, (known.transaction.request, &known.memory))
        }
    }
}

fn wait_on(case: &Case<'_>, known: &Known, poll: &PollReq, awaiting: &Awaiting) -> Result<Worked, Refusal> {
    // C-29: whoever has waited long is told to wait longer.
    let waited = case.now.seconds().abs_diff(known.transaction.opened_at.seconds());
    let check_after = awaiting.retry_after_seconds.max(waited / 8).min(MAX_CHECK_AFTER);
    let answer = PollRep { cert_req_id: poll.cert_req_id, check_after, reason: None };
    let sealed = case.seal(Draft::of(PkiBody::PollRep(vec![answer])))?;
    let last = (known.transaction.request, &known.memory);
    let der = transaction::keep(case, last, &sealed, (Stage::Waiting, awaiting.expires_at))?;
    Ok(Worked { der, note: Note::Waiting })
}

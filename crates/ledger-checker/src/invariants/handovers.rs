//! I16: what was superseded because its key was lost on the way had been given to the very requester who asked for the next,
//! and the next was intended in the same breath.

use super::{Findings, Invariant};
use crate::evidence::Case;
use crate::rows::{AuditRecord, CERTIFICATE_REVOKED, INTENT_RECORDED};

pub(super) fn who_was_given_a_key_asks_for_the_next(case: &Case, findings: &mut Findings) {
    for (place, (_, record)) in case.audit.iter().enumerate() {
        let Some(requester) = lost_by(record).filter(|_| record.act == CERTIFICATE_REVOKED) else { continue };
        let given = case.ledger.of(&record.id).and_then(|row| row.handed_to.as_deref());
        if given != Some(requester) {
            let what =
                format!("{} was lost by {requester}, who was not given its key", hex::encode(&record.id));
            findings.add(Invariant::I16, what);
        }
        let mut following = case.audit.iter().skip(place + 1).map(|(_, next)| next);
        let next = following.find(|next| next.act != CERTIFICATE_REVOKED || lost_by(next).is_none());
        let followed = next.is_some_and(|next| {
            let made = next.detail.split("; ").any(|part| part == "the server made the key");
            next.act == INTENT_RECORDED && next.actor == record.actor && made
        });
        if !followed {
            let what = format!("audit record {} supersedes, and nothing follows it", record.sequence);
            findings.add(Invariant::I16, what);
        }
    }
}

/// Who asked for another key, as the record of a revocation says.
fn lost_by(record: &AuditRecord) -> Option<&str> {
    record.detail.strip_prefix("the key was lost on its way to ")?.strip_suffix(", who asks for another")
}

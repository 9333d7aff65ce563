//! What every refusal has in common.

use e2e::peer::Answer;
use e2e::rehearsal::Rehearsal;

/// Makes an attempt that must be refused with a status and a reason code, and asserts what holds for every refusal: an answer
/// of one sentence that names the code, one audit record with the same code and nobody's else, and nothing new on record for
/// the device.
#[track_caller]
pub(crate) fn refused(
    rehearsal: &Rehearsal,
    title: &str,
    (status, code): (u16, &str),
    attempt: impl FnOnce() -> Answer,
) {
    let (records, certificates) = (rehearsal.audited(), rehearsal.certificates_of(title));
    let answer = attempt();
    let text = answer.text();
    assert_eq!(answer.status, status, "{text}");
    assert!(text.ends_with(&format!(" ({code})\n")), "the answer names {code}: {text}");
    assert_eq!(text.lines().count(), 1, "the answer is one sentence: {text}");
    let told = rehearsal.audit_after(records);
    let reasons: Vec<&str> = told.iter().filter_map(|record| record["reason"].as_str()).collect();
    assert_eq!(reasons, [code], "one audit record tells of the refusal: {told:?}");
    assert_eq!(rehearsal.audited(), records + 1, "the trail is intact");
    assert_eq!(rehearsal.certificates_of(title), certificates, "nothing was left on record");
}

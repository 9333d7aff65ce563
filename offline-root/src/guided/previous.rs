//! What the previous ceremony signed of the same kind, for the same subject, under the same profile.

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::{ParsedCrl, ParsedTbs};
use ceremony::earlier::PreviousCeremony;
use ceremony::record::Content;

use super::objects::{Draft, Line, of_certificate, of_crl};

/// An object that a draft is set beside: its name, and what it says.
pub(crate) type Before = (String, Vec<Line>);

/// Finds the object of the previous ceremony that a draft is to be compared with. `profile` is that of a certificate.
pub(crate) fn like(previous: &PreviousCeremony, draft: &Draft, profile: Option<&str>) -> Option<Before> {
    match draft {
        Draft::Certificate(certificate) => certificate_like(previous, certificate, profile?),
        Draft::Crl(crl) => crl_like(previous, crl),
        Draft::Response => None,
    }
}

fn certificate_like(previous: &PreviousCeremony, draft: &Certificate, profile: &str) -> Option<Before> {
    let bundle = previous.bundle();
    let signed = bundle.certificates().filter_map(|(record, der)| match &record.content {
        Content::Certificate(made_of) if made_of.profile == profile => Some((record.object.to_string(), der)),
        Content::Certificate(_) | Content::Crl(_) | Content::Response { .. } => None,
    });
    let known = bundle.file().roots().iter().filter(|plan| plan.profile == profile);
    let known = known.filter_map(|plan| Some((format!("{}.crt", plan.name), bundle.root(&plan.name)?)));
    let all = signed.chain(known);
    let all = all.filter_map(|(name, der)| Some((name, Certificate::from_der(&der).ok()?)));
    // A root is set beside the root before it, whatever that is called.
    let own = draft.subject() == draft.issuer();
    let alike = all.filter(|(_, other)| own || other.subject() == draft.subject());
    let last =
        alike.max_by_key(|(_, other)| (other.subject() == draft.subject(), other.validity().not_before()));
    last.map(|(name, other)| (name, of_certificate(&other)))
}

fn crl_like(previous: &PreviousCeremony, draft: &ParsedTbs) -> Option<Before> {
    let mut last: Option<(u64, Before)> = None;
    for (record, der) in previous.bundle().crls() {
        let Ok(crl) = ParsedCrl::from_der(&der) else { continue };
        let (Ok(number), Ok(lines)) = (crl.tbs().number(), of_crl(crl.tbs())) else { continue };
        let newer = last.as_ref().is_none_or(|(newest, _)| number > *newest);
        if crl.tbs().issuer() == draft.issuer() && newer {
            last = Some((number, (record.object.to_string(), lines)));
        }
    }
    last.map(|(_, before)| before)
}

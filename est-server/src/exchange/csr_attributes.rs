//! `/csrattrs`: what a certification request at this label should say (RFC 7030 §4.5, RFC 8951 §4, RFC 9908).
//!
//! Nobody need say who asks (RFC 7030 §4.5): a device that does is told its own name too.

use ca_core::actor::{Actor, Identity};
use ca_core::issuance::IssueError;
use ca_core::system_title::SystemTitle;
use ca_core::template::RequestTemplate;

use super::{Exchange, record};
use crate::answer::Answer;
use crate::config::BindingPolicy;
use crate::refusal::Refusal;
use crate::wire::csr_attributes;

pub(super) fn tell(exchange: &Exchange, actor: Option<&Actor>) -> Result<Answer, Refusal> {
    let parts = exchange.label.parts();
    let linked = parts.channel_binding == BindingPolicy::Required || parts.challenge.takes_codes();
    let encoded = parts
        .authority
        .profile(&parts.profile)
        .map(|profile| RequestTemplate::of(profile, actor.and_then(title)))
        .transpose()
        .map_err(|error| Refusal::from(IssueError::from(error)))
        // A label is not made without an offer of its profile.
        .and_then(|template| template.ok_or(Refusal::NoSuchOperation))
        .and_then(|template| {
            csr_attributes::encode(&template, linked).map_err(|cause| Refusal::NotEncoded { cause })
        });
    let nobody = || exchange.credentials.unauthenticated(parts.authority.tenant());
    match encoded {
        Ok(der) => Ok(Answer::CsrAttributes { der }),
        Err(refusal) => Err(record(&exchange.label, &actor.cloned().unwrap_or_else(nobody), refusal)),
    }
}

const fn title(actor: &Actor) -> Option<&SystemTitle> {
    match &actor.identity {
        Identity::Device(device) => Some(&device.title),
        Identity::OneTimeToken { title, .. } => Some(title),
        Identity::RegistrationAuthority(_)
        | Identity::Operator { .. }
        | Identity::Process { .. }
        | Identity::Unauthenticated { .. } => None,
    }
}

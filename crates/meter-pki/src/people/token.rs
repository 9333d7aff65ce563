//! Who comes with an identity provider's token: the person on whose record the subject is, and nobody else.
//!
//! Whether the token is true was judged before (`sign_in`); the record is asked anew for each request, so that a credential that
//! was taken away opens nothing from then on, however long the token lasts.

use ca_core::people::{Credential, Person};
use ca_core::ports::Unavailable;

use crate::compose::System;
use crate::exit::{Exit, Failure};
use crate::sign_in::SignedIn;

/// Returns the person whose the token is, if he is on record: also for one that is refused, once its signature was right.
pub(crate) fn known(system: &System, signed_in: &SignedIn) -> Result<Option<Person>, Unavailable> {
    let credential = match &signed_in.outcome {
        Ok(credential) => Some(credential),
        Err(refused) => refused.of.as_ref(),
    };
    let known = credential.map(|one| system.people.person_by(one)).transpose()?.flatten();
    // A credential that was taken away is still his in the ledger, and does not stand for him.
    let has = |person: &Person| person.credentials.iter().any(|bound| Some(&bound.credential) == credential);
    Ok(known.filter(|person| person.removed.is_some() || has(person)))
}

/// Returns how records name him.
pub(crate) fn name(system: &System, signed_in: &SignedIn) -> String {
    let known = known(system, signed_in).ok().flatten();
    known.map_or_else(|| format!("address-{}", signed_in.address), |person| person.id.to_string())
}

/// Tells somebody that his subject is on nobody's record.
pub(crate) fn unknown(credential: &Credential) -> Failure {
    let message = format!("nobody is known by {credential}");
    Failure::new(Exit::Permission, "people.unknown", message).then(format!(
        "an administrator types `meter-pki people change ID --add-credential \"{credential}\"`"
    ))
}

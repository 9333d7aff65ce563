//! The port on who may do what.

use super::Unavailable;
use crate::people::{
    Credential, EmergencyChange, EmergencyConflict, Person, PersonChange, PersonConflict, PersonId,
};

/// Keeps people on record.
pub trait People: Send + Sync {
    /// Records a change, if it may follow what stands there and the credential is nobody else's; returns the person after it.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_person_change(
        &self,
        change: PersonChange,
    ) -> Result<Result<Person, PersonConflict>, Unavailable>;

    /// Records a change of somebody's emergency, if it may follow what stands there; returns the person after it. Who makes it
    /// is compared as a person, whichever credential he came with.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn record_emergency_change(
        &self,
        change: EmergencyChange,
    ) -> Result<Result<Person, EmergencyConflict>, Unavailable>;

    /// Returns a person, removed ones too.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn person(&self, id: &PersonId) -> Result<Option<Person>, Unavailable>;

    /// Returns whose a credential is, or was before it was taken away.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn person_by(&self, credential: &Credential) -> Result<Option<Person>, Unavailable>;

    /// Returns everybody, removed ones too, by id.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn people(&self) -> Result<Vec<Person>, Unavailable>;
}

//! The port [`People`]: who may do what.

use ca_core::people::{
    Credential, EmergencyChange, EmergencyConflict, Person, PersonChange, PersonConflict, PersonId,
};
use ca_core::ports::{People, Unavailable};

use crate::act::people;
use crate::engine::Durability;
use crate::keyspace::Keyspace;
use crate::row::{PersonRow, Row};
use crate::store::Store;
use crate::transaction::Rows;

const PORT: &str = "people";

impl People for Store {
    fn record_person_change(
        &self,
        change: PersonChange,
    ) -> Result<Result<Person, PersonConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| people::change(tx, &change))
    }

    fn record_emergency_change(
        &self,
        change: EmergencyChange,
    ) -> Result<Result<Person, EmergencyConflict>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| people::change_emergency(tx, &change))
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<PersonRow>(id)?.map(|row| row.person)))
    }

    fn person_by(&self, credential: &Credential) -> Result<Option<Person>, Unavailable> {
        self.read(PORT, |view| people::person_by(view, credential))
    }

    fn people(&self) -> Result<Vec<Person>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::People, &[], &[], usize::MAX)?;
            rows.into_iter().map(|(_, octets)| Ok(PersonRow::decode(&octets)?.person)).collect()
        })
    }
}

//! JSON files in one exact form: pretty-printed, members in the order of the types, one line end behind.
//!
//! A file in another form is refused, so that no octet of it is without meaning.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes a value.
pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut octets = serde_json::to_vec_pretty(value)?;
    octets.push(b'\n');
    Ok(octets)
}

/// Reads a value that was written in this form; says in a sentence why there is none.
pub(crate) fn read<T: Serialize + DeserializeOwned>(octets: &[u8]) -> Result<T, String> {
    let value = serde_json::from_slice(octets).map_err(|cause| format!("it cannot be read: {cause}"))?;
    match write(&value) {
        Ok(written) if written == octets => Ok(value),
        _ => Err("it was written again in another form".to_owned()),
    }
}

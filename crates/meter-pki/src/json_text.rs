//! What the command line says to programs: one line of JSON, of a type that has a schema.
//!
//! Whatever is printed with `--json` is written here, so that nothing is printed whose form is not published (`commands::schemas`).

use serde::Serialize;
use utoipa::ToSchema;

/// Writes a value as one line of JSON, without the line feed.
pub(crate) fn json_text<T: Serialize + ToSchema>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

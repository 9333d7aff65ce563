//! Style and script: two files of this crate, served from here, so that no page asks anybody else.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("assets/console.css");
const SCRIPT: &str = include_str!("assets/console.js");
const MARK: &str = include_str!("assets/mark.svg");

/// The style's address.
pub(crate) fn style() -> String {
    address("console.css", STYLE)
}

/// The script's address.
pub(crate) fn script() -> String {
    address("console.js", SCRIPT)
}

/// The mark's address.
pub(crate) fn mark() -> String {
    address("mark.svg", MARK)
}

/// An address that is another once the file is another.
fn address(name: &str, text: &str) -> String {
    let digest = hex::encode(Sha256::digest(text));
    format!("/console/assets/{name}?{}", digest.get(..16).unwrap_or_default())
}

/// Returns a file by its name.
pub(crate) fn file(name: &str) -> Option<Response> {
    let (kind, text) = match name {
        "console.css" => ("text/css; charset=utf-8", STYLE),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "mark.svg" => ("image/svg+xml", MARK),
        _ => return None,
    };
    Some(
        ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "private, max-age=31536000, immutable")], text)
            .into_response(),
    )
}

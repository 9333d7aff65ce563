//! What a browser sends of a form: fields in their order, as `application/x-www-form-urlencoded` or, where a file may be chosen, as
//! `multipart/form-data` (RFC 7578). Names of files are nobody's business here: they are not even read.

use axum::body::to_bytes;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long a form may be, in octets: a part of a delivery and what base64 adds.
pub(crate) const LONGEST: usize = 24 * 1024 * 1024;

/// The fields.
#[derive(Debug, Default, Clone)]
pub(crate) struct Posted {
    fields: Vec<(String, String)>,
}

/// It cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Posted {
    /// Reads the body of a request. The octets of a file take the place of the text that has the same name.
    pub(crate) async fn read(request: Request) -> Result<Self, Unreadable> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("multipart/form-data") {
            return Self::parts(request).await;
        }
        let octets = to_bytes(request.into_body(), LONGEST).await.map_err(|_| Unreadable)?;
        Ok(Self::of(&octets))
    }

    /// Reads what is encoded as a query is.
    pub(crate) fn of(octets: &[u8]) -> Self {
        Self { fields: url::form_urlencoded::parse(octets).into_owned().collect() }
    }

    async fn parts(request: Request) -> Result<Self, Unreadable> {
        let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Unreadable)?;
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|_| Unreadable)? {
            let name = part.name().ok_or(Unreadable)?.to_owned();
            let is_file = part.file_name().is_some();
            let octets = part.bytes().await.map_err(|_| Unreadable)?;
            match is_file {
                // No file was chosen.
                true if octets.is_empty() => {}
                true => fields.push((name, STANDARD.encode(&octets))),
                false => fields.push((name, String::from_utf8(octets.to_vec()).map_err(|_| Unreadable)?)),
            }
        }
        Ok(Self { fields })
    }

    /// Returns the last text of this name that says something.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let mut texts =
            self.fields.iter().rev().filter(|(field, _)| field == name).map(|(_, text)| text.trim());
        texts.find(|text| !text.is_empty())
    }

    /// Returns all fields.
    pub(crate) fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[tokio::test]
    async fn a_chosen_file_takes_the_place_of_the_text_and_none_leaves_it() {
        let with = |octets: &str| {
            let body = format!(
                "--b\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\nTUFO\r\n--b\r\nContent-Disposition: form-data; \
                 name=\"request\"; filename=\"<script>.der\"\r\nContent-Type: application/octet-stream\r\n\r\n{octets}\r\n--b--\r\n"
            );
            Request::post("/")
                .header(CONTENT_TYPE, "multipart/form-data; boundary=b")
                .body(Body::from(body))
                .unwrap()
        };
        assert_eq!(Posted::read(with("abc")).await.unwrap().text("request"), Some("YWJj"));
        let none = Posted::read(with("")).await.unwrap();
        assert_eq!(none.text("request"), Some("TUFO"));
        assert!(!format!("{none:?}").contains("script"));
    }

    #[test]
    fn fields_are_read_as_a_query_is() {
        let posted = Posted::of(b"a=1&b=%20x%20&a=&c=");
        assert_eq!((posted.text("a"), posted.text("b"), posted.text("c")), (Some("1"), Some("x"), None));
    }
}

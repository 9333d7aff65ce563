//! The body of a request, as JSON. Beside what serde takes, an integer may be written with a fraction of nothing, such as `5.0`: for
//! JSON Schema it is one, and the document says `integer`.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};

use super::wire::object::object;

/// A body that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<B>(pub(super) B);

impl<B: DeserializeOwned, S: Sync + Send> FromRequest<S> for Body<B> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !is_json(request.headers()) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let octets = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
        read(&octets).map(Self).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())
    }
}

/// RFC 9110 §8.3.1: the type is read whatever its case, and its parameters do not count.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn read<B: DeserializeOwned>(octets: &[u8]) -> Result<B, serde_json::Error> {
    whole_object(octets).or_else(|error| {
        if !error.is_data() {
            return Err(error);
        }
        let mut value: Value = serde_json::from_slice(octets)?;
        // What was wrong at first has its place in the text with it.
        if whole(&mut value) { object(value).map_err(|_| error) } else { Err(error) }
    })
}

fn whole_object<B: DeserializeOwned>(octets: &[u8]) -> Result<B, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(octets);
    let body = object(&mut reader)?;
    reader.end().map(|()| body)
}

/// Writes numbers without their fraction where it is nothing; tells whether there was any.
fn whole(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => {
            let found = integer(number);
            let is_one = found.is_some();
            *number = found.unwrap_or_else(|| number.clone());
            is_one
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, item| whole(item) | any),
        Value::Object(members) => members.values_mut().fold(false, |any, item| whole(item) | any),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn integer(number: &Number) -> Option<Number> {
    let fraction = number.as_f64().filter(|_| number.is_f64())?;
    let text = (fraction.fract() == 0.0).then(|| format!("{fraction:.0}"))?;
    text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Two {
        one: u8,
        other: Option<u64>,
    }

    fn said(text: &str) -> Result<Two, String> {
        read(text.as_bytes()).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn an_integer_may_be_written_with_a_fraction_of_nothing() {
        assert_eq!(said(r#"{"one": 5.0, "other": 1e3}"#), Ok(Two { one: 5, other: Some(1_000) }));
        assert_eq!(said(r#"{"one": 5}"#), Ok(Two { one: 5, other: None }));
        for wrong in [
            r#"{"one": 5.5}"#,
            r#"{"one": 256.0}"#,
            r#"{"one": -1.0}"#,
            r#"{"one": "5"}"#,
            r#"{"one":1,"a":1}"#,
        ] {
            assert!(said(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_fault_is_told_with_its_place() {
        let told = said("{\"one\": 5.0,\n \"other\": \"x\"}").unwrap_err();
        assert!(told.contains("line"), "{told}");
    }
}

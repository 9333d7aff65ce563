//! Nested messages (RFC 9810 §5.1.3.4): messages in a message. They stay octets, since each has a protection of its own.

use der::Encode;
use der::asn1::Any;

/// ```text
/// NestedMessageContent ::= PKIMessages
/// PKIMessages ::= SEQUENCE SIZE (1..MAX) OF PKIMessage
/// ```
///
/// # Errors
/// What the DER codec says.
pub fn octets(messages: &[Any]) -> der::Result<Vec<Vec<u8>>> {
    messages.iter().map(Encode::to_der).collect()
}

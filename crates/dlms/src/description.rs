//! Octets of class 64 in words, for people: one line for a call, a short table for anything that comes along.
//!
//! Not a judgement: what is shown may be wrong, foreign or from nobody. Wrapped keys are told by their length, not shown.

mod of_data;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;

use crate::apdu::{
    ActionRequest, ActionResponse, Apdu, Block, Exception, GetRequest, GetResponse, GetResult,
};
use crate::axdr::{AxdrError, AxdrFault, Data};
use crate::cosem::{Descriptor, SECURITY_SETUP};
use crate::der_text::hexadecimal;
use crate::security_setup::{AgreedKey, Attribute, Method, TransferredKey, is_authority, key_of};
use of_data::of_data;

/// What octets are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// In a few words.
    pub what: String,
    /// The parts, in their order.
    pub fields: Vec<Field>,
}

/// A part of what octets are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the standard.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

impl Description {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), fields: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push(Field { name, value: value.into() });
        self
    }

    fn and(mut self, fields: Vec<Field>) -> Self {
        self.fields.extend(fields);
        self
    }
}

/// The first octets of the APDUs that are read.
const APDU_TAGS: [u8; 5] = [192, 195, 196, 199, 216];
/// The first octet of a certificate or request.
const SEQUENCE: &u8 = &0x30;

/// Describes an APDU in clear, a parameter or returned value, a certificate or a certification request.
///
/// # Errors
/// [`AxdrError`] for anything else, with the octet at which reading stopped.
pub fn describe(octets: &[u8]) -> Result<Description, AxdrError> {
    match octets.first() {
        Some(SEQUENCE) => match der_line(octets) {
            Some(line) => Ok(Description::new(line)),
            None => Err(AxdrError { position: 0, fault: AxdrFault::Type { tag: *SEQUENCE } }),
        },
        Some(tag) if APDU_TAGS.contains(tag) => Apdu::decode(octets).map(|apdu| of_apdu(&apdu)),
        Some(_) | None => Data::decode(octets).map(|data| {
            let fields = of_data(&data);
            Description::new("a value without its APDU").and(fields)
        }),
    }
}

fn of_apdu(apdu: &Apdu) -> Description {
    match apdu {
        Apdu::ActionRequest(request) => of_action_request(request),
        Apdu::ActionResponse(response) => of_action_response(response),
        Apdu::GetRequest(GetRequest::Normal { invoke, attribute }) => {
            let read = (attribute.class_id == SECURITY_SETUP)
                .then(|| Attribute::from_number(attribute.number).ok())
                .flatten()
                .map_or_else(|| "reads an attribute that is not looked into here".to_owned(), attribute_line);
            addressed(Description::new("get-request-normal"), invoke.number(), attribute).with("asks", read)
        }
        Apdu::GetRequest(GetRequest::Next { invoke, number }) => {
            asking("get-request-next", invoke.number(), *number)
        }
        Apdu::GetResponse(GetResponse::Normal { invoke, result }) => of_result(
            Description::new("get-response-normal").with("invoke-id", invoke.number().to_string()),
            result,
        ),
        Apdu::GetResponse(GetResponse::WithBlock { invoke, block }) => {
            let octets = match &block.result {
                Ok(octets) => hexadecimal(octets),
                Err(result) => result.to_string(),
            };
            Description::new("get-response-with-datablock")
                .with("invoke-id", invoke.number().to_string())
                .with("block-number", block.number.to_string())
                .with("last-block", block.last.to_string())
                .with("raw-data", octets)
        }
        Apdu::Exception(exception) => of_exception(*exception),
    }
}

fn of_exception(exception: Exception) -> Description {
    let told = Description::new("exception-response")
        .with("state-error", exception.state.to_string())
        .with("service-error", exception.service_name());
    match exception.invocation_counter {
        Some(counter) => told.with("invocation-counter", counter.to_string()),
        None => told,
    }
}

fn of_action_request(request: &ActionRequest) -> Description {
    let invoke = request.invoke().number();
    match request {
        ActionRequest::Normal { method, parameters, .. } => {
            let told = addressed(Description::new("action-request-normal"), invoke, method);
            let parameters = parameters.as_ref().unwrap_or(&Data::Null);
            let known = method.class_id == SECURITY_SETUP;
            match known.then(|| Method::read(method.number, parameters)) {
                Some(Ok(known)) => told.with("calls", method_line(&known)).and(of_data(parameters)),
                Some(Err(error)) => {
                    told.with("calls", format!("cannot be read: {error}")).and(of_data(parameters))
                }
                None => told.and(of_data(parameters)),
            }
        }
        ActionRequest::NextBlock { number, .. } => asking("action-request-next-pblock", invoke, *number),
        ActionRequest::FirstBlock { method, block, .. } => {
            of_block(addressed(Description::new("action-request-with-first-pblock"), invoke, method), block)
        }
        ActionRequest::Block { block, .. } => {
            let told = Description::new("action-request-with-pblock").with("invoke-id", invoke.to_string());
            of_block(told, block)
        }
    }
}

fn of_action_response(response: &ActionResponse) -> Description {
    let invoke = response.invoke().number();
    match response {
        ActionResponse::Normal { result, returned, .. } => {
            let told = Description::new("action-response-normal")
                .with("invoke-id", invoke.to_string())
                .with("result", result.to_string());
            match returned {
                Some(result) => of_result(told, result),
                None => told,
            }
        }
        ActionResponse::WithBlock { block, .. } => {
            let told = Description::new("action-response-with-pblock").with("invoke-id", invoke.to_string());
            of_block(told, block)
        }
        ActionResponse::NextBlock { number, .. } => asking("action-response-next-pblock", invoke, *number),
    }
}

fn of_result(told: Description, result: &GetResult) -> Description {
    match result {
        GetResult::Data(data) => told.and(of_data(data)),
        GetResult::Refused(result) => told.with("data-access-result", result.to_string()),
    }
}

fn of_block(told: Description, block: &Block) -> Description {
    told.with("block-number", block.number.to_string())
        .with("last-block", block.last.to_string())
        .with("raw-data", hexadecimal(&block.octets))
}

fn asking(what: &str, invoke: u8, number: u32) -> Description {
    Description::new(what).with("invoke-id", invoke.to_string()).with("block-number", number.to_string())
}

fn addressed(told: Description, invoke: u8, at: &Descriptor) -> Description {
    told.with("invoke-id", invoke.to_string())
        .with("class-id", at.class_id.to_string())
        .with("instance-id", at.instance.to_string())
        .with("number", at.number.to_string())
}

/// Says in one line what reading an attribute is.
pub(crate) fn attribute_line(attribute: Attribute) -> String {
    format!("read {} (attribute {})", attribute.name(), attribute.number())
}

/// Says in one line what a method is asked for.
pub(crate) fn method_line(method: &Method) -> String {
    let transferred = |keys: &[TransferredKey]| listed(keys.iter().map(|key| key.id.name()));
    let agreed = |keys: &[AgreedKey]| listed(keys.iter().map(|key| key.id.name()));
    let rest = match method {
        Method::SecurityActivate(policy) => format!("demand {policy}"),
        Method::KeyTransfer(keys) => format!("take over the wrapped {}", transferred(keys)),
        Method::KeyAgree(keys) => format!("agree on {}", agreed(keys)),
        Method::GenerateKeyPair(key) => format!("make a new key pair for {}", key.name()),
        Method::GenerateCertificateRequest(key) => {
            format!("make a certification request for the new {} key", key.name())
        }
        Method::ImportCertificate(der) => {
            format!("import the {}", der_line(der).unwrap_or_else(|| format!("{} octets", der.len())))
        }
        Method::ExportCertificate(identification) => format!("show {identification}"),
        Method::RemoveCertificate(identification) => format!("remove {identification}"),
    };
    format!("{} (method {}): {rest}", method.name(), method.number())
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

/// Says in one line what a certificate or certification request says.
pub(crate) fn der_line(der: &[u8]) -> Option<String> {
    if let Ok(certificate) = Certificate::from_der(der) {
        let use_of = match key_of(&certificate) {
            Some(key) => key.name(),
            None if is_authority(&certificate) => "certificate-signing",
            None => "another use",
        };
        return Some(format!(
            "certificate of {} for {use_of} by {}, {} key, serial number {}, {} octets",
            certificate.subject(),
            certificate.issuer(),
            certificate.public_key().curve(),
            certificate.serial(),
            der.len()
        ));
    }
    let request = CertificationRequest::from_der(der).ok()?;
    let possession =
        if request.prove_possession().is_ok() { "possession proved" } else { "possession NOT proved" };
    Some(format!(
        "certification request of {}, {} key, {possession}, {} octets",
        request.subject(),
        request.public_key().curve(),
        der.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apdu::InvokeId;
    use crate::cosem::LogicalName;
    use crate::security_setup::{KeyId, MeterKey};

    fn action(method: &Method) -> Vec<u8> {
        let at = Descriptor {
            class_id: SECURITY_SETUP,
            instance: LogicalName::security_setup(0),
            number: method.number(),
        };
        let invoke = InvokeId::confirmed(2);
        ActionRequest::Normal { invoke, method: at, parameters: Some(method.parameter()) }.encode()
    }

    #[test]
    fn a_call_is_told_in_words() {
        let told = describe(&action(&Method::GenerateKeyPair(MeterKey::Tls))).unwrap();
        assert_eq!(told.what, "action-request-normal");
        let calls = told.fields.iter().find(|field| field.name == "calls").unwrap();
        assert_eq!(calls.value, "generate_key_pair (method 4): make a new key pair for tls");
        assert!(told.fields.iter().any(|field| field.value == "0.0.43.0.0.255"));
    }

    #[test]
    fn a_wrapped_key_is_told_by_its_length_only() {
        let method = Method::KeyTransfer(vec![TransferredKey { id: KeyId::Gak, wrapped: vec![0xAB; 24] }]);
        let told = format!("{:?} {method:?}", describe(&action(&method)).unwrap());
        assert!(told.contains("24 octets") && !told.contains("ABAB") && !told.contains("171, 171"), "{told}");
    }

    #[test]
    fn what_is_none_of_these_is_refused_where_reading_stops() {
        assert_eq!(describe(&[0x30, 0x03, 1, 2, 3]).unwrap_err().position, 0);
        assert_eq!(describe(&[0xC3, 9]).unwrap_err().position, 2);
        assert_eq!(describe(&[]).unwrap_err().position, 0);
    }
}

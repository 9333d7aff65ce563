//! One call to a meter: its number, its octets, one line for people, and which answer is awaited.

use super::{Addressee, AuthorityCertificate, ClientCertificate, IssuedCertificate, RemovableCertificate};
use crate::apdu::{ActionRequest, Apdu, GetRequest, InvokeId};
use crate::block::cut;
use crate::cosem::{Descriptor, SECURITY_SETUP};
use crate::description::{attribute_line, method_line};
use crate::security_setup::{
    Attribute, CertificateIdentification, MeterKey, Method, SecurityPolicy, TransferredKey,
};

/// What a call is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// `security_activate`.
    Activate(SecurityPolicy),
    /// `key_transfer` of keys that are wrapped already.
    TransferKeys(Vec<TransferredKey>),
    /// `generate_key_pair`.
    GenerateKeyPair(MeterKey),
    /// `generate_certificate_request`.
    GenerateRequest(MeterKey),
    /// `import_certificate` of one for the meter's own key.
    ImportOwn(IssuedCertificate),
    /// `import_certificate` of an authority's.
    ImportAuthority(AuthorityCertificate),
    /// `import_certificate` of a client's.
    ImportClient(ClientCertificate),
    /// `export_certificate` of the meter's own, which must be this one.
    Confirm(IssuedCertificate),
    /// `remove_certificate`.
    Remove(RemovableCertificate),
    /// An attribute is read.
    Read(Attribute),
}

/// Which answer a call awaits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// success, and nothing returned.
    Nothing,
    /// success, and an octet-string with a certification request.
    Request,
    /// success, and an octet-string with the certificate that was issued.
    Certificate,
    /// The value of the attribute.
    Value,
}

impl Expected {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Request => "certification-request",
            Self::Certificate => "certificate",
            Self::Value => "value",
        }
    }
}

/// A call to a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    number: u16,
    addressee: Addressee,
    task: Task,
}

impl Call {
    /// Makes a call of a task. Its number is unique within a work order, and its lowest four bits are the invoke-id.
    #[must_use]
    pub const fn new(number: u16, addressee: Addressee, task: Task) -> Self {
        Self { number, addressee, task }
    }

    /// Returns its number in the work order.
    #[must_use]
    pub const fn number(&self) -> u16 {
        self.number
    }

    /// Returns the meter.
    #[must_use]
    pub const fn addressee(&self) -> &Addressee {
        &self.addressee
    }

    /// Returns what is to be done.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Returns Invoke-Id-And-Priority: confirmed, high priority.
    #[must_use]
    pub const fn invoke(&self) -> InvokeId {
        InvokeId::confirmed(self.number.to_be_bytes()[1])
    }

    /// Returns the method with its parameter; nothing for a read.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        Some(match &self.task {
            Task::Activate(policy) => Method::SecurityActivate(*policy),
            Task::TransferKeys(keys) => Method::KeyTransfer(keys.clone()),
            Task::GenerateKeyPair(key) => Method::GenerateKeyPair(*key),
            Task::GenerateRequest(key) => Method::GenerateCertificateRequest(*key),
            Task::ImportOwn(issued) => Method::ImportCertificate(issued.certificate().der().to_vec()),
            Task::ImportAuthority(authority) => {
                Method::ImportCertificate(authority.certificate().der().to_vec())
            }
            Task::ImportClient(client) => Method::ImportCertificate(client.certificate().der().to_vec()),
            Task::Confirm(issued) => {
                let own = CertificateIdentification::own(self.addressee.title, issued.key());
                Method::ExportCertificate(own)
            }
            Task::Remove(removable) => Method::RemoveCertificate(removable.identification().clone()),
            Task::Read(_) => return None,
        })
    }

    /// Returns the octets of the method's parameter alone; nothing for a read. For head-ends whose own DLMS stack makes the
    /// APDU.
    #[must_use]
    pub fn parameter(&self) -> Option<Vec<u8>> {
        self.method().map(|method| method.parameter().encode())
    }

    /// Returns the number of the method or attribute.
    #[must_use]
    pub fn member(&self) -> i8 {
        match &self.task {
            Task::Read(attribute) => attribute.number(),
            Task::Activate(_)
            | Task::TransferKeys(_)
            | Task::GenerateKeyPair(_)
            | Task::GenerateRequest(_)
            | Task::ImportOwn(_)
            | Task::ImportAuthority(_)
            | Task::ImportClient(_)
            | Task::Confirm(_)
            | Task::Remove(_) => self.method().map_or(0, |method| method.number()),
        }
    }

    /// Returns the whole request in one APDU, whatever its length.
    #[must_use]
    pub fn apdu(&self) -> Vec<u8> {
        self.request().encode()
    }

    /// Returns the request in as many APDUs as the meter needs it: one, or the blocks of an ACTION, each of which but the last
    /// is answered by action-response-next-pblock.
    #[must_use]
    pub fn apdus(&self) -> Vec<Vec<u8>> {
        match self.request() {
            Apdu::ActionRequest(request) => {
                cut(&request, self.addressee.max_pdu).iter().map(ActionRequest::encode).collect()
            }
            request @ (Apdu::GetRequest(_)
            | Apdu::GetResponse(_)
            | Apdu::ActionResponse(_)
            | Apdu::Exception(_)) => vec![request.encode()],
        }
    }

    fn request(&self) -> Apdu {
        let invoke = self.invoke();
        let at =
            Descriptor { class_id: SECURITY_SETUP, instance: self.addressee.object, number: self.member() };
        match self.method() {
            Some(method) => Apdu::ActionRequest(ActionRequest::Normal {
                invoke,
                method: at,
                parameters: Some(method.parameter()),
            }),
            None => Apdu::GetRequest(GetRequest::Normal { invoke, attribute: at }),
        }
    }

    /// Says in one line what is asked of the meter.
    #[must_use]
    pub fn text(&self) -> String {
        match (&self.task, self.method()) {
            (Task::Read(attribute), _) => attribute_line(*attribute),
            (_, Some(method)) => method_line(&method),
            (_, None) => String::new(),
        }
    }

    /// Returns which answer is awaited.
    #[must_use]
    pub const fn expected(&self) -> Expected {
        match &self.task {
            Task::GenerateRequest(_) => Expected::Request,
            Task::Confirm(_) => Expected::Certificate,
            Task::Read(_) => Expected::Value,
            Task::Activate(_)
            | Task::TransferKeys(_)
            | Task::GenerateKeyPair(_)
            | Task::ImportOwn(_)
            | Task::ImportAuthority(_)
            | Task::ImportClient(_)
            | Task::Remove(_) => Expected::Nothing,
        }
    }
}

//! What goes wrong in a simulated meter, and when.

use ca_core::system_title::SystemTitle;

use crate::apdu::ActionResult;
use crate::security_setup::MeterKey;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The method is refused and nothing is done.
    Refuse(ActionResult),
    /// The request does not reach the meter.
    LoseRequest,
    /// The method is carried out, and its answer does not come back.
    LoseAnswer,
    /// `generate_key_pair` succeeds and makes none.
    KeepOldKey,
    /// The certification request names another device.
    NameInRequest(SystemTitle),
    /// The certification request is for the meter's key of another purpose.
    RequestForKey(MeterKey),
    /// The certification request has a key of the other suite.
    RequestOnOtherCurve,
    /// The certification request's signature is another key's.
    SignWithOtherKey,
    /// r and s are written as unsigned octets, as the most used DLMS library writes them: no fault, a habit to be read.
    UnsignedIntegers,
    /// The certification request is cut off.
    CutRequest,
    /// `import_certificate` succeeds and keeps nothing.
    ForgetImport,
    /// `export_certificate` shows this instead.
    ShowCertificate(Vec<u8>),
}

/// When something goes wrong: once, when this method is called again after so many calls of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFault {
    /// The number of the method.
    pub method: i8,
    /// How many calls of it go well before.
    pub after: u32,
    /// What goes wrong then.
    pub fault: Fault,
}

/// What is still to go wrong.
#[derive(Debug)]
pub(super) struct Plan(Vec<PlannedFault>);

impl Plan {
    pub(super) const fn new(faults: Vec<PlannedFault>) -> Self {
        Self(faults)
    }

    /// Counts a call of a method, and takes the fault that strikes at it.
    pub(super) fn strikes(&mut self, method: i8) -> Option<Fault> {
        let due = self.0.iter().position(|planned| planned.method == method && planned.after == 0);
        let struck = due.map(|at| self.0.remove(at).fault);
        for planned in self.0.iter_mut().filter(|planned| planned.method == method) {
            planned.after = planned.after.saturating_sub(1);
        }
        struck
    }
}

//! The port [`Calls`]: calls of operators that may be repeated.

use ca_core::ports::{Calls, Unavailable};
use ca_core::record::{Call, CallAnswer, CallStanding};

use crate::act::calls;
use crate::engine::Durability;
use crate::store::Store;

const PORT: &str = "call book";

impl Calls for Store {
    fn begin_call(&self, call: Call) -> Result<CallStanding, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| calls::begin(tx, &call))
    }

    fn answer_call(&self, key: [u8; 32], answer: CallAnswer) -> Result<(), Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| calls::answer(tx, &key, &answer))
    }

    fn forget_call(&self, key: [u8; 32]) -> Result<(), Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| calls::forget(tx, &key))
    }
}

//! The port [`TakingOver`]: what another program issued under a key of ours.

use ca_core::audit::AuditEvent;
use ca_core::key_ref::KeyRef;
use ca_core::ports::{TakingOver, Unavailable};
use ca_core::record::{CrlNumberTaken, TakeOverConflict, TakeOverOutcome, TakenOverCertificate};
use ca_core::scope::CrlScope;

use crate::act::taking_over;
use crate::engine::Durability;
use crate::row::CrlHeadRow;
use crate::store::Store;
use crate::transaction::Rows;

const PORT: &str = "taking over";

impl TakingOver for Store {
    fn take_over(
        &self,
        certificates: Vec<TakenOverCertificate>,
    ) -> Result<Vec<Result<TakeOverOutcome, TakeOverConflict>>, Unavailable> {
        self.write(PORT, Durability::Durable, move |tx| {
            certificates.into_iter().map(|certificate| taking_over::take_over(tx, certificate)).collect()
        })
    }

    fn would_take_over(
        &self,
        certificate: &TakenOverCertificate,
    ) -> Result<Result<TakeOverOutcome, TakeOverConflict>, Unavailable> {
        self.read(PORT, |view| taking_over::judge(view, certificate))
    }

    fn last_crl_number(&self, issuer: &KeyRef) -> Result<Option<u64>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<CrlHeadRow>(&(*issuer, CrlScope::All))?.map(|head| head.last)))
    }

    fn take_crl_numbers(
        &self,
        issuer: &KeyRef,
        number: u64,
        event: AuditEvent,
    ) -> Result<Result<(), CrlNumberTaken>, Unavailable> {
        let issuer = *issuer;
        self.write(PORT, Durability::Durable, move |tx| taking_over::take_numbers(tx, &issuer, number, event))
    }
}

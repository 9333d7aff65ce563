//! What a path names, whatever its transport calls things: an operation or none, for a label or none (RFC 9811 §3.4).

use std::net::SocketAddr;
use std::sync::Arc;

use cmp_messages::operation::Operation;
use tokio::sync::OwnedSemaphorePermit;

use crate::config::{CmpConfig, Label};
use crate::exchange::Exchange;
use crate::refusal::TransferRefusal;

/// Where messages are taken.
pub(crate) struct Place {
    label: Option<Arc<Label>>,
    operation: Option<Operation>,
}

impl Place {
    /// Finds a place by the name of a label, and by an operation as RFC 9483 §6.1 calls it over HTTP.
    pub(crate) fn find(
        config: &CmpConfig,
        label: Option<&str>,
        operation: Option<&str>,
    ) -> Result<Self, TransferRefusal> {
        let label = label.map(|name| config.label(name).cloned().ok_or(TransferRefusal::NoSuchPath));
        let operation = operation.map(|segment| Operation::parse(segment).ok_or(TransferRefusal::NoSuchPath));
        Ok(Self { label: label.transpose()?, operation: operation.transpose()? })
    }

    /// Takes room for a body of many messages, where it may be one: few are worked on at once.
    pub(crate) fn room(&self, config: &CmpConfig) -> Result<Option<OwnedSemaphorePermit>, TransferRefusal> {
        let is_for_many = self.operation == Some(Operation::Nested);
        let room = is_for_many.then(|| config.room_for_batch().map_err(|_| TransferRefusal::Crowded));
        room.transpose()
    }

    /// Answers a message on the worker pool, and gives back the room after.
    pub(crate) async fn answer(
        self,
        config: &Arc<CmpConfig>,
        peer: SocketAddr,
        (octets, room): (Vec<u8>, Option<OwnedSemaphorePermit>),
    ) -> Result<Vec<u8>, TransferRefusal> {
        let Self { label, operation } = self;
        let exchange = Exchange { config: Arc::clone(config), label, operation, peer, is_inner: false };
        config
            .workers()
            .run_for(exchange.party(), move || {
                let answer = exchange.answer(&octets);
                drop(room);
                answer
            })
            .await?
    }
}

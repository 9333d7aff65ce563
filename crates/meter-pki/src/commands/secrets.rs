//! `meter-pki secrets`: symmetric keys and passwords of devices, which travel wrapped, are wrapped anew on a token, and are in clear on tokens
//! alone.
//!
//! Each verb loads the vendor's module into this process, which ends with the verb. Not the import of a delivery and not work orders: this makes
//! what those carry.

mod aside;
mod failure;
mod input;
mod key_transfer;
pub(super) mod keys;
mod line;
mod rewrap;
pub(super) mod stream;
pub(super) mod transport;
mod transport_file;

use super::printer::Printer;
use crate::cli::secrets::SecretsCommand;
use crate::exit::Failure;

pub(super) fn run(command: &SecretsCommand, printer: &Printer) -> Result<(), Failure> {
    match command {
        SecretsCommand::Key(args) => keys::make(args, printer),
        SecretsCommand::List(args) => keys::list(args, printer),
        SecretsCommand::Forget(args) => keys::forget(args, printer),
        SecretsCommand::Transport(args) => transport::make(args, printer),
        SecretsCommand::Receive(args) => transport::receive(args, printer),
        SecretsCommand::Rewrap(args) => rewrap::run(args, printer),
        SecretsCommand::KeyTransfer(args) => key_transfer::run(args, printer),
    }
}

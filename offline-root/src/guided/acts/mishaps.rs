//! What goes otherwise than written: told in the transcript, shown, and gone on with only when people say so.

use ceremony::file::act::Act;
use ceremony::transcript::action::Action;

use super::super::error::GuidedError;
use super::Stage;
use crate::explain::Explained;
use crate::refusal::sentence;

impl Stage<'_, '_> {
    /// Shows what went wrong. Nothing is ever tried again by itself: somebody says so, after it was put right.
    /// What was refused for what it is, or went amiss, stands in the transcript before anything else is asked (cases ).
    pub(super) fn put_right(&mut self, act: &Act, error: GuidedError) -> Result<(), GuidedError> {
        if error.is_to_be_told() {
            let (number, kind, said, code) = (act.number, act.kind.name(), sentence(&error), error.code());
            self.table.record(Action::Incident { what: format!("act {number}, {kind}: {said} ({code})") })?;
        }
        if !error.may_be_put_right() {
            return Err(error);
        }
        let (what, code, next) = (sentence(&error), error.code(), error.next());
        self.table.show(&format!("\n  {what} ({code})\n  Next: {next}."))?;
        match self.table.ask("Put it right, then type `again`; `stop` ends the program, `abort` the ceremony")
        {
            Ok(answer) if answer == "again" => Ok(()),
            Err(aborted @ GuidedError::Aborted { .. }) => Err(aborted),
            // Nobody answers: the program ends with what went wrong.
            Ok(_) | Err(_) => Err(error),
        }
    }

    /// Records an incident (case R-11): what was made stays in the ledger of its root, and leaves nowhere.
    pub(super) fn incident(&mut self, what: String) -> GuidedError {
        match self.table.record(Action::Incident { what: what.clone() }) {
            Ok(()) => GuidedError::Incident { what },
            Err(error) => error,
        }
    }
}

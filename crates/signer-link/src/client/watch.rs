//! Whether the signer is there: a thread asks it every second, and several times a second while it is not.

use core::fmt::Display;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::OpenLinkError;
use super::connection::Place;

/// How often a signer that answers is asked.
const UP: Duration = Duration::from_secs(1);

/// How often one that does not.
const DOWN: Duration = Duration::from_millis(200);

/// Whether the signer answers, as of the last time that somebody looked.
#[derive(Debug, Default)]
pub(super) struct Standing {
    why_not: Mutex<Option<String>>,
}

impl Standing {
    /// Says why it does not answer, if so.
    pub(super) fn condition(&self) -> Result<(), String> {
        self.why_not.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    fn set(&self, why_not: Option<String>) {
        let mut standing = self.why_not.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*standing, &why_not) {
            (None, Some(why)) => tracing::error!(%why, "the signer does not answer"),
            (Some(_), None) => tracing::info!("the signer answers again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        *standing = why_not;
    }
}

/// The thread that looks; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    standing: Arc<Standing>,
    look: Sender<()>,
}

impl Watch {
    /// Starts to look after the signer.
    pub(super) fn start(place: Arc<Place>) -> Result<Self, OpenLinkError> {
        let (look, looks) = mpsc::channel();
        let standing = Arc::new(Standing::default());
        let (told, name) = (Arc::clone(&standing), place.name());
        thread::Builder::new()
            .name("signer-watch".into())
            .spawn(move || watch(&place, &told, &looks))
            .map_err(|cause| OpenLinkError::Broken { socket: name, cause })?;
        Ok(Self { standing, look })
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes that the signer does not answer, and has it looked after at once.
    pub(super) fn note_down(&self, why: &impl Display) {
        self.standing.set(Some(why.to_string()));
        if self.look.send(()).is_err() {
            tracing::error!("the thread that looks after the signer is gone");
        }
    }
}

fn watch(place: &Place, standing: &Standing, looks: &Receiver<()>) {
    loop {
        let pause = if standing.condition().is_ok() { UP } else { DOWN };
        match looks.recv_timeout(pause) {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
        }
        // However many have noted it: one look answers all.
        while looks.try_recv().is_ok() {}
        // A connection of its own: that others were opened once says nothing of now.
        standing.set(place.connect().and_then(|new| new.state()).err().map(|why| why.to_string()));
    }
}

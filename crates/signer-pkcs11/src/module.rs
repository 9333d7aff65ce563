//! Token libraries, loaded and initialised once per process and path.
//!
//! PKCS#11 v3.1 §5.4: a process calls `C_Initialize` once; a second caller is told so. `C_Finalize` ends the sessions of every
//! signer in the process. It is called for one purpose: a module that has lost what it talks to, such as the client of a
//! network HSM or of a simulator that was started anew, often connects once and never again. It begins anew when nobody has a
//! session and nobody is in a call; otherwise it stays until the process ends.

use core::ops::Deref;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;

use crate::call::CallFailed;
use crate::gate::{Gate, Inside};

static LOADED: Mutex<Vec<(PathBuf, Module)>> = Mutex::new(Vec::new());

/// A module that was begun.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    functions: Pkcs11,
    gate: Arc<Gate>,
}

impl Module {
    /// Returns the gate that everyone in this process goes through.
    pub(crate) const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Ends the module and begins it anew, if nobody else is in it. Tells whether it did.
    pub(crate) fn begin_anew(&self, inside: &Inside) -> Result<bool, CallFailed> {
        let begun = inside.alone(|| {
            // A module that ended, or never began, says so here, and begins all the same.
            if let Err(cause) = self.functions.clone().finalize().map_err(CallFailed::from) {
                tracing::debug!(%cause, "the module did not end as it should");
            }
            initialize(&self.functions)
        });
        begun.transpose().map(|begun| begun.is_some())
    }
}

impl Deref for Module {
    type Target = Pkcs11;

    fn deref(&self) -> &Pkcs11 {
        &self.functions
    }
}

fn initialize(functions: &Pkcs11) -> Result<(), CallFailed> {
    match functions
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .map_err(CallFailed::from)
    {
        Err(cause) if cause.is(RvError::CryptokiAlreadyInitialized) => Ok(()),
        answered => answered,
    }
}

/// Returns the module at a path, loading and initialising it if this process has not done so yet.
pub(crate) fn load(path: &Path) -> Result<Module, LoadModuleError> {
    let path =
        fs::canonicalize(path).map_err(|cause| LoadModuleError::Absent { path: path.to_owned(), cause })?;
    // Held while the module is initialised, so that no one uses it half ready.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, module)) = loaded.iter().find(|(known, _)| *known == path) {
        return Ok(module.clone());
    }
    let refused = |cause: CallFailed| LoadModuleError::Refused { path: path.clone(), cause };
    let functions = Pkcs11::new(&path).map_err(|cause| refused(cause.into()))?;
    initialize(&functions).map_err(refused)?;
    let module = Module { functions, gate: Arc::default() };
    loaded.push((path, module.clone()));
    Ok(module)
}

/// Why a token library cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadModuleError {
    /// There is no such file, or it may not be read.
    #[error("the PKCS#11 module {path} cannot be found: {cause}", path = path.display())]
    Absent {
        /// The path asked for.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// It is not a PKCS#11 module, or does not want to start.
    #[error("the PKCS#11 module {path} cannot be used: {cause}", path = path.display())]
    Refused {
        /// The module.
        path: PathBuf,
        /// What it says.
        #[source]
        cause: CallFailed,
    },
}

//! Token libraries, loaded and initialised once per process and path.
//!
//! PKCS#11 v3.1 §5.4: a process calls `C_Initialize` once; a second caller is told so. `C_Finalize` is never called: it would
//! end the sessions of every other signer in the process, so a module stays until the process ends.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;

use crate::call::CallFailed;

static LOADED: Mutex<Vec<(PathBuf, Pkcs11)>> = Mutex::new(Vec::new());

/// Returns the module at a path, loading and initialising it if this process has not done so yet.
pub(crate) fn load(path: &Path) -> Result<Pkcs11, LoadModuleError> {
    let path =
        fs::canonicalize(path).map_err(|cause| LoadModuleError::Absent { path: path.to_owned(), cause })?;
    // Held while the module is initialised, so that no one uses it half ready.
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, module)) = loaded.iter().find(|(known, _)| *known == path) {
        return Ok(module.clone());
    }
    let refused = |cause: CallFailed| LoadModuleError::Refused { path: path.clone(), cause };
    let module = Pkcs11::new(&path).map_err(|cause| refused(cause.into()))?;
    let answer =
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).map_err(CallFailed::from);
    match answer {
        Err(cause) if !cause.is(RvError::CryptokiAlreadyInitialized) => return Err(refused(cause)),
        Ok(()) | Err(_) => loaded.push((path, module.clone())),
    }
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

//! The real module: loaded once, never let go.

use std::sync::{OnceLock, RwLock};

use cryptoki_sys::{
    CK_C_GetFunctionList, CK_FUNCTION_LIST, CK_RV, CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR,
};
use libloading::Library;

/// The functions of the real module.
static REAL: OnceLock<CK_FUNCTION_LIST> = OnceLock::new();

/// Loads the real module, or gives the answer of a call that could not be made.
pub(crate) fn load() -> Result<&'static CK_FUNCTION_LIST, CK_RV> {
    if let Some(real) = REAL.get() {
        return Ok(real);
    }
    let path = std::env::var_os(crate::MODULE).ok_or(CKR_GENERAL_ERROR)?;
    // SAFETY: the test names a PKCS#11 module, whose initialisers are as sound as that of any token's maker.
    let library = unsafe { Library::new(path) }.map_err(|_| CKR_GENERAL_ERROR)?;
    // Loaded for as long as the process lives.
    let library: &'static Library = Box::leak(Box::new(library));
    let mut list = std::ptr::null_mut();
    // SAFETY: PKCS#11 gives this symbol this type.
    let answer = unsafe {
        let symbol =
            library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0").map_err(|_| CKR_GENERAL_ERROR)?;
        (*symbol).ok_or(CKR_GENERAL_ERROR)?(&raw mut list)
    };
    if answer != 0 || list.is_null() {
        return Err(CKR_GENERAL_ERROR);
    }
    // SAFETY: the module answered CKR_OK, so this is its list, which stays where it is.
    Ok(REAL.get_or_init(|| unsafe { *list }))
}

/// The functions of the real module, which was loaded before any function here could be called.
pub(crate) fn real() -> &'static CK_FUNCTION_LIST {
    REAL.get().expect("C_GetFunctionList comes before every call")
}

/// Held while the real module is called: shared, but alone by what takes sessions away from under the others. SoftHSM2 does
/// not survive that in the middle of a call, and tokens that do are what is played here.
pub(crate) static IN_CALL: RwLock<()> = RwLock::new(());

/// Calls a function of the real module, if it has it.
macro_rules! call_real {
    ($name:ident($($argument:expr),*)) => {{
        let _shared = $crate::real::IN_CALL.read();
        $crate::real::call_held!($name($($argument),*))
    }};
}
pub(crate) use call_real;

/// The same, by whoever holds the lock.
macro_rules! call_held {
    ($name:ident($($argument:expr),*)) => {
        match $crate::real::real().$name {
            // SAFETY: the arguments are those that the caller of this module gave for the same function.
            Some(function) => unsafe { function($($argument),*) },
            None => $crate::real::MISSING,
        }
    };
}
pub(crate) use call_held;

/// What a function answers that the real module does not have.
pub(crate) const MISSING: CK_RV = CKR_FUNCTION_NOT_SUPPORTED;

//! Doing what the plan says around a call of the real module.

use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_C_INITIALIZE_ARGS, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CKA_CLASS,
    CKF_OS_LOCKING_OK, CKO_PRIVATE_KEY, CKR_DEVICE_REMOVED,
};

use crate::calls::{called, is_gone, is_planned, with_calls};
use crate::plan::Deed;
use crate::real::{IN_CALL, call_held, call_real};

/// Makes a call of the real module as the plan says.
pub(crate) fn act(function: &'static str, call: impl FnOnce() -> CK_RV) -> CK_RV {
    let Some((deed, count)) = called(function) else { return call() };
    match deed {
        Deed::Answer(answer) => answer,
        Deed::AnswerAfter(answer) => {
            let _done_all_the_same = call();
            answer
        }
        Deed::Hang => {
            hang(function, count, deed);
            call()
        }
        Deed::HangAfter => {
            let answer = call();
            hang(function, count, deed);
            answer
        }
        Deed::Abort => std::process::abort(),
        Deed::Restart => {
            restart();
            call()
        }
        Deed::Late(microseconds) => {
            let (_kept, never) = mpsc::channel::<()>();
            let _time_is_over = never.recv_timeout(Duration::from_micros(microseconds));
            call()
        }
        // These are done where the arguments are.
        Deed::Flip | Deed::OtherKey | Deed::Logout => call(),
    }
}

/// The same of a function that works in a session.
pub(crate) fn act_in(
    function: &'static str,
    session: CK_SESSION_HANDLE,
    call: impl FnOnce() -> CK_RV,
) -> CK_RV {
    let slot = with_calls(|calls| calls.sessions.get(&session).copied());
    let gone = with_calls(|calls| calls.plan.gone.is_some());
    // A session that is not known any more was of the token that is pulled out.
    if gone && slot.is_none_or(is_gone) {
        let _counted = called(function);
        return CKR_DEVICE_REMOVED;
    }
    act(function, call)
}

/// Waits until the plan is another one.
fn hang(function: &'static str, count: u64, deed: Deed) {
    let plan = with_calls(|calls| calls.plan.clone());
    while is_planned(function, count, deed, &plan) {
        thread::park_timeout(Duration::from_millis(2));
    }
}

fn restart() {
    let mut how = CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: CKF_OS_LOCKING_OK,
        pReserved: ptr::null_mut(),
    };
    with_calls(|calls| calls.sessions.clear());
    let _alone = IN_CALL.write();
    let _ended = call_held!(C_Finalize(ptr::null_mut()));
    let _begun = call_held!(C_Initialize((&raw mut how).cast()));
}

/// Finds a private key of the token that is not this one; this one if there is no other.
pub(crate) fn another_key(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> CK_OBJECT_HANDLE {
    let mut class = CKO_PRIVATE_KEY;
    let mut wanted = CK_ATTRIBUTE {
        type_: CKA_CLASS,
        pValue: (&raw mut class).cast(),
        ulValueLen: size_of_val(&class).try_into().unwrap_or_default(),
    };
    let (mut found, mut count) = ([0; 16], 0);
    let _ = call_real!(C_FindObjectsInit(session, &raw mut wanted, 1));
    let _ = call_real!(C_FindObjects(session, found.as_mut_ptr(), 16, &raw mut count));
    let _ = call_real!(C_FindObjectsFinal(session));
    let count = usize::try_from(count).unwrap_or_default();
    found.into_iter().take(count).find(|other| *other != key).unwrap_or(key)
}

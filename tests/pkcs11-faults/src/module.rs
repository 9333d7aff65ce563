//! The functions of the module: a copy of the real list, with our own where something can go wrong.

use std::ffi::c_void;
use std::sync::OnceLock;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BBOOL, CK_FLAGS, CK_FUNCTION_LIST, CK_INFO, CK_MECHANISM, CK_MECHANISM_INFO,
    CK_MECHANISM_TYPE, CK_NOTIFY, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_SESSION_INFO, CK_SLOT_ID,
    CK_SLOT_INFO, CK_TOKEN_INFO, CK_ULONG, CK_USER_TYPE, CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL,
    CKR_SESSION_COUNT, CKR_TOKEN_NOT_PRESENT,
};

use crate::calls::{is_gone, with_calls};
use crate::deeds::{act, act_in, another_key};
use crate::plan::Deed;
use crate::real::{self, call_real};

static OURS: OnceLock<SharedList> = OnceLock::new();

/// The list that callers get.
struct SharedList(CK_FUNCTION_LIST);

/// Hands out the functions of this module.
///
/// # Safety
/// As PKCS#11 says: `list` is null or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    let real = match real::load() {
        Ok(real) => real,
        Err(answer) => return answer,
    };
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    let ours = OURS.get_or_init(|| SharedList(with_ours(*real)));
    // SAFETY: it is not null, and callers only read what they get.
    unsafe { *list = (&raw const ours.0).cast_mut() };
    0
}

fn with_ours(mut list: CK_FUNCTION_LIST) -> CK_FUNCTION_LIST {
    install_plain(&mut list);
    install_in_sessions(&mut list);
    list.C_GetFunctionList = Some(C_GetFunctionList);
    list.C_Finalize = Some(C_Finalize);
    list.C_GetSlotList = Some(C_GetSlotList);
    list.C_GetSlotInfo = Some(C_GetSlotInfo);
    list.C_GetTokenInfo = Some(C_GetTokenInfo);
    list.C_GetMechanismList = Some(C_GetMechanismList);
    list.C_GetMechanismInfo = Some(C_GetMechanismInfo);
    list.C_OpenSession = Some(C_OpenSession);
    list.C_CloseSession = Some(C_CloseSession);
    list.C_SignInit = Some(C_SignInit);
    list.C_Sign = Some(C_Sign);
    list
}

/// Functions that only pass through.
macro_rules! pass {
    ($install:ident, $act:ident: $($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
            pass!(@call $act, $name, ($($argument),*))
        })*

        fn $install(list: &mut CK_FUNCTION_LIST) {
            $(list.$name = Some($name);)*
        }
    };
    (@call act, $name:ident, ($($argument:ident),*)) => {
        act(stringify!($name), || call_real!($name($($argument),*)))
    };
    (@call act_in, $name:ident, ($session:ident $(, $argument:ident)*)) => {
        act_in(stringify!($name), $session, || call_real!($name($session $(, $argument)*)))
    };
}

pass! { install_plain, act:
    C_Initialize(how: *mut c_void);
    C_GetInfo(info: *mut CK_INFO);
}

pass! { install_in_sessions, act_in:
    C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO);
    C_Login(session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut u8, length: CK_ULONG);
    C_Logout(session: CK_SESSION_HANDLE);
    C_FindObjectsInit(session: CK_SESSION_HANDLE, wanted: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_FindObjects(session: CK_SESSION_HANDLE, found: *mut CK_OBJECT_HANDLE, most: CK_ULONG, count: *mut CK_ULONG);
    C_FindObjectsFinal(session: CK_SESSION_HANDLE);
    C_GetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, values: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_SetAttributeValue(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, values: *mut CK_ATTRIBUTE, count: CK_ULONG);
    C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE);
    C_GenerateKeyPair(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, public: *mut CK_ATTRIBUTE,
        public_count: CK_ULONG, private: *mut CK_ATTRIBUTE, private_count: CK_ULONG, public_key: *mut CK_OBJECT_HANDLE,
        private_key: *mut CK_OBJECT_HANDLE);
}

unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    act("C_Finalize", || {
        with_calls(|calls| calls.sessions.clear());
        call_real!(C_Finalize(reserved))
    })
}

/// What is added to each number of a slot.
fn shift() -> u64 {
    with_calls(|calls| calls.plan.shift)
}

/// Makes a call about a slot by its number of the moment.
fn act_on_slot(function: &'static str, slot: CK_SLOT_ID, call: impl FnOnce(CK_SLOT_ID) -> CK_RV) -> CK_RV {
    let slot = slot.wrapping_sub(shift());
    act(function, || if is_gone(slot) { CKR_TOKEN_NOT_PRESENT } else { call(slot) })
}

unsafe extern "C" fn C_GetSlotList(present: CK_BBOOL, slots: *mut CK_SLOT_ID, count: *mut CK_ULONG) -> CK_RV {
    act("C_GetSlotList", || {
        let mut there = [0; 64];
        let mut number: CK_ULONG = 64;
        let answer = call_real!(C_GetSlotList(present, there.as_mut_ptr(), &raw mut number));
        if answer != 0 {
            return answer;
        }
        let number = usize::try_from(number).unwrap_or_default();
        let shown: Vec<CK_SLOT_ID> =
            there.into_iter().take(number).filter(|slot| present == 0 || !is_gone(*slot)).collect();
        // SAFETY: the caller says by `count` how many fit into `slots`, unless that is null.
        unsafe {
            let room = usize::try_from(*count).unwrap_or_default();
            *count = CK_ULONG::try_from(shown.len()).unwrap_or_default();
            if slots.is_null() {
                return 0;
            }
            if room < shown.len() {
                return CKR_BUFFER_TOO_SMALL;
            }
            for (at, slot) in shown.iter().enumerate() {
                *slots.add(at) = slot.wrapping_add(shift());
            }
        }
        0
    })
}

unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    let slot = slot.wrapping_sub(shift());
    act("C_GetSlotInfo", || call_real!(C_GetSlotInfo(slot, info)))
}

unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    act_on_slot("C_GetTokenInfo", slot, |slot| call_real!(C_GetTokenInfo(slot, info)))
}

unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    act_on_slot("C_GetMechanismList", slot, |slot| call_real!(C_GetMechanismList(slot, list, count)))
}

unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    act_on_slot("C_GetMechanismInfo", slot, |slot| call_real!(C_GetMechanismInfo(slot, mechanism, info)))
}

unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: *mut c_void,
    notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    act_on_slot("C_OpenSession", slot, |slot| {
        let full =
            |most| with_calls(|calls| u64::try_from(calls.sessions.len()).is_ok_and(|open| open >= most));
        if with_calls(|calls| calls.plan.sessions).is_some_and(full) {
            return CKR_SESSION_COUNT;
        }
        let answer = call_real!(C_OpenSession(slot, flags, application, notify, session));
        if answer == 0 {
            // SAFETY: the real module wrote the session there.
            let opened = unsafe { *session };
            with_calls(|calls| calls.sessions.insert(opened, slot));
        }
        answer
    })
}

unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    act_in("C_CloseSession", session, || {
        with_calls(|calls| calls.sessions.remove(&session));
        call_real!(C_CloseSession(session))
    })
}

unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    let deed = with_calls(|calls| calls.next("C_SignInit"));
    act_in("C_SignInit", session, || {
        if deed == Some(Deed::Logout) {
            let _every_login_ends = call_real!(C_Logout(session));
        }
        let key = if deed == Some(Deed::OtherKey) { another_key(session, key) } else { key };
        call_real!(C_SignInit(session, mechanism, key))
    })
}

unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut u8,
    length: CK_ULONG,
    signature: *mut u8,
    signature_length: *mut CK_ULONG,
) -> CK_RV {
    let sign = || call_real!(C_Sign(session, data, length, signature, signature_length));
    // Who asks for the length only does not sign.
    if signature.is_null() {
        return sign();
    }
    let deed = with_calls(|calls| calls.next("C_Sign"));
    act_in("C_Sign", session, || {
        let answer = sign();
        if answer == 0 && deed == Some(Deed::Flip) {
            // SAFETY: the real module has written so many octets there.
            unsafe { *signature.add(usize::try_from(*signature_length).unwrap_or(1) - 1) ^= 1 };
        }
        answer
    })
}

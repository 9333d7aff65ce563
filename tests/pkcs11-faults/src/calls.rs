//! The plan in force: read anew at each call, with a count of calls since it was made.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID, CK_TOKEN_INFO};

use crate::plan::{Deed, Plan, written_calls};
use crate::real::{IN_CALL, call_held, call_real};

/// What is known of the calls until now.
#[derive(Default)]
pub(crate) struct Calls {
    text: String,
    pub(crate) plan: Plan,
    counts: BTreeMap<&'static str, u64>,
    /// The real slot of each open session.
    pub(crate) sessions: BTreeMap<CK_SESSION_HANDLE, CK_SLOT_ID>,
}

static CALLS: Mutex<Option<Calls>> = Mutex::new(None);

/// Does something with the plan of the moment.
pub(crate) fn with_calls<T>(look: impl FnOnce(&mut Calls) -> T) -> T {
    let mut calls: MutexGuard<'_, Option<Calls>> = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    let calls = calls.get_or_insert_with(Calls::default);
    calls.read_plan();
    look(calls)
}

/// Writes a call down and tells what it does instead of what it should.
pub(crate) fn called(function: &'static str) -> Option<(Deed, u64)> {
    with_calls(|calls| {
        let count = calls.counts.entry(function).or_default();
        *count += 1;
        let count = *count;
        if let Ok(mut file) = OpenOptions::new().append(true).create(true).open(written_calls(&plan_file())) {
            // A call that cannot be written down is missed by the test that counts it.
            drop(writeln!(file, "{function}"));
        }
        calls.plan.deed(function, count).map(|deed| (deed, count))
    })
}

/// Tells whether the plan still has this deed for this call.
pub(crate) fn is_planned(function: &'static str, count: u64, deed: Deed, plan: &Plan) -> bool {
    with_calls(|calls| calls.plan == *plan && calls.plan.deed(function, count) == Some(deed))
}

/// Tells whether the token in a slot of the real module is pulled out.
pub(crate) fn is_gone(slot: CK_SLOT_ID) -> bool {
    let gone = with_calls(|calls| calls.plan.gone.clone());
    gone.is_some_and(|label| label_of(slot) == Some(label))
}

fn label_of(slot: CK_SLOT_ID) -> Option<String> {
    // SAFETY: the structure is one of integers and octets, for which zeros are values.
    let mut token: CK_TOKEN_INFO = unsafe { std::mem::zeroed() };
    (call_real!(C_GetTokenInfo(slot, &raw mut token)) == 0)
        .then(|| String::from_utf8_lossy(&token.label).trim_end().to_owned())
}

fn plan_file() -> PathBuf {
    PathBuf::from(std::env::var_os(crate::PLAN).unwrap_or_default())
}

impl Calls {
    /// What the next call of a function does instead of what it should.
    pub(crate) fn next(&self, function: &str) -> Option<Deed> {
        self.plan.deed(function, self.counts.get(function).copied().unwrap_or_default() + 1)
    }

    fn read_plan(&mut self) {
        let Ok(text) = fs::read_to_string(plan_file()) else { return };
        if text == self.text {
            return;
        }
        self.plan = Plan::parse(&text);
        self.text = text;
        self.counts.clear();
        // What is pulled out forgets its sessions, whether or not anybody calls meanwhile.
        if let Some(gone) = &self.plan.gone {
            let slots: Vec<_> = self
                .sessions
                .values()
                .copied()
                .filter(|slot| label_of(*slot).as_ref() == Some(gone))
                .collect();
            let _alone = IN_CALL.write();
            for slot in &slots {
                let _void_by_now = call_held!(C_CloseAllSessions(*slot));
            }
            self.sessions.retain(|_, slot| !slots.contains(slot));
        }
    }
}

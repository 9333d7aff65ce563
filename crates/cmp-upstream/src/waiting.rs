//! Conversations about requests that wait for people, so that a device which asks again goes on with the one it began.
//!
//! In memory, and only so many: what is not kept here the authority knows, which recognises the request in another transaction.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cmp_client::Conversation;

/// The most that are kept.
const CAPACITY: usize = 4_096;

/// What is asked, by whom and for which key, in words: bound to another connection (RFC 7030 §3.5) it is the same.
pub(crate) type Asked = String;

#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<HashMap<Asked, Conversation>>);

impl Waiting {
    pub(crate) fn take(&self, asked: &Asked) -> Option<Conversation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(asked)
    }

    pub(crate) fn keep(&self, asked: Asked, conversation: Conversation) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < CAPACITY {
            drop(all.insert(asked, conversation));
        }
    }
}

//! Calls that may be repeated: remembered over a reopening, told apart by what was asked, and gone when their time is over.

use ca_core::ports::Calls;
use ca_core::record::{Call, CallAnswer, CallStanding};

use super::ground::{Ground, NOW};
use crate::Store;
use crate::keyspace::Keyspace;

/// A call with this key, which asks for this, `after` seconds.
fn call(key: u8, digest: u8, after: i64) -> Call {
    let at = NOW.plus_seconds(after);
    Call { key: [key; 32], digest: [digest; 32], at, until: at.plus_seconds(60) }
}

fn begun(store: &Store, call: &Call) -> CallStanding {
    store.begin_call(call.clone()).unwrap()
}

fn answered(octets: usize) -> CallAnswer {
    CallAnswer { status: 200, body: Some((0..=250).cycle().take(octets).collect()) }
}

fn a_call_is_answered_once_and_its_answer_is_the_same_over_a_reopening(ground: &Ground) {
    // Shorter than a part, as long as two, and longer.
    for (key, octets) in [(1, 0), (2, 100), (3, 8_192), (4, 9_001)] {
        let (one, answer) = (call(key, 7, 0), answered(octets));
        {
            let store = ground.open();
            assert_eq!(begun(&store, &one), CallStanding::New);
            assert_eq!(begun(&store, &call(key, 7, 1)), CallStanding::Begun(NOW));
            assert_eq!(begun(&store, &call(key, 8, 1)), CallStanding::Other);
            store.answer_call(one.key, answer.clone()).unwrap();
            // What is answered is answered.
            store.answer_call(one.key, answered(1)).unwrap();
        }
        let store = ground.open();
        assert_eq!(begun(&store, &call(key, 7, 60)), CallStanding::Answered(answer));
        assert_eq!(begun(&store, &call(key, 8, 60)), CallStanding::Other);
    }
}

fn an_answer_whose_octets_are_not_kept_is_known_as_answered(ground: &Ground) {
    let (store, one) = (ground.open(), call(1, 7, 0));
    assert_eq!(begun(&store, &one), CallStanding::New);
    let answer = CallAnswer { status: 201, body: None };
    store.answer_call(one.key, answer.clone()).unwrap();
    assert_eq!(begun(&store, &one), CallStanding::Answered(answer));
}

fn a_call_of_which_nothing_was_done_begins_anew(ground: &Ground) {
    let (store, one) = (ground.open(), call(1, 7, 0));
    assert_eq!(begun(&store, &one), CallStanding::New);
    store.forget_call(one.key).unwrap();
    assert_eq!(begun(&store, &call(1, 8, 0)), CallStanding::New);
    store.forget_call([9; 32]).unwrap();
}

fn what_is_over_leaves_nothing_behind(ground: &Ground) {
    let store = ground.open();
    for key in 0..20 {
        assert_eq!(begun(&store, &call(key, 7, 0)), CallStanding::New);
        store.answer_call([key; 32], answered(5_000)).unwrap();
    }
    // Its own key at once, and the others a few at a time.
    for (after, key) in [(61, 0), (62, 30), (200, 31)] {
        assert_eq!(begun(&store, &call(key, 8, after)), CallStanding::New);
    }
    let view = store.engine().view().unwrap();
    let places = [(Keyspace::Calls, 1), (Keyspace::CallEnds, 1), (Keyspace::CallOctets, 0)];
    for (keyspace, left) in places {
        let rows = view.rows_after(keyspace, &[], &[], 1_000).unwrap();
        assert_eq!(rows.len(), left, "{}", keyspace.name());
    }
}

super::on_every_engine!(
    a_call_is_answered_once_and_its_answer_is_the_same_over_a_reopening,
    an_answer_whose_octets_are_not_kept_is_known_as_answered,
    a_call_of_which_nothing_was_done_begins_anew,
    what_is_over_leaves_nothing_behind,
);

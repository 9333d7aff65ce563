//! Who may do what: kept over a reopening, one credential one person's, back from a log; and what four eyes are worth when one of
//! the two has two credentials, or no role any more.

use ca_core::audit::Act;
use ca_core::people::{
    Caller, Credential, EmergencyAct, EmergencyChange, EmergencyConflict, Permission, Person, PersonAct,
    PersonChange, PersonConflict, PersonId, Reach, Role, may,
};
use ca_core::ports::{Orders, People, TrustBlocks};
use ca_core::record::{
    BlockedKey, DecisionConflict, Mark, OrderAct, OrderConflict, OrderDecision, OrderStanding,
    RevocationOrder, Standing, Unblock, UnblockConflict, Unblocked, Verdict,
};
use ca_core::validity::UnixTime;

use super::backup::{copied, replayed};
use super::ground::{Ground, LedgerTold, LedgerWords, NOW, event, issuer, tenant};
use super::orders::{planned, request};
use super::waiting::{approve, asking, decide, kept, waits};
use crate::Store;

fn who(name: &str) -> PersonId {
    PersonId::parse(name).unwrap()
}

fn change(store: &Store, name: &str, act: PersonAct) -> Result<Person, PersonConflict> {
    let permit = may(&Caller::User(0), Permission::ChangePeople, None, NOW).unwrap();
    let change = PersonChange::new(&permit, (who(name), act), &tenant("dso"), NOW).unwrap();
    store.record_person_change(change).unwrap()
}

fn grant(role: Role) -> PersonAct {
    PersonAct::Grant { role, reach: Reach::Everything, until: None }
}

fn withdraw(role: Role) -> PersonAct {
    PersonAct::Withdraw { role, reach: Reach::Everything }
}

fn known_by(user: u32) -> PersonAct {
    PersonAct::AddCredential(Credential::User(user))
}

/// Puts somebody on record with a role, as a user of this machine.
fn add(store: &Store, name: &str, role: Role, user: u32) {
    change(store, name, PersonAct::Add { name: name.to_uppercase() }).unwrap();
    change(store, name, grant(role)).unwrap();
    change(store, name, known_by(user)).unwrap();
}

fn mark(name: &str) -> Mark {
    Mark { by: format!("operator:{name}"), at: NOW }
}

fn count(store: &Store, act: Act) -> usize {
    store.acts().iter().filter(|one| **one == act).count()
}

fn a_person_is_kept_over_a_reopening_and_each_change_has_one_record(ground: &Ground) {
    let store = ground.open();
    add(&store, "ada", Role::RaOfficer, 1001);
    change(&store, "ada", PersonAct::AddCredential(Credential::Certificate([7; 32]))).unwrap();
    let exclusive = PersonConflict::Exclusive { role: Role::Auditor, held: Role::RaOfficer };
    assert_eq!(change(&store, "ada", grant(Role::Auditor)), Err(exclusive));
    assert_eq!(change(&store, "bob", grant(Role::Auditor)), Err(PersonConflict::Unknown));
    drop(store);
    let store = ground.open();
    let ada = store.person(&who("ada")).unwrap().unwrap();
    assert_eq!((ada.name.as_str(), ada.grants.len(), ada.credentials.len()), ("ADA", 1, 2));
    for credential in [Credential::User(1001), Credential::Certificate([7; 32])] {
        assert_eq!(store.person_by(&credential).unwrap(), Some(ada.clone()));
    }
    assert_eq!(store.person_by(&Credential::User(1002)).unwrap(), None);
    let acts = [Act::PersonAdded, Act::RoleGranted, Act::CredentialAdded].map(|act| count(&store, act));
    assert_eq!(acts, [1, 1, 2], "what was refused left nothing");
    assert_eq!(store.people().unwrap(), [ada]);
}

fn m_02_a_credential_is_never_another_persons_though_it_was_taken_away(ground: &Ground) {
    let store = ground.open();
    add(&store, "ada", Role::Approver, 1001);
    add(&store, "bob", Role::Approver, 1002);
    let taken = Err(PersonConflict::Taken { by: who("ada") });
    assert_eq!(change(&store, "bob", known_by(1001)), taken);
    change(&store, "ada", PersonAct::RemoveCredential(Credential::User(1001))).unwrap();
    assert_eq!(change(&store, "bob", known_by(1001)), taken);
    let known = store.person_by(&Credential::User(1001)).unwrap();
    let caller = Caller::with(Credential::User(1001), known, true);
    assert!(matches!(caller, Caller::Stranger(_)), "{caller:?}");
    change(&store, "ada", known_by(1001)).unwrap();
    change(&store, "ada", PersonAct::Remove).unwrap();
    assert_eq!(change(&store, "bob", known_by(1001)), taken);
}

fn m_02_two_credentials_of_one_person_count_once(ground: &Ground) {
    let store = ground.open();
    // He approves as a user whom only the configuration knows, and again as the person who this user is.
    waits(&store, asking(1, 7));
    assert_eq!(approve(&store, 7, "uid-1001"), Ok(Standing::Waiting));
    add(&store, "ada", Role::Approver, 1001);
    assert_eq!(approve(&store, 7, "ada"), Err(DecisionConflict::SameOperator));
    assert_eq!(approve(&store, 7, "bob"), Ok(Standing::Approved));

    let order = planned(&store);
    store.plan_order(RevocationOrder { needed: 1, ..order }).unwrap();
    request(&store, "uid-1002").unwrap();
    add(&store, "kim", Role::CaOperations, 1002);
    let approve = |name: &str| {
        let (mark, act) = (mark(name), OrderAct::Decide(Verdict::Approve));
        let event = event(Act::OrderApproved);
        store.record_order_act(OrderDecision { digest: [7; 32], mark, act, event }).unwrap()
    };
    assert_eq!(approve("kim"), Err(OrderConflict::OwnOrder));
    assert_eq!(approve("bob").map(|order| order.standing(NOW)), Ok(OrderStanding::Running));

    let blocked =
        BlockedKey { key: issuer(1), blocked: mark("bob"), why: "lost".to_owned(), unblock_asked: None };
    store.block(blocked, event(Act::TrustBlocked)).unwrap();
    let unblock = |name: &str| {
        let (asked, done) = (event(Act::UnblockRequested), event(Act::TrustUnblocked));
        store.unblock(&issuer(1), Unblock { mark: mark(name), two_people: true, asked, done }).unwrap()
    };
    assert_eq!(unblock("uid-1002"), Ok(Unblocked::Asked));
    assert_eq!(unblock("kim"), Err(UnblockConflict::SameOperator));
    assert_eq!(unblock("ada"), Ok(Unblocked::Done));
}

fn m_03_an_approval_is_void_once_its_giver_may_not_approve_any_more(ground: &Ground) {
    let store = ground.open();
    add(&store, "ada", Role::Approver, 1001);
    add(&store, "bob", Role::RaOfficer, 1002);
    waits(&store, asking(1, 7));
    assert_eq!(approve(&store, 7, "ada"), Ok(Standing::Waiting));
    assert_eq!(approve(&store, 7, "bob"), Ok(Standing::Approved));
    change(&store, "ada", withdraw(Role::Approver)).unwrap();
    // Nothing is issued: the request waits as before, for one other.
    waits(&store, asking(2, 7));
    assert_eq!(count(&store, Act::ApprovalVoided), 1);
    let left: Vec<String> = kept(&store, 7).unwrap().approvals.into_iter().map(|mark| mark.by).collect();
    assert_eq!(left, ["operator:bob"]);
    // Who was removed is gone also where another decides before the requester comes.
    change(&store, "bob", PersonAct::Remove).unwrap();
    add(&store, "kim", Role::Approver, 1003);
    assert_eq!(decide(&store, 7, "kim", Verdict::Approve), Ok(Standing::Waiting));
    assert_eq!(count(&store, Act::ApprovalVoided), 2);
    add(&store, "lee", Role::Approver, 1004);
    assert_eq!(approve(&store, 7, "lee"), Ok(Standing::Approved));
    store.record(asking(3, 7)).unwrap();
}

/// What somebody on record, or a user of this machine, says of a person's emergency.
fn said(
    store: &Store,
    (of, by): (&str, Caller),
    act: EmergencyAct,
    now: UnixTime,
) -> Result<Person, EmergencyConflict> {
    let needs = match act {
        EmergencyAct::Review { .. } => Permission::ReviewEmergencies,
        EmergencyAct::Ask { .. } | EmergencyAct::Agree | EmergencyAct::End => Permission::BreakGlass,
    };
    let permit = may(&by, needs, None, now).unwrap();
    let change = EmergencyChange::new(&permit, (who(of), act), &tenant("dso"), now).unwrap();
    store.record_emergency_change(change).unwrap()
}

fn on_record(store: &Store, name: &str) -> Caller {
    Caller::Person(Box::new(store.person(&who(name)).unwrap().unwrap()))
}

fn fire(role: Role) -> EmergencyAct {
    EmergencyAct::Ask { role, reason: "fire".to_owned(), seconds: 60 }
}

/// Kim has a role in an emergency until a minute after now.
fn break_glass(store: &Store, role: Role) {
    add(store, "kim", Role::RaOfficer, 1005);
    add(store, "lee", Role::Administrator, 1006);
    said(store, ("kim", on_record(store, "kim")), fire(role), NOW).unwrap();
    said(store, ("kim", on_record(store, "lee")), EmergencyAct::Agree, NOW).unwrap();
}

fn m_03_m_09_what_was_approved_in_an_emergency_is_void_when_that_is_over(ground: &Ground) {
    let store = ground.open();
    break_glass(&store, Role::CaOperations);
    // The emergency's role gives approvals as any other does; a minute later nobody may count on it.
    for (later, counts) in [(60, true), (61, false)] {
        let now = NOW.plus_seconds(later);
        let still = may(&on_record(&store, "kim"), Permission::Approve, None, now);
        assert_eq!(still.is_ok(), counts, "{later}");
    }
    // A request that somebody approved with a role that was over before the requester came waits again.
    waits(&store, asking(1, 7));
    change(&store, "kim", withdraw(Role::RaOfficer)).unwrap();
    assert_eq!(approve(&store, 7, "kim"), Ok(Standing::Waiting));
    add(&store, "bob", Role::Approver, 1002);
    assert_eq!(approve(&store, 7, "bob"), Ok(Standing::Approved));
    said(&store, ("kim", on_record(&store, "lee")), EmergencyAct::End, NOW).unwrap();
    waits(&store, asking(2, 7));
    assert_eq!(count(&store, Act::ApprovalVoided), 1);
}

fn m_09_an_emergency_is_kept_and_who_agreed_does_not_review_it_by_another_credential(ground: &Ground) {
    let store = ground.open();
    add(&store, "ada", Role::Administrator, 1001);
    let asked = said(&store, ("ada", on_record(&store, "ada")), fire(Role::CaOperations), NOW).unwrap();
    assert!(asked.in_emergency(NOW).next().is_none());
    assert_eq!(
        said(&store, ("ada", Caller::User(1001)), EmergencyAct::Agree, NOW),
        Err(EmergencyConflict::Oneself),
        "the same person by his user id"
    );
    said(&store, ("ada", Caller::User(1004)), EmergencyAct::Agree, NOW).unwrap();
    drop(store);
    let store = ground.open();
    let ada = store.person(&who("ada")).unwrap().unwrap();
    assert_eq!(ada.in_emergency(NOW).collect::<Vec<_>>(), [Role::CaOperations]);
    // Who agreed as a user of this machine is put on record as an auditor since.
    add(&store, "mia", Role::Auditor, 1004);
    add(&store, "max", Role::Auditor, 1007);
    let review = |by| {
        let looked = EmergencyAct::Review { finding: "as the reason says".to_owned() };
        said(&store, ("ada", on_record(&store, by)), looked, NOW.plus_seconds(61)).map(drop)
    };
    assert_eq!(review("mia"), Err(EmergencyConflict::OwnReview));
    assert_eq!(review("max"), Ok(()));
    let acts = [Act::BreakGlassAsked, Act::BreakGlassOpened, Act::BreakGlassEnded, Act::BreakGlassReviewed];
    assert_eq!(acts.map(|act| count(&store, act)), [1, 1, 0, 1], "what was refused left nothing");
}

/// What an administrator asks for, where what gives takes two.
fn given(
    store: &Store,
    (by, caller): (&str, Caller),
    (name, act): (&str, PersonAct),
    now: UnixTime,
) -> Result<Person, PersonConflict> {
    let permit = may(&caller, Permission::ChangePeople, None, now).unwrap();
    let change = PersonChange::new(&permit, (who(name), act), &tenant("dso"), now).unwrap();
    assert_eq!(change.mark.by, format!("operator:{by}"));
    store.record_person_change(change.where_two_give(true)).unwrap()
}

/// Three administrators, and somebody who is to get something.
fn with_administrators(ground: &Ground) -> Store {
    let store = ground.open();
    for (name, user) in [("ada", 1001), ("eva", 1002), ("max", 1003)] {
        add(&store, name, Role::Administrator, user);
    }
    change(&store, "ron", PersonAct::Add { name: "Ron".to_owned() }).unwrap();
    store
}

fn m_02_what_gives_is_made_on_the_word_of_two_persons_and_not_of_one_by_two_credentials(ground: &Ground) {
    let store = with_administrators(ground);
    let by = |store: &Store, name: &str, act| {
        let caller = on_record(store, name);
        given(store, (name, caller), ("ron", act), NOW)
    };
    let first = by(&store, "ada", grant(Role::Approver)).unwrap();
    assert_eq!((first.grants.len(), first.asked.len()), (0, 1));
    drop(store);
    let store = ground.open();
    // Ada was on nobody's record as this user when she came; she is one person, whichever credential she has.
    change(&store, "ada", known_by(1009)).unwrap();
    assert_eq!(by(&store, "ada", grant(Role::Approver)), Err(PersonConflict::Asked));
    // Another role is another change.
    assert_eq!(by(&store, "eva", grant(Role::RaOfficer)).unwrap().asked.len(), 2);
    let made = by(&store, "eva", grant(Role::Approver)).unwrap();
    assert_eq!((made.grants.len(), made.asked.len()), (1, 1));
    assert_eq!(made.grants[0].granted.by, "operator:eva");
    let acts = [Act::PersonChangeAsked, Act::RoleGranted];
    // Three administrators had theirs from the first one, who acts alone.
    assert_eq!(acts.map(|act| count(&store, act)), [2, 4]);
    // A credential that is somebody's does not even wait.
    assert_eq!(by(&store, "ada", known_by(1002)), Err(PersonConflict::Taken { by: who("eva") }));
}

fn m_03_the_first_word_is_void_once_its_giver_may_not_give_it_any_more(ground: &Ground) {
    let store = with_administrators(ground);
    let by = |name: &str, now| {
        given(&store, (name, on_record(&store, name)), ("ron", grant(Role::Approver)), now).unwrap()
    };
    assert_eq!(by("ada", NOW).asked.len(), 1);
    change(&store, "ada", withdraw(Role::Administrator)).unwrap();
    let after = by("eva", NOW);
    assert_eq!((after.grants.len(), after.asked.len()), (0, 1), "eva's word is the first now");
    // A day later hers is over, too.
    let later = NOW.plus_seconds(86_401);
    assert_eq!((by("max", later).grants.len(), by("eva", later).grants.len()), (0, 1));
}

fn what_waits_comes_back_from_the_log(ground: &Ground) {
    let store = with_administrators(ground);
    let (rows, _) = copied(&store);
    for act in [grant(Role::Approver), known_by(1010)] {
        given(&store, ("ada", on_record(&store, "ada")), ("ron", act), NOW).unwrap();
    }
    given(&store, ("eva", on_record(&store, "eva")), ("ron", grant(Role::Approver)), NOW).unwrap();
    let (_parent, other) = replayed(rows, &store, ground.kind);
    assert_eq!(other.people().unwrap(), store.people().unwrap());
}

fn what_was_changed_after_a_copy_was_made_comes_back_from_the_log(ground: &Ground) {
    let store = ground.open();
    add(&store, "ada", Role::Administrator, 1001);
    let (rows, _) = copied(&store);
    add(&store, "bob", Role::Auditor, 1002);
    let until = Some(NOW.plus_seconds(60));
    let of_one = PersonAct::Grant { role: Role::RaOfficer, reach: Reach::Tenant(tenant("dso")), until };
    change(&store, "ada", of_one).unwrap();
    change(&store, "ada", withdraw(Role::Administrator)).unwrap();
    change(&store, "bob", PersonAct::RemoveCredential(Credential::User(1002))).unwrap();
    change(&store, "bob", PersonAct::Remove).unwrap();
    break_glass(&store, Role::CaOperations);
    said(&store, ("kim", on_record(&store, "lee")), EmergencyAct::End, NOW).unwrap();
    let (_parent, other) = replayed(rows, &store, ground.kind);
    assert_eq!(other.people().unwrap(), store.people().unwrap());
    let bob = other.person_by(&Credential::User(1002)).unwrap().unwrap();
    assert!(bob.removed.is_some() && bob.credentials.is_empty(), "{bob:?}");
}

super::on_every_engine!(
    a_person_is_kept_over_a_reopening_and_each_change_has_one_record,
    m_02_what_gives_is_made_on_the_word_of_two_persons_and_not_of_one_by_two_credentials,
    m_03_the_first_word_is_void_once_its_giver_may_not_give_it_any_more,
    what_waits_comes_back_from_the_log,
    m_02_a_credential_is_never_another_persons_though_it_was_taken_away,
    m_02_two_credentials_of_one_person_count_once,
    m_03_an_approval_is_void_once_its_giver_may_not_approve_any_more,
    m_03_m_09_what_was_approved_in_an_emergency_is_void_when_that_is_over,
    m_09_an_emergency_is_kept_and_who_agreed_does_not_review_it_by_another_credential,
    what_was_changed_after_a_copy_was_made_comes_back_from_the_log,
);

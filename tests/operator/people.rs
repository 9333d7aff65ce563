//! Who may do what: the chapter as it stands, and every route with every role, for the own and for a foreign tenant.

use std::collections::BTreeMap;
use std::process::Command;

use ca_core::people::Role;
use e2e::chapter::{blocks, steps};
use e2e::fleet::{Asked, Meter, Suite};
use e2e::operators::{let_in, run_as};
use e2e::patience::eventually;
use e2e::peer::{curl, enrol};
use e2e::rehearsal::Rehearsal;
use e2e::tool::finish;
use meter_pki::operator::{Route, Things, route_table};
use serde_json::{Value, json};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/people.md");

#[test]
fn the_chapter_says_what_each_role_may_do() {
    for role in Role::ALL {
        let names: Vec<&str> = role.permissions().iter().map(|permission| permission.name()).collect();
        let names = if names.is_empty() { "nothing on this socket".to_owned() } else { names.join(", ") };
        let row = format!("| `{role}` | {names} |");
        assert!(CHAPTER.contains(&row), "the chapter lacks the row {row}");
    }
}

/// Two people for a revocation; the first administrator is whoever runs the server.
fn set_up() -> Rehearsal {
    let rehearsal = Rehearsal::start_with(1, |text| format!("{text}\n[revocation]\ntwo_people_from = 1\n"));
    let_in(&rehearsal);
    rehearsal
}

#[test]
fn where_two_give_the_chapter_works_as_it_stands_and_one_person_is_not_two() {
    let [first, .., ask, agree, _, _, _] = steps::<13>(CHAPTER);
    let mut rehearsal = set_up();
    rehearsal.stop();
    rehearsal.configure("edited.toml", |text| text.replace("[operator]\n", "[operator]\npeople = \"two\"\n"));
    rehearsal.serve();
    drop(run_as(&rehearsal, 0, first).ok());
    let eva = "meter-pki people add eva --name Eva --role administrator --credential uid:1007";
    drop(run_as(&rehearsal, 0, eva).ok());
    drop(run_as(&rehearsal, 0, "meter-pki people change ada --add-credential uid:1009").ok());
    let asked = run_as(&rehearsal, 1001, ask).ok();
    let waits = asked.out.lines().filter(|line| line.starts_with("waits:")).count();
    assert!(waits >= 4 && !asked.out.contains("\nrole:"), "{}", asked.out);
    // The same person, by the one credential or the other, and the newcomer himself.
    for user in [1001, 1009] {
        let again = run_as(&rehearsal, user, "meter-pki people change zoe --grant approver");
        assert_eq!((again.code, again.err.contains("(person.asked)")), (Some(7), true), "{}", again.all());
    }
    let early = run_as(&rehearsal, 1008, "meter-pki ca list");
    assert!(!early.success, "{}", early.all());
    let given = run_as(&rehearsal, 1007, agree).ok();
    assert!(given.out.contains("role:       approver for every tenant, by operator:eva"), "{}", given.out);
    assert!(!given.out.lines().rev().take(4).any(|line| line.starts_with("waits:")), "{}", given.out);
    drop(run_as(&rehearsal, 1008, "meter-pki ca list").ok());
    // What takes away takes one.
    drop(run_as(&rehearsal, 1001, "meter-pki people remove zoe").ok());
    let acts = rehearsal.operator_json(&["audit", "list", "--limit", "1000"]);
    let asked = acts.as_array().expect("a list").iter().filter(|one| one["act"] == "person-change-asked");
    assert_eq!(asked.count(), 2);
}

#[test]
fn the_chapter_on_people_works_as_it_stands() {
    let [first, more, refused, ask, agree, end, review, changes, ..] = steps::<13>(CHAPTER);
    assert_eq!(blocks(CHAPTER, "toml").len(), 4);
    let mut rehearsal = set_up();
    let stranger = run_as(&rehearsal, 1001, "meter-pki ca list");
    assert!(!stranger.success, "{}", stranger.all());
    drop(run_as(&rehearsal, 0, first).ok());
    let listed = run_as(&rehearsal, 1001, more).ok();
    assert!(listed.out.contains("ra-officer for dso") && listed.out.contains("uid:1005"), "{}", listed.out);
    let told = run_as(&rehearsal, 1004, refused).ok();
    assert!(told.err.contains("people.tenant") && told.err.contains("people.role"), "{}", told.all());

    break_the_glass(&rehearsal, [ask, agree, end, review]);

    // An order waits for another person.
    let serial =
        rehearsal.operator_json(&["cert", "list", "--tenant", "dso", "--status", "good", "--limit", "1"]);
    let serial = serial["certificates"][0]["serial"].as_str().expect("a serial number").to_owned();
    let look = format!("meter-pki --json cert revoke {serial} --reason superseded --dry-run");
    let looked: Value = serde_json::from_str(&run_as(&rehearsal, 1002, &look).ok().out).expect("a plan");
    let digest = looked["order"]["digest"].as_str().expect("a digest").to_owned();
    let ask = format!("meter-pki cert revoke --apply {digest}");
    let asked = run_as(&rehearsal, 1002, &ask);
    assert!(!asked.all().contains("people."), "{}", asked.all());
    let own = run_as(&rehearsal, 1002, &format!("meter-pki revocation approve {digest}"));
    assert_eq!((own.code, own.err.contains("order.own")), (Some(6), true), "M-02: {}", own.all());
    let by_ron = run_as(&rehearsal, 1004, &format!("meter-pki revocation approve {digest}"));
    assert!(by_ron.err.contains("people.role"), "{}", by_ron.all());

    drop(run_as(&rehearsal, 1001, changes).ok());
    let shown = run_as(&rehearsal, 1001, "meter-pki people show kim").ok();
    assert!(shown.out.contains("credential: uid:1006") && !shown.out.contains("uid:1002"), "{}", shown.out);
    // Whose credential was taken away, and who was removed, is nobody at once.
    for (user, code) in [(1002, "people.unknown"), (1003, "people.removed")] {
        let gone = run_as(&rehearsal, user, "meter-pki ca list");
        assert!(gone.err.contains(code), "{}", gone.all());
    }
    // The same person by his other credential: still his own order.
    let again = run_as(&rehearsal, 1006, &format!("meter-pki revocation approve {digest}"));
    assert_eq!((again.code, again.err.contains("order.own")), (Some(6), true), "M-02: {}", again.all());

    // M-03: who asked for it may revoke no more when it is approved: it is void, and nothing is revoked.
    drop(run_as(&rehearsal, 1001, "meter-pki people change kim --withdraw ca-operations").ok());
    drop(run_as(&rehearsal, 1004, &format!("meter-pki revocation approve {digest}")));
    eventually("the order is void", || {
        let order = rehearsal.operator_json(&["revocation", "show", &digest]);
        let why = order["refused_for"].as_str().unwrap_or_default();
        (order["state"] == "refused" && why.contains("kim may not")).then_some(())
    });
    let view = rehearsal.operator_json(&["cert", "show", &serial]);
    assert_eq!(view["status"], "good", "{view}");

    // M-10: the last administrator is gone; a user who was never on record is named, and puts another one there.
    drop(run_as(&rehearsal, 0, "meter-pki people remove ada").ok());
    assert!(run_as(&rehearsal, 1001, "meter-pki people list").err.contains("people.removed"));
    rehearsal.stop();
    rehearsal.configure("edited.toml", |text| text.replace("[operator]\n", "[operator]\nusers = [1010]\n"));
    rehearsal.serve();
    let newcomer = "meter-pki people add eva --name Eva --role administrator --credential uid:1011";
    drop(run_as(&rehearsal, 1010, newcomer).ok());
    drop(run_as(&rehearsal, 1011, "meter-pki people list").ok());
    assert!(rehearsal.audited() > 0);
}

/// M-09: Ada gets a role for hours, on Lee's word, and it is told: by the metric, the doctor, and in the audit log.
fn break_the_glass(rehearsal: &Rehearsal, [ask, agree, end, review]: [&str; 4]) {
    let before = rehearsal.audited();
    let publish = "meter-pki crl publish dso-operational-s1";
    drop(run_as(rehearsal, 1001, ask).ok());
    assert!(run_as(rehearsal, 1001, publish).err.contains("people.role"), "one alone is nothing");
    let own = run_as(rehearsal, 1001, agree);
    assert_eq!((own.code, own.err.contains("break-glass.oneself")), (Some(6), true), "{}", own.all());
    drop(run_as(rehearsal, 1003, agree).ok());
    drop(run_as(rehearsal, 1001, publish).ok());
    let socket = rehearsal.state("operator.sock").to_string_lossy().into_owned();
    let told = |line: &str| {
        let metrics = || curl(rehearsal, "http://meter-pki/metrics", &["--unix-socket", &socket]).text();
        eventually(line, || metrics().lines().any(|one| one == line).then_some(()));
    };
    told("pki_break_glass{state=\"open\"} 1");
    let doctor = rehearsal.operator(&["doctor", "--only", "people"]);
    assert!(
        doctor.all().contains("ada broke the glass and was made ca-operations: open"),
        "{}",
        doctor.all()
    );
    drop(run_as(rehearsal, 1001, end).ok());
    assert!(run_as(rehearsal, 1001, publish).err.contains("people.over"));
    told("pki_break_glass{state=\"unreviewed\"} 1");
    let by_who_agreed = run_as(rehearsal, 1003, review);
    assert!(by_who_agreed.err.contains("people.role"), "{}", by_who_agreed.all());
    let listed = run_as(rehearsal, 1005, review).ok();
    assert!(listed.out.contains("reviewed"), "{}", listed.out);
    let acts: Vec<String> = rehearsal
        .audit_after(before)
        .iter()
        .filter_map(|record| {
            record["act"].as_str().filter(|act| act.starts_with("break-glass")).map(str::to_owned)
        })
        .collect();
    let all = ["break-glass-asked", "break-glass-opened", "break-glass-ended", "break-glass-reviewed"];
    assert_eq!(acts, all);
}

/// A role of somebody, and for whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Everything,
    Own,
    Foreign,
}

/// Puts somebody on record who is a user of this machine.
fn put_on_record(rehearsal: &Rehearsal, id: &str, user: u32, (role, reach): (Role, Reach)) {
    let tenants: &[Option<&str>] = match reach {
        Reach::Everything => &[None],
        Reach::Own => &[Some("dso"), Some("maker")],
        Reach::Foreign => &[Some("elsewhere")],
    };
    let credential = format!("uid:{user}");
    let added = ["people", "add", id, "--name", id, "--credential", &credential];
    drop(rehearsal.operator(&added).ok());
    for tenant in tenants {
        let granted = ["people", "change", id, "--grant", role.name()];
        let of: Vec<&str> = tenant.iter().flat_map(|tenant| ["--tenant", tenant]).collect();
        drop(rehearsal.operator(&[granted.as_slice(), &of].concat()).ok());
    }
}

/// A system, and things in it that requests name.
pub(crate) struct Known {
    pub(crate) rehearsal: Rehearsal,
    pub(crate) title: String,
    pub(crate) serial: String,
    pub(crate) waiting: String,
    pub(crate) delivery: String,
}

/// A path and a body that name things of the own tenants; a route about tenants' things that has none here is not tested.
fn sample(route: &Route, known: &Known) -> (String, Value) {
    let Known { title, serial, waiting, delivery, rehearsal: _ } = known;
    let none = json!({});
    let of_serial = json!({"serial": serial, "issuer": null});
    let own = || "tenant=dso&limit=5";
    let (path, body) = match (route.method, route.path) {
        ("GET", "/v1/authorities" | "/v1/openapi.json" | "/v1/keys") => (String::new(), none),
        ("GET", "/v1/certificates" | "/v1/requests" | "/v1/devices" | "/v1/production") => {
            (format!("{}?{}", route.path, own()), none)
        }
        ("POST", "/v1/certificates") => {
            (String::new(), json!({"issuer": "dso-infra-s1", "profile": "est-tls-s1", "request": "AA=="}))
        }
        ("GET", "/v1/certificates/{issuer}/{serial}") => (format!("/v1/certificates/-/{serial}"), none),
        ("GET", "/v1/certificates/{issuer}/{serial}/history") => {
            (format!("/v1/certificates/-/{serial}/history"), none)
        }
        ("POST", "/v1/revocations") => {
            let text =
                json!({"serial": serial, "issuer": null, "reason": "superseded", "invalidity_date": null});
            (String::new(), text)
        }
        ("POST", "/v1/hold-releases" | "/v1/schedule/cancellations") => (String::new(), of_serial),
        ("POST", "/v1/schedule") => {
            let at = "2020-01-01T00:00:00Z";
            let text = json!({"serial": serial, "issuer": null, "reason": "superseded", "invalidity_date": null, "at": at});
            (String::new(), text)
        }
        ("GET", "/v1/requests/{id}") => (format!("/v1/requests/{waiting}"), none),
        ("POST", "/v1/requests/{id}/decisions") => {
            (format!("/v1/requests/{waiting}/decisions"), json!({"refused_for": "no"}))
        }
        ("POST", "/v1/devices") => (String::new(), json!({"tenant": "dso", "devices": []})),
        ("GET", "/v1/devices/{title}" | "/v1/devices/{title}/history" | "/v1/devices/{title}/proofs") => {
            (format!("{}?limit=5&after=0", route.path.replace("{title}", title)), none)
        }
        ("POST", "/v1/devices/{title}/secrets") => {
            (format!("/v1/devices/{title}/secrets"), json!({"tenant": "dso", "reason": "to see"}))
        }
        ("GET", "/v1/device-counts") => ("/v1/device-counts?tenant=dso".to_owned(), none),
        ("POST", "/v1/device-changes") => {
            let text = json!({"tenant": "dso", "act": "suspend", "reason": "to see", "system_titles": [title], "dry_run": true});
            (String::new(), text)
        }
        ("POST", "/v1/deliveries") => (String::new(), opening(&"ab".repeat(32))),
        ("POST", "/v1/deliveries/{digest}/parts") => {
            (format!("/v1/deliveries/{delivery}/parts"), json!({"part": 0, "devices": []}))
        }
        ("POST", "/v1/deliveries/{digest}/close") => {
            (format!("/v1/deliveries/{delivery}/close"), json!({"accept_count": false}))
        }
        ("POST", "/v1/reconciliations") => (String::new(), json!({"tenant": "dso"})),
        ("POST", "/v1/tokens") => {
            (String::new(), json!({"system_title": title, "profile": "meter-op-ds-s1", "valid_minutes": 1}))
        }
        ("POST", "/v1/crls/{authority}") => ("/v1/crls/dso-operational-s1".to_owned(), none),
        ("POST", "/v1/production") => (String::new(), ordering("other")),
        (_, path) if path.starts_with("/v1/production/") => sample_of_production(route, title),
        (_, path) if FIGURES.iter().any(|start| path.starts_with(start)) && needs_tenant(route) => {
            sample_of_figures(route)
        }
        ("GET", "/v1/self") => (String::new(), none),
        (_, path) if path.contains("visits") => sample_of_visit(route, title),
        _ => {
            assert_eq!(route.needs.things, Things::Installations, "{route:?} has no sample");
            (route.path.replace(['{', '}'], ""), none)
        }
    };
    (if path.is_empty() { route.path.to_owned() } else { path }, body)
}

/// How paths begin of what is counted, plotted, described and taken over.
const FIGURES: [&str; 5] =
    ["/v1/statistics/", "/v1/plots/", "/v1/profiles", "/v1/profile-differences", "/v1/migrations/"];

/// The same of a route about a production order.
fn sample_of_production(route: &Route, title: &str) -> (String, Value) {
    let body = match (route.method, route.path) {
        ("GET", "/v1/production/{id}") => json!({}),
        ("GET", "/v1/production/{id}/devices") => {
            return ("/v1/production/known/devices?limit=5".to_owned(), json!({}));
        }
        ("POST", "/v1/production/{id}/end") => json!({"cancelled_for": "no"}),
        ("POST", "/v1/production/{id}/scraps") => json!({"system_title": title, "reason": "superseded"}),
        ("POST", "/v1/production/{id}/requests") => json!({"requests": []}),
        _ => panic!("{route:?} has no sample"),
    };
    (route.path.replace("{id}", "known"), body)
}

/// The same of a route about what is counted, plotted, described or taken over.
fn sample_of_figures(route: &Route) -> (String, Value) {
    let path = route.path.replace("{form}", "svg").replace("{id}", "meter-op-ds-s1");
    match route.path {
        "/v1/migrations/certificates" => {
            let text = json!({
                "issuer": "dso-infra-s1", "source": "csv", "apply": false, "digest": "ab".repeat(32), "certificates": [],
            });
            (path, text)
        }
        "/v1/migrations/crl" => (path, json!({"issuer": "dso-infra-s1", "source": "csv", "apply": false})),
        "/v1/profiles" | "/v1/profiles/{id}/versions" => (format!("{path}?limit=5"), json!({})),
        "/v1/profiles/{id}/versions/{number}" => (path.replace("{number}", "1"), json!({})),
        "/v1/profile-differences" => (format!("{path}?one=meter-op-ds-s1"), json!({})),
        of if of.contains("crls") => (format!("{path}?authority=dso-operational-s1"), json!({})),
        of if of.starts_with("/v1/profiles/") => (path, json!({})),
        _ => (format!("{path}?tenant=dso"), json!({})),
    }
}

/// Whether a route is about a tenant's things.
fn needs_tenant(route: &Route) -> bool {
    route.needs.things == Things::Tenants
}

/// The same of a route about visits.
fn sample_of_visit(route: &Route, meter: &str) -> (String, Value) {
    let late = || visiting(meter, "2020-01-01T00:00:00Z");
    let body = match (route.method, route.path) {
        ("GET", "/v1/visits" | "/v1/own-visits") => {
            return (format!("{}?tenant=dso&limit=5", route.path), json!({}));
        }
        ("GET", "/v1/visits/{id}") | ("POST", "/v1/visits/{id}/bundles") => json!({}),
        ("POST", "/v1/visits") => json!({"id": "late", "plan": late()}),
        ("POST", "/v1/visits/{id}/changes") => late(),
        ("POST", "/v1/visits/{id}/decisions") => json!({"digest": "ab".repeat(32), "refused_for": null}),
        ("POST", "/v1/visits/{id}/end") => json!({"reason": ""}),
        ("POST", "/v1/visits/{id}/certificates") => json!({"profile": "hhu-op-ds-s1", "request": "AA=="}),
        ("POST", "/v1/visits/{id}/receipts") => json!({"log": "AA=="}),
        _ => panic!("{route:?} has no sample"),
    };
    (route.path.replace("{id}", "known"), body)
}

fn opening(digest: &str) -> Value {
    json!({"tenant": "dso", "manufacturer": "maker", "source": "mapped", "digest": digest, "announced": 1, "map": "cd".repeat(32)})
}

/// A time to come.
fn tomorrow() -> String {
    let mut date = Command::new("date");
    finish(date.args(["-u", "-d", "tomorrow", "+%FT%TZ"])).ok().out.trim().to_owned()
}

fn visiting(meter: &str, until: &str) -> Value {
    json!({"tenant": "dso", "technician": "tim", "unit": "4D504B4800000001", "meters": [meter], "region": "",
           "from": "2019-12-31T00:00:00Z", "until": until, "reason": "to see"})
}

fn ordering(id: &str) -> Value {
    json!({"id": id, "tenant": "maker", "ordered": 1, "profiles": ["meter-factory-ds-s1"], "customer": null,
           "ranges": [{"first": "4D504B0900000001", "last": "4D504B0900000001"}], "until": "2027-11-21T00:00:00Z"})
}

/// Sends requests one after the other as a user of this machine; returns status and body of each.
pub(crate) fn ask(
    rehearsal: &Rehearsal,
    user: u32,
    requests: &[(&str, String, Value)],
) -> Vec<(u16, String)> {
    let socket = rehearsal.state("operator.sock");
    let one = |(method, path, body): &(&str, String, Value)| {
        let mut lines = format!(
            "silent\nmax-time = 60\nunix-socket = \"{}\"\nurl = \"http://meter-pki{path}\"\nwrite-out = \"\\n@@%{{http_code}}@@\"\n",
            socket.display()
        );
        if *method == "POST" {
            let body = body.to_string().replace('\\', "\\\\").replace('"', "\\\"");
            lines += &format!("header = \"content-type: application/json\"\ndata = \"{body}\"\n");
        }
        lines
    };
    let file = rehearsal.state(&format!("asked-{user}"));
    let text: Vec<String> = requests.iter().map(one).collect();
    std::fs::write(&file, text.join("next\n")).expect("a file");
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
    command.args(["curl", "--config"]).arg(&file);
    let said = finish(&mut command);
    let mut parts = said.out.split("@@");
    let mut answers = Vec::new();
    while let (Some(body), Some(status)) = (parts.next(), parts.next()) {
        answers.push((status.parse().expect("a status"), body.trim().to_owned()));
    }
    assert_eq!(answers.len(), requests.len(), "{}", said.all());
    answers
}

/// The reason code with which this must be refused, if it must.
fn expected(route: &Route, role: Role, reach: Reach) -> Option<&'static str> {
    match (role.may(route.needs.permission), route.needs.things, reach) {
        (false, _, _) => Some("people.role"),
        (true, _, Reach::Everything) | (true, Things::Tenants, Reach::Own) => None,
        // What is not his is not in the list, and neither the document, nor a profile, nor himself is anybody else's.
        (true, Things::Tenants, Reach::Foreign)
            if ["/v1/authorities", "/v1/keys", "/v1/openapi.json", "/v1/self"].contains(&route.path)
                || route.path.starts_with("/v1/profile") =>
        {
            None
        }
        (true, _, _) => Some("people.tenant"),
    }
}

/// A system in which a request waits, and a delivery, a production order and a visit are open.
pub(crate) fn with_all_things() -> Known {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let label = "label = \"meter-op-tls-s1\"\n";
        let factory = "profile = \"meter-factory-ds-s1\"\n";
        text.replace(label, &format!("{label}approval = {{ operators = \"two\" }}\n"))
            .replace(factory, &format!("{factory}order = \"required\"\n"))
    });
    let_in(&rehearsal);
    let listed = rehearsal.operator_json(&["cert", "list", "--tenant", "dso", "--limit", "100"]);
    // One of them is revoked: which is the first is chance.
    let of_meter = |one: &&Value| {
        one["status"] == "good" && one["profile"].as_str().is_some_and(|name| name.starts_with("meter-op-"))
    };
    let listed = listed["certificates"].as_array().expect("a list").clone();
    let certificate = listed.iter().find(of_meter).expect("the meter of the quickstart has one");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (serial, title) = (text(&certificate["serial"]), text(&certificate["subject"]));
    rehearsal.expect_devices("dso", &["4D504B0900000009"]);
    let (user, password) = rehearsal.token("4D504B0900000009", "meter-op-tls-s1");
    let meter = Meter::new(&rehearsal, "4D504B0900000009", Suite::One);
    let Asked { request, .. } = meter.ask();
    let shown = e2e::peer::Shown::Password { user, password };
    let answer = enrol(&rehearsal, "meter-op-tls-s1", &request, &shown);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let waiting = rehearsal.operator_json(&["request", "list", "--state", "waiting"]);
    let waiting = text(&waiting["requests"][0]["id"]);
    let delivery = "ef".repeat(32);
    drop(rehearsal.operator(&["people", "add", "tim", "--name", "Tim", "--role", "technician"]).ok());
    let opened = ask(
        &rehearsal,
        0,
        &[
            ("POST", "/v1/deliveries".to_owned(), opening(&delivery)),
            ("POST", "/v1/production".to_owned(), ordering("known")),
            ("POST", "/v1/visits".to_owned(), json!({"id": "known", "plan": visiting(&title, &tomorrow())})),
        ],
    );
    assert!(opened.iter().all(|(status, _)| *status == 200), "{opened:?}");
    Known { rehearsal, title, serial, waiting, delivery }
}

// M-05, M-06: the table of routes is what is served; each with every role, for everything, for the own and for a foreign tenant.
#[test]
fn m_05_m_06_every_route_answers_who_may_and_refuses_all_others_on_record_and_leaves_nothing() {
    let known = with_all_things();
    let rehearsal = &known.rehearsal;
    let table = route_table();
    let requests: Vec<_> = table
        .iter()
        .map(|route| {
            let (path, body) = sample(route, &known);
            (route.method, path, body)
        })
        .collect();
    let people: Vec<(String, u32, Role, Reach)> = Role::ALL
        .into_iter()
        .flat_map(|role| [Reach::Everything, Reach::Own, Reach::Foreign].map(|reach| (role, reach)))
        .zip(2_000..)
        .map(|((role, reach), user)| (format!("{role}-{user}"), user, role, reach))
        .collect();
    for (id, user, role, reach) in &people {
        put_on_record(rehearsal, id, *user, (*role, *reach));
    }
    let before = rehearsal.audited();
    let mut refusals: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (id, user, role, reach) in &people {
        let answers = ask(rehearsal, *user, &requests);
        for (route, (status, body)) in table.iter().zip(answers) {
            let of = format!("{} {} as {role} for {reach:?}: {status} {body}", route.method, route.path);
            let told: Option<Value> = serde_json::from_str(&body).ok();
            let code = told.as_ref().and_then(|told| told["code"].as_str()).unwrap_or_default();
            match expected(route, *role, *reach) {
                Some(expected) => {
                    assert_eq!((status, code), (403, expected), "{of}");
                    *refusals.entry((format!("operator:{id}"), code.to_owned())).or_default() += 1;
                }
                None => assert!(!code.starts_with("people."), "{of}"),
            }
            if (route.path, *reach, status) == ("/v1/authorities", Reach::Foreign, 200) {
                assert_eq!(body, "[]", "{of}");
            }
        }
    }
    // Each refusal is on record once, and who may nothing left nothing else.
    let mut recorded: BTreeMap<(String, String), usize> = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for record in rehearsal.audit_after(before) {
        let (actor, reason) = (text(&record["actor"]), text(&record["reason"]));
        let owner = people.iter().find(|(id, ..)| actor == format!("operator:{id}"));
        if reason.starts_with("people.") {
            assert_eq!(record["act"], "request-refused", "{record}");
            *recorded.entry((actor, reason)).or_default() += 1;
        } else if let Some((_, _, role, reach)) = owner {
            // A technician was heard: his certification request is none, and the visit is another one's.
            let heard = ["request.unreadable", "visit.technician"].contains(&reason.as_str());
            let technicians = *role != Role::Technician || heard;
            assert!(technicians && *reach != Reach::Foreign, "{record}");
        }
    }
    assert_eq!(recorded, refusals);
}

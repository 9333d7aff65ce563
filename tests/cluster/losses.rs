//! Three nodes on a primary with a synchronous standby: enrolment over any of them, and over the loss of nodes and of the primary.

use e2e::patience::eventually;
use e2e::peer::{Answer, Shown, serial};
use postgres_peer::Server;

use crate::house::House;

const TITLES: [&str; 6] = [
    "4D504B01000000D1",
    "4D504B01000000D2",
    "4D504B01000000D3",
    "4D504B01000000D4",
    "4D504B01000000D5",
    "4D504B01000000D6",
];

/// A primary with a synchronous standby.
fn pair() -> (Server, Server) {
    let primary = Server::start();
    let standby = primary.standby("second");
    primary.make_synchronous("second");
    (primary, standby)
}

/// The address of a database on whichever of the two takes writes.
fn among(primary: &Server, standby: &Server, name: &str) -> String {
    let place = |server: &Server| (server.directory().display().to_string(), server.port().to_string());
    let ((one, at), (other, there)) = (place(primary), place(standby));
    format!("host={one},{other} port={at},{there} user=postgres dbname={name}")
}

/// Asks again and again over a node until it is answered with a certificate.
pub(crate) fn enrolled(house: &House, node: usize, request: &[u8], shown: &Shown) -> Answer {
    eventually("a certificate is issued", || {
        let answer = house.try_enrol(node, request, shown).ok()?;
        (answer.status == 200).then_some(answer)
    })
}

fn number(house: &House, answer: &Answer) -> String {
    serial(&e2e::peer::certificate_of(&house.rehearsal, answer))
}

// K-01, K-07, K-11: any node takes any request, a retry over another node gets the same certificate, all see each other, and what a
// node that was killed did for all is done by another.
#[test]
fn k_01_any_node_takes_any_request_and_a_retry_over_another_gets_the_same_certificate() {
    let (primary, standby) = pair();
    let mut house = House::found(&primary, |name| among(&primary, &standby, name), 3);
    let shown = house.expect(&TITLES);
    for node in 0..3 {
        let request = house.request(TITLES[node]);
        let first = enrolled(&house, node, &request, &shown[node]);
        let again = enrolled(&house, (node + 1) % 3, &request, &shown[node]);
        assert_eq!(number(&house, &first), number(&house, &again), "node {node}");
    }
    let names: Vec<_> = house.nodes(2).iter().map(|node| node["name"].clone()).collect();
    assert_eq!(names, ["ca-1", "ca-2", "ca-3"]);
    let alike: Vec<_> = house.nodes(1).iter().map(|node| node["configuration"].clone()).collect();
    assert!(alike.iter().all(|one| one == &alike[0]), "{alike:?}");

    // A node is lost without a word: the others find out, and go on.
    house.beside[0].kill();
    eventually("the node that was killed is fenced", || {
        let nodes = house.nodes(2);
        nodes.iter().any(|node| node["name"] == "ca-2" && node["fenced"] == true).then_some(())
    });
    let request = house.request(TITLES[3]);
    drop(enrolled(&house, 2, &request, &shown[3]));
    // And comes back under its name.
    house.beside[0].serve();
    let request = house.request(TITLES[4]);
    drop(enrolled(&house, 1, &request, &shown[4]));
    house.beside.iter_mut().for_each(crate::house::Beside::stop);
    let told = house.nodes(0);
    assert!(told.iter().skip(1).all(|node| node["fenced"] == true), "who ends in order says so: {told:?}");
    house.rehearsal.stop();
}

// K-02, K-08: the primary dies after acknowledging; the standby is promoted, the nodes find it, and everything that was acknowledged
// is there.
#[test]
fn k_02_the_primary_is_lost_and_nothing_that_was_acknowledged_is() {
    let (primary, standby) = pair();
    let house = House::found(&primary, |name| among(&primary, &standby, name), 2);
    let shown = house.expect(&TITLES);
    let mut acknowledged = Vec::new();
    for (at, title) in TITLES.iter().enumerate().take(3) {
        acknowledged.push(number(&house, &enrolled(&house, at % 2, &house.request(title), &shown[at])));
    }
    let request = house.request(TITLES[3]);
    primary.kill();
    standby.promote();
    let over_failover = enrolled(&house, 1, &request, &shown[3]);
    acknowledged.push(number(&house, &over_failover));
    // The same request over the other node: the same certificate, whatever became of the commit on the way.
    acknowledged.push(number(&house, &enrolled(&house, 0, &request, &shown[3])));
    for serial in &acknowledged {
        let known = eventually("the operator is answered", || {
            let said = house.beside[0].operator(&["--json", "cert", "show", serial]);
            said.success.then_some(said.out)
        });
        assert!(known.contains("good"), "{known}");
    }
    assert_eq!(acknowledged[3], acknowledged[4]);
    let audited = house.rehearsal.operator(&["audit", "verify"]);
    assert!(audited.success, "{}", audited.all());
}

// K-05: a node sleeps for longer than its lease, wakes, and writes nothing under the token that was fenced; it joins again.
#[test]
fn k_05_a_node_that_slept_over_its_lease_joins_again_under_another_token() {
    let server = Server::start();
    let house = House::found(
        &server,
        |name| {
            format!(
                "host={} port={} user=postgres dbname={name}",
                server.directory().display(),
                server.port()
            )
        },
        2,
    );
    let shown = house.expect(&TITLES);
    let token = |house: &House| house.nodes(0)[1]["token"].as_u64().expect("a token");
    let before = token(&house);
    house.beside[0].signal("STOP");
    eventually("the node that sleeps is fenced", || (house.nodes(0)[1]["fenced"] == true).then_some(()));
    house.beside[0].signal("CONT");
    eventually("it joins again", || {
        let node = &house.nodes(0)[1];
        (node["fenced"] == false && node["token"].as_u64()? > before).then_some(())
    });
    assert!(house.beside[0].log().contains("has joined again"), "{}", house.beside[0].log());
    drop(enrolled(&house, 1, &house.request(TITLES[0]), &shown[0]));
}

// K-11: a node is killed in the midst of a bulk; another takes the whole of it again, and each device has one certificate, the one
// that was acknowledged before where one was.
#[test]
fn k_11_a_node_is_killed_in_the_midst_of_a_bulk_and_another_ends_it_without_a_double() {
    const BULK: usize = 24;
    let server = Server::start();
    let (place, port) = (server.directory().display(), server.port());
    let mut house =
        House::found(&server, |name| format!("host={place} port={port} user=postgres dbname={name}"), 2);
    let titles: Vec<String> = (0..BULK).map(|number| format!("4D504B01000002{number:02X}")).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let shown = house.expect(&titles);
    let requests: Vec<Vec<u8>> = titles.iter().map(|title| house.request(title)).collect();
    let acknowledged = std::sync::Mutex::new(Vec::new());
    let enough = || acknowledged.lock().unwrap().len() >= BULK / 3;
    let mut node = house.beside.remove(0);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (house, node, requests, shown, acknowledged) =
                (&house, &node, &requests, &shown, &acknowledged);
            scope.spawn(move || {
                for at in (worker..BULK).step_by(4) {
                    let answer = house.try_enrol_at(Some(&node.host), &requests[at], &shown[at]);
                    match answer.ok().filter(|answer| answer.status == 200) {
                        Some(answer) => acknowledged.lock().unwrap().push((at, number(house, &answer))),
                        None => return,
                    }
                }
            });
        }
        eventually("a third of the bulk is acknowledged", || enough().then_some(()));
        node.signal("KILL");
    });
    node.kill();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() < BULK, "it was killed before it was done");
    for at in 0..BULK {
        let serial = number(&house, &enrolled(&house, 0, &requests[at], &shown[at]));
        let before = acknowledged.iter().find(|(known, _)| *known == at);
        assert!(before.is_none_or(|(_, known)| *known == serial), "device {at}");
        let good = house.rehearsal.certificates_of(titles[at]);
        let good = good.iter().filter(|one| one["status"] == "good").count();
        assert_eq!(good, 1, "device {at}");
    }
    assert!(house.rehearsal.operator(&["audit", "verify"]).success);
}

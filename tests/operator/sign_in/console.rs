//! Signing in at the console, as its chapter has it: a browser's part is played by curl, with a jar for its cookies.

use std::path::PathBuf;

use e2e::browser::Comes;
use e2e::patience::eventually;
use e2e::peer::{Answer, curl, path};
use e2e::provider::WORD;

use super::{House, blocks, steps};

/// The chapter that operators read.
const CONSOLE: &str = include_str!("../../../docs/operate/console.md");

/// A browser.
struct Browser<'a> {
    house: &'a House,
    jar: PathBuf,
}

impl<'a> Browser<'a> {
    fn new(house: &'a House, name: &str) -> Self {
        Self { house, jar: house.rehearsal.scratch(name) }
    }

    fn open(&self, address: &str) -> Answer {
        let jar = path(&self.jar);
        curl(&self.house.rehearsal, address, &["-b", &jar, "-c", &jar].map(str::to_owned))
    }

    fn page(&self, path: &str) -> Answer {
        self.open(&format!("{}{path}", self.house.origin))
    }

    /// Goes to the provider and back, as whoever signs in there.
    fn sign_in(&self) -> Answer {
        let sent = self.page("/console/sign-in");
        assert_eq!(sent.status, 303, "{}", sent.head);
        let address = sent.field("location").expect("an address of the provider").to_owned();
        self.open(&self.house.provider.consent(&address))
    }
}

#[test]
fn somebody_signs_in_with_a_real_browser_at_the_providers_own_pages_and_out_again() {
    let mut house = House::open();
    with_console(&mut house, "[\"meter-pki\", \"meter-pki-console\"]");
    let credential = tim_on_record(&house);
    drop(house.run(&format!("meter-pki people change tim --add-credential '{credential}'")).ok());
    let sent = Browser::new(&house, "admitted.jar").page("/console/sign-in");
    house.provider.admit(sent.field("location").expect("an address of the provider"));

    let chromium = e2e::browser::Browser::start(&house.rehearsal.scratch("."), &house.rehearsal.root());
    let tim = chromium.window(&house.origin, &Comes::default());
    assert_eq!(tim.open("/console/v1/own-visits"), 403, "nobody has signed in");
    tim.click("link", "Sign in");
    // The provider's pages, which others wrote, with their labels.
    tim.await_text("body", "Please enter your login and password");
    tim.fill("Login", "tim");
    tim.fill("Password", WORD);
    tim.press("Enter");
    tim.await_text("body", "Connection to meter-pki-console");
    drop((tim.faults(), tim.requests()));
    tim.click("button", "Continue");
    tim.await_text("header", "Sign out");
    assert!(tim.address().starts_with(&house.origin), "{}", tim.address());
    assert_eq!(tim.open("/console/v1/own-visits"), 200);
    assert!(tim.text("header").contains("tim"), "{}", tim.text("header"));
    assert_eq!((tim.faults(), tim.axe()), (Vec::new(), Vec::new()));
    tim.click("link", "Sign out");
    assert_eq!(tim.open("/console/v1/own-visits"), 403, "he has signed out");
}

/// Puts Tim on record and has him sign in at the command line; returns the credential by which the provider knows him, which his record
/// does not have yet.
fn tim_on_record(house: &House) -> String {
    drop(house.run("meter-pki people add tim --name \"Tim, field\" --role technician --tenant dso").ok());
    let [sign_in, ..]: [&str; 6] = steps(super::CHAPTER);
    let said = house.sign_in(sign_in);
    said.lines().find_map(|line| line.strip_prefix("signed in as ")).expect("who").to_owned()
}

/// Serves at the port that the server had, with the console as the chapter has it; tokens are taken that were issued to these clients.
fn with_console(house: &mut House, clients: &str) {
    let port = house.origin.rsplit(':').next().expect("a port").to_owned();
    let console = blocks(CONSOLE, "toml")[0].replace("https://pki.example:9443", &house.origin);
    house.rehearsal.stop();
    house.rehearsal.configure("console.toml", |text| {
        let listening = at_port(&text, &port);
        let listening = listening.replace("clients = [\"meter-pki\"]", &format!("clients = {clients}"));
        format!("{listening}\n{console}\n")
    });
    house.rehearsal.serve();
    house.provider.serve();
}

/// The configuration with this port at the operators' listener.
fn at_port(text: &str, port: &str) -> String {
    let (before, operator) = text.split_once("[operator]").expect("a section for operators");
    let operator = operator.replacen("127.0.0.1:0", &format!("127.0.0.1:{port}"), 1);
    format!("{before}[operator]{operator}")
}

#[test]
fn whoever_signs_in_at_the_console_sees_what_he_may_until_he_signs_out_and_no_other_browser_does() {
    let mut house = House::open();
    with_console(&mut house, "[\"meter-pki\", \"meter-pki-console\"]");
    let credential = tim_on_record(&house);
    let tim = Browser::new(&house, "tim.jar");

    let nobody = tim.page("/console");
    assert!(nobody.status == 403 && nobody.text().contains("href=\"/console/sign-in\""), "{}", nobody.text());
    let back = tim.sign_in();
    assert_eq!(back.status, 303, "{}", back.text());
    let kept = back.head.lines().find(|line| line.contains("__Host-meter-pki=")).expect("a cookie");
    assert!(["; Secure", "; HttpOnly", "; Path=/"].iter().all(|part| kept.contains(part)), "{kept}");
    // He has signed in, and is on nobody's record yet.
    let unknown = tim.page("/console/v1/self");
    assert!(unknown.status == 403 && unknown.text().contains("people.unknown"), "{}", unknown.text());
    drop(house.run(&format!("meter-pki people change tim --add-credential '{credential}'")).ok());
    let visits = tim.page("/console/v1/own-visits");
    assert!(visits.status == 200 && visits.text().contains(">tim</a>"), "{}", visits.text());
    let people = tim.page("/console/v1/people");
    assert!(people.status == 403 && people.text().contains("people.role"), "what is not his role is not his");
    let interface = tim.page("/v1/own-visits");
    assert_eq!(interface.status, 403, "a session is for the console alone: {}", interface.text());

    let other = Browser::new(&house, "other.jar");
    assert_eq!(other.page("/console/v1/own-visits").status, 403);
    // Another's way back is nobody's: the one who sent it does not know what is in this browser's jar.
    let sent = tim.page("/console/sign-in");
    let stolen = house.provider.consent(sent.field("location").expect("an address"));
    let strayed = other.open(&stolen);
    assert!(strayed.status == 403 && strayed.text().contains("sign-in.strayed"), "{}", strayed.text());
    assert_eq!(tim.open(&stolen).status, 303);
    let twice = tim.open(&stolen);
    assert!(twice.status == 403 && twice.text().contains("sign-in.strayed"), "{}", twice.text());

    let jar = path(&tim.jar);
    let foreign = ["-b", &jar, "-H", "Sec-Fetch-Site: cross-site"].map(str::to_owned);
    let ended = curl(&house.rehearsal, &format!("{}/console/sign-out", house.origin), &foreign);
    assert!(ended.status == 403 && ended.text().contains("console.cross-site"), "{}", ended.text());
    assert_eq!(tim.page("/console/v1/own-visits").status, 200, "his session goes on");
    assert_eq!(tim.page("/console/sign-out").status, 303);
    assert_eq!(tim.page("/console/v1/own-visits").status, 403);
}

#[test]
fn whoever_is_not_signed_in_is_on_record_and_strangers_neither_fill_it_nor_have_the_provider_asked_each_time()
{
    let mut house = House::open();
    // The client of the command line is taken, and that of the console is not.
    with_console(&mut house, "[\"meter-pki\"]");
    let before = house.rehearsal.audited();
    let stranger = Browser::new(&house, "stranger.jar");
    for _ in 0..5 {
        let strayed = stranger.page("/console/signed-in?state=made-up&code=made-up");
        assert!(strayed.status == 403 && strayed.text().contains("sign-in.strayed"), "{}", strayed.text());
    }
    drop(stranger);
    house.provider.stop();
    let away = Browser::new(&house, "away.jar").page("/console/sign-in");
    assert!(away.status == 503 && away.text().contains("sign-in.provider-away"), "{}", away.text());
    house.provider.serve();
    eventually("the provider is asked again", || {
        (Browser::new(&house, "again.jar").page("/console/sign-in").status == 303).then_some(())
    });

    // Whose a token is that is not taken, its signature says.
    let credential = tim_on_record(&house);
    drop(house.run(&format!("meter-pki people change tim --add-credential '{credential}'")).ok());
    let refused = Browser::new(&house, "tim.jar").sign_in();
    assert!(refused.status == 403 && refused.text().contains("people.token-client"), "{}", refused.text());
    // The way to the provider is known, whether it answers now or not.
    house.provider.stop();
    assert_eq!(Browser::new(&house, "known.jar").page("/console/sign-in").status, 303);

    let records = house.rehearsal.audit_after(before);
    let refusals: Vec<_> = records.iter().filter(|one| one["act"] == "request-refused").collect();
    let of = |actor: &str, reason: &str| {
        refusals.iter().filter(|one| one["actor"] == actor && one["reason"] == reason).count()
    };
    assert_eq!(of("operator:address-127.0.0.1", "sign-in.strayed"), 1, "{refusals:?}");
    assert_eq!(of("operator:tim", "people.token-client"), 1, "{refusals:?}");
    let strangers =
        refusals.iter().filter(|one| one["actor"].as_str().is_some_and(|by| by.contains("address-"))).count();
    assert!(strangers <= 3, "{refusals:?}");
}

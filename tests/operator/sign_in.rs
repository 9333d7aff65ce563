//! Operators and technicians who sign in at an identity provider: the chapter as it stands, before glewlwyd of Debian, by our own
//! command line and by curl; and every token that is not taken.

mod console;

use std::process::Command;

use e2e::chapter::{Shell, blocks, steps};
use e2e::patience::eventually;
use e2e::peer::{curl, make_key, path};
use e2e::provider::{Provider, Waiting, part, read_part};
use e2e::rehearsal::Rehearsal;
use e2e::tool::{Said, openssl};
use serde_json::{Value, json};

/// The chapter that operators read.
const CHAPTER: &str = include_str!("../../docs/operate/sign-in.md");

/// What a technician does with what he gets.
const TECHNICIANS: &str = include_str!("../../docs/operate/technicians.md");

struct House {
    rehearsal: Rehearsal,
    provider: Provider,
    origin: String,
}

impl House {
    /// A server as the chapter has it; the provider is away while it starts.
    fn open() -> Self {
        let mut rehearsal = Rehearsal::start(1);
        rehearsal.stop();
        let mut provider = Provider::start(&rehearsal);
        provider.stop();
        std::fs::copy(provider.root(), rehearsal.state("identity-roots.pem")).expect("a root");
        let sign_in = blocks(CHAPTER, "toml")[0].replace("https://id.example", &provider.issuer());
        rehearsal
            .configure("edited.toml", |text| format!("{text}\n{sign_in}\n[visits]\napprovals = \"none\"\n"));
        std::fs::rename(rehearsal.state("meter-pki.toml"), rehearsal.state("before.toml")).unwrap();
        std::os::unix::fs::symlink(rehearsal.state("edited.toml"), rehearsal.state("meter-pki.toml"))
            .unwrap();
        std::fs::copy(rehearsal.authority("dso-root-s1"), rehearsal.state("dso-root.pem")).expect("a root");
        rehearsal.serve();
        let log = rehearsal.log();
        let told = |line: &str| line.split("operator=").nth(1).map(|rest| rest.trim().to_owned());
        let address = log.lines().filter(|line| line.contains("client certificates")).find_map(told);
        let (_, port) =
            address.as_deref().and_then(|one| one.rsplit_once(':')).expect("an address in the log");
        let origin = format!("https://localhost:{port}");
        let house = Self { rehearsal, provider, origin };
        house.client("tim.toml", |text| text);
        house
    }

    /// Writes a file with which somebody operates this server from elsewhere.
    fn client(&self, name: &str, edit: impl FnOnce(String) -> String) {
        let text = blocks(CHAPTER, "toml")[1]
            .replace("https://pki.example:9443", &self.origin)
            .replace("roots.pem\"                  #", "server-roots.pem\" #")
            .replace("https://id.example", &self.provider.issuer());
        std::fs::copy(self.rehearsal.root(), self.rehearsal.state("server-roots.pem")).expect("a root");
        std::fs::write(self.rehearsal.state(name), edit(text)).expect("a file");
    }

    fn shell(&self) -> Shell {
        Shell::new(&self.rehearsal.state(""), &self.rehearsal.scratch("programs"))
    }

    fn run(&self, block: &str) -> Said {
        self.shell().run(block)
    }

    /// Types what waits until Tim has signed in.
    fn wait(&self, block: &str) -> Waiting {
        let mut command = Command::new(e2e::process::program("meter-pki"));
        command.args(block.trim().split(' ').skip(1)).current_dir(self.rehearsal.state(""));
        Waiting::start(command)
    }

    /// Signs in by the browser; returns what it said in the end.
    fn sign_in(&self, block: &str) -> String {
        let waiting = self.wait(block);
        let address = waiting.line().strip_prefix("open ").expect("an address").to_owned();
        let page = self.provider.browse(&address).ok();
        assert!(page.out.contains("can be closed"), "{}", page.out);
        let (success, said) = waiting.end();
        assert!(success, "{said}");
        said
    }

    /// The token that a file keeps.
    fn token(&self, file: &str) -> String {
        let kept: Value =
            serde_json::from_slice(&std::fs::read(self.rehearsal.state(file)).expect("a token file"))
                .expect("JSON");
        kept["token"].as_str().expect("a token").to_owned()
    }

    fn ask(&self, token: &str, more: &[String]) -> (u16, String) {
        let field = ["-H".to_owned(), format!("Authorization: Bearer {token}")];
        let answer = curl(&self.rehearsal, &format!("{}/v1/self", self.origin), &[&field[..], more].concat());
        let told: Value = serde_json::from_str(&answer.text()).expect("JSON");
        let challenged = answer.field("www-authenticate").is_some();
        assert_eq!(challenged, answer.status == 401, "{}", answer.head);
        (answer.status, told["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// The claims of a token with these in the place of others.
fn with(claims: &Value, changed: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changed.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims
}

/// What is wrong with a token in one way or another, and how it is refused.
fn what_is_not_taken(house: &House, token: &str) {
    let (header, claims) = (read_part(token, 0), read_part(token, 1));
    let iat = claims["iat"].as_i64().expect("a time");
    let forged = |header: &Value, changed: Value| house.provider.forge(header, &with(&claims, &changed));
    assert_eq!(house.ask(&forged(&header, json!({})), &[]).0, 200, "forged as it was");
    let none = with(&header, &json!({"alg": "none"}));
    let parts: Vec<&str> = token.split('.').collect();
    let tampered = part(&with(&claims, &json!({"sub": "ada"})));
    for (token, code) in [
        (forged(&header, json!({"aud": "https://other.example"})), "people.token-audience"),
        (forged(&header, json!({"client_id": "other"})), "people.token-client"),
        (forged(&header, json!({"iss": "https://other.example"})), "people.token-issuer"),
        (
            forged(&header, json!({"iat": iat - 9_000, "nbf": iat - 9_000, "exp": iat - 5_400})),
            "people.token-expired",
        ),
        (forged(&header, json!({"exp": iat + 86_400})), "people.token-long-lived"),
        (forged(&header, json!({"nbf": iat + 3_000})), "people.token-not-yet-valid"),
        (forged(&with(&header, &json!({"typ": "JWT"})), json!({})), "people.token-kind"),
        (forged(&with(&header, &json!({"kid": "of nobody"})), json!({})), "people.token-key"),
        (forged(&with(&header, &json!({"alg": "HS256"})), json!({})), "people.token-algorithm"),
        (format!("{}.{}.", part(&none), parts[1]), "people.token-algorithm"),
        (format!("{}.{tampered}.{}", parts[0], parts[2]), "people.token-signature"),
        ("a.b.c".to_owned(), "people.token-malformed"),
    ] {
        assert_eq!(house.ask(&token, &[]), (401, code.to_owned()), "{code}");
    }
    let (key, certificate) = (house.rehearsal.scratch("own.key"), house.rehearsal.scratch("own.pem"));
    make_key(&key, "P-256");
    let subject = ["-subj", "/CN=tim", "-days", "9", "-out", &path(&certificate)];
    drop(openssl(["req", "-x509", "-key", &path(&key)].iter().chain(&subject)).ok());
    let both = ["--cert", &path(&certificate), "--key", &path(&key)].map(str::to_owned);
    assert_eq!(house.ask(token, &both), (401, "people.token-beside-certificate".to_owned()));
}

/// Another client of the same provider gets tokens, and they are for somebody else.
fn another_client(house: &House) {
    house.client("other.toml", |text| {
        let lines = text.lines().filter(|line| !line.starts_with("resource"));
        lines
            .map(|line| format!("{line}\n"))
            .collect::<String>()
            .replace("\"meter-pki\"", "\"other\"")
            .replace("tim.token", "other.token")
    });
    let said = house.sign_in("meter-pki --config other.toml people sign-in");
    assert!(said.contains("signed in as oidc:"), "{said}");
    let refused = house.run("meter-pki --config other.toml people who");
    assert!(refused.code == Some(6) && refused.err.contains("people.token-audience"), "{}", refused.all());
}

/// A technician's day, as his chapter has it, without any certificate of his own.
fn a_visit(house: &House, by_device: &str) {
    let [_, open, _, first, bundle, again, _, _, signed_in] = steps(TECHNICIANS);
    let opened = open.lines().take(2).collect::<Vec<_>>().join("\n");
    drop(house.run(&opened).ok());
    assert_eq!(signed_in.lines().next(), Some(by_device.trim()), "both chapters say the same");
    let code = house.wait(by_device);
    let typed = code.line().rsplit(' ').next().expect("a code").to_owned();
    assert!(house.provider.type_code(&typed).ok().out.contains("deviceComplete"));
    let (success, said) = code.end();
    assert!(success && said.contains("signed in as oidc:"), "{said}");
    let listed = house.run(signed_in.lines().nth(1).expect("a second line")).ok();
    assert!(listed.out.contains("V-2026-117"), "{}", listed.out);
    let his = |block: &str| block.replace("meter-pki visit", "meter-pki --config tim.toml visit");
    let issued = house.run(&his(first)).ok();
    assert!(issued.out.contains("of 4D504B4800000001"), "{}", issued.out);
    let bundled = house.run(&his(bundle)).ok();
    assert!(bundled.err.contains("CMS Verification successful"), "{}", bundled.all());
    let handed_in = house.run(&his(again)).ok();
    assert!(handed_in.out.contains("; 0 faults"), "{}", handed_in.out);
    // What is not his role is not his, however he came.
    let refused = house.run("meter-pki --config tim.toml people list");
    assert!(refused.code == Some(6) && refused.err.contains("people.role"), "{}", refused.all());
}

/// A token that has run out is refreshed by itself, and by the provider's rule each refresh token serves once.
fn refreshing(house: &House, who: &str) {
    let file = house.rehearsal.state("tim.token");
    let run_out = || {
        let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        kept["expires_at"] = json!(0);
        std::fs::write(&file, kept.to_string()).unwrap();
        kept["token"].as_str().unwrap().to_owned()
    };
    for _ in 0..2 {
        let before = run_out();
        let shown = house.run(who).ok();
        assert!(shown.out.contains("technician for dso"), "{}", shown.out);
        assert_ne!(house.token("tim.token"), before);
    }
}

#[test]
fn whoever_signs_in_at_the_identity_provider_is_who_the_record_says_and_no_token_says_more() {
    let [sign_in, by_device, put_on_record, who, take_away, sign_out] = steps(CHAPTER);
    let mut house = House::open();
    let added = "meter-pki people add tim --name \"Tim, field\" --role technician --tenant dso";
    drop(house.run(added).ok());
    let before = house.rehearsal.audited();

    // The provider is away: nobody is let in on trust, and everything else goes on.
    let claims = json!({"iss": house.provider.issuer()});
    let early = house.provider.forge(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "x"}), &claims);
    let away = house.ask(&early, &[]);
    assert_eq!(away, (503, "sign-in.provider-away".to_owned()));
    let away = house.run(sign_in);
    assert!(away.code == Some(8) && away.err.contains("sign-in.provider-away"), "{}", away.all());
    let nobody = house.run(who);
    assert!(nobody.code == Some(6) && nobody.err.contains("sign-in.needed"), "{}", nobody.all());
    house.provider.serve();

    let said = house.sign_in(sign_in);
    let credential = said.lines().find_map(|line| line.strip_prefix("signed in as ")).expect("who");
    assert!(credential.starts_with(&format!("oidc:{} ", house.provider.issuer())), "{credential}");
    assert_eq!(house.run("stat -c %a tim.token").ok().out.trim(), "600");
    // On nobody's record yet; the answer says what an administrator types.
    eventually("the server asks the provider again", || {
        let unknown = house.run(who);
        let is_known = unknown.err.contains("people.unknown") && unknown.err.contains(credential);
        assert!(is_known || unknown.err.contains("sign-in.provider-away"), "{}", unknown.all());
        is_known.then_some(())
    });
    let of = |block: &str| block.replace("oidc:https://id.example SUBJECT", credential);
    drop(house.run(&of(put_on_record)).ok());
    let shown = house.run(who).ok();
    assert!(
        shown.out.contains("id:         tim") && shown.out.contains("technician for dso"),
        "{}",
        shown.out
    );

    let token = house.token("tim.token");
    what_is_not_taken(&house, &token);
    another_client(&house);
    refreshing(&house, who);
    a_visit(&house, by_device);

    // The provider goes away while the server has its keys; whose credential is taken away is nobody with the next request.
    let last = house.token("tim.token");
    house.provider.stop();
    assert_eq!(house.ask(&last, &[]).0, 200);
    drop(house.run(&of(take_away)).ok());
    assert_eq!(house.ask(&last, &[]), (403, "people.unknown".to_owned()));
    house.provider.serve();
    let out = house.run(sign_out).ok();
    // This provider revokes for confidential clients alone, and it is told.
    assert!(
        out.out.contains("signed out: oidc:") && out.out.contains("did not revoke it: it answers 401"),
        "{}",
        out.out
    );
    assert!(!house.rehearsal.state("tim.token").exists());
    on_record(&mut house, before, &[&token, &last]);
}

/// Refusals are on record under the person's name where he is known, and of strangers once a minute; no token is anywhere.
fn on_record(house: &mut House, before: u64, tokens: &[&str]) {
    let records = house.rehearsal.audit_after(before);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of_tim = |reason: &str| {
        records.iter().any(|one| one["actor"] == "operator:tim" && text(&one["reason"]) == reason)
    };
    for reason in ["people.token-expired", "people.token-long-lived", "people.token-audience", "people.role"]
    {
        assert!(of_tim(reason), "{reason}");
    }
    let strangers = records.iter().filter(|one| text(&one["actor"]).starts_with("operator:address-")).count();
    assert!((1..=4).contains(&strangers), "{strangers} records of strangers");
    let everything = format!("{}{}", json!(records), house.rehearsal.log());
    for token in tokens {
        for part in token.split('.') {
            assert!(!everything.contains(part), "a part of a token is on record or in the log");
        }
    }
}

//! A PKI in the midst of its work: something of everything that a page shows. Much of it is named by somebody hostile.

use e2e::browser::Window;
use e2e::fleet::{Meter, Suite};
use e2e::office::Office;
use e2e::peer::{Shown, path};
use serde_json::{Value, json};

/// What a page would run if it took a text for anything but text. Whatever runs sets `ran`.
pub(crate) const SCRIPT: &str = "<script>ran=1</script>";
pub(crate) const IMAGE: &str = "\"><img src=x onerror=ran=1>";
/// 64 letters without a place to break.
pub(crate) const LONG: &str = "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";
/// What is read in another order than it is written.
pub(crate) const TURNED: &str = "report\u{202e}gpj.exe";

/// How things are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// A person, and another.
    pub(crate) people: [&'static str; 2],
    /// Models of meters.
    pub(crate) models: [&'static str; 3],
    pub(crate) campaign: &'static str,
    pub(crate) batch: &'static str,
    /// Why a visit is opened, a role is asked for, an authority is shut out.
    pub(crate) reasons: [&'static str; 3],
}

/// As somebody hostile calls them.
pub(crate) const HOSTILE: Words = Words {
    people: [SCRIPT, TURNED],
    models: [SCRIPT, IMAGE, LONG],
    campaign: IMAGE,
    batch: IMAGE,
    reasons: [SCRIPT, IMAGE, SCRIPT],
};

/// As they are called in a quiet year.
pub(crate) const ORDINARY: Words = Words {
    people: ["Hal, dispatch", "Ida, night shift"],
    models: ["MPK-3", "MPK-3", "MPK-1"],
    campaign: "Own certificates, north, spring",
    batch: "L-0042",
    reasons: [
        "no answer for two weeks",
        "hand-held unit stolen, nobody of operations can be reached",
        "its maker reports a break-in",
    ],
};

/// The meter of the rehearsed fleet, which has certificates of every purpose.
pub(crate) const METER: &str = "4D504B0100000000";
/// One whose request waits.
pub(crate) const WAITS: &str = "4D504B0100000C11";
/// Those of the campaign, first of them.
const CAMPAIGN: [&str; 3] = [WAITS, "4D504B0100000C12", "4D504B0100000C13"];

/// How the things are called that the office has.
pub(crate) struct Things {
    /// Serial number of a certificate that is good, of `dso-operational-s1`.
    pub(crate) good: String,
    /// Of one that is revoked.
    pub(crate) revoked: String,
    pub(crate) request: String,
    pub(crate) campaign: String,
    pub(crate) order: String,
    pub(crate) visit: String,
    pub(crate) production: String,
}

/// Lets everything come about that pages show, and names it.
pub(crate) fn at_work(office: &Office, words: &Words) -> Things {
    Work { office }.things(words)
}

struct Work<'a> {
    office: &'a Office,
}

impl Work<'_> {
    fn things(&self, words: &Words) -> Things {
        self.devices(words);
        let of_meter = self.office.rehearsal.certificates_of(METER);
        let serial = |status: &str| {
            let is = |one: &&Value| one["status"] == status && one["issuer"] == "dso-operational-s1";
            text(&of_meter.iter().find(is).unwrap_or_else(|| panic!("{status}: {of_meter:?}"))["serial"])
        };
        let hal = ["people", "add", "hal", "--name", words.people[0], "--role", "ra-officer"];
        drop(self.office.operator(&hal));
        drop(self.office.ask("/v1/people", Some(&json!({"id": "ida", "name": words.people[1]}))));
        self.deliveries_and_dates(words);
        let things = Things {
            good: serial("good"),
            revoked: serial("revoked"),
            request: self.request(),
            campaign: self.campaign(words),
            order: self.order(),
            visit: self.visit(words),
            production: self.production(words),
        };
        self.emergency(words);
        things
    }

    fn devices(&self, words: &Words) {
        let list = self.office.rehearsal.unique("devices.csv");
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let row = |(title, model): (&str, &str)| format!("{title},,{},B-7,north,dc-1\n", quoted(model));
        let rows: String = CAMPAIGN.into_iter().zip(words.models).map(row).collect();
        let heading = "system_title,manufacturer,model,batch,region,concentrator\n";
        std::fs::write(&list, format!("{heading}{rows}")).expect("it can be written");
        drop(self.office.operator(&["device", "import", &path(&list), "--tenant", "dso"]));
    }

    fn deliveries_and_dates(&self, words: &Words) {
        let delivery = json!({
            "tenant": "dso", "manufacturer": "maker", "source": "mapped", "digest": "ab".repeat(32), "batch": words.batch, "announced": 3,
        });
        drop(self.office.ask("/v1/deliveries", Some(&delivery)));
        let later = self.office.rehearsal.certificates_of("4D504B0200000001");
        let [due, held] = [0, 1].map(|place: usize| text(&later[place]["serial"]));
        let due = json!({"serial": due, "reason": "superseded", "at": "2036-01-01T00:00:00Z"});
        drop(self.office.ask("/v1/schedule", Some(&due)));
        drop(self.office.operator(&["cert", "revoke", &held, "--reason", "certificateHold"]));
        let key = text(&self.office.ask("/v1/trust", None)[1]["key"]);
        drop(self.office.ask("/v1/trust/blocks", Some(&json!({"key": key, "why": words.reasons[2]}))));
    }

    /// A meter asks for what two people have to approve.
    fn request(&self) -> String {
        let (user, password) = self.office.rehearsal.token(WAITS, "meter-op-ds-s1");
        let meter = Meter::new(&self.office.rehearsal, WAITS, Suite::One);
        let answer = meter.try_enrol("meter-op-ds", &Shown::Password { user, password });
        assert_eq!(answer.status, 202, "{}", answer.text());
        text(&self.office.ask("/v1/requests?limit=10", None)["requests"][0]["id"])
    }

    fn campaign(&self, words: &Words) -> String {
        let profiles = ["meter-op-ka-s1", "meter-op-tls-s1", "meter-op-ds-s1"];
        let plan = json!({
            "tenant": "dso", "name": words.campaign, "goal": "swap", "road": "head-end", "profiles": profiles, "choice": {"batch": "B-7"},
            "waves": [2], "stop_percent": 50, "per_minute": 600, "per_concentrator": 4,
        });
        let digest = text(&self.office.ask("/v1/campaign-plans", Some(&plan))["campaign"]["digest"]);
        drop(self.office.ask(&format!("/v1/campaigns/{digest}/acts"), Some(&json!({"act": "request"}))));
        digest
    }

    /// An order over three certificates, which waits for a second person.
    fn order(&self) -> String {
        let chosen = json!({"issuer": "dso-operational-s2", "system_titles": ["4D504B0200000001"]});
        let plan = json!({"selection": chosen, "reason": "keyCompromise", "show": 5});
        let digest = text(&self.office.ask("/v1/plans", Some(&plan))["order"]["digest"]);
        drop(self.office.ask(&format!("/v1/orders/{digest}/acts"), Some(&json!({"act": "request"}))));
        digest
    }

    fn visit(&self, words: &Words) -> String {
        let plan = visit_plan("4D504B4800000001", words.reasons[0]);
        text(&self.office.ask("/v1/visits", Some(&json!({"id": "V-2026-117", "plan": plan})))["id"])
    }

    fn production(&self, words: &Words) -> String {
        let order = json!({
            "id": "PO-2026-0815", "tenant": "maker", "ordered": 3, "profiles": ["meter-factory-ds-s1", "meter-factory-ka-s1"],
            "until": time("30 days"), "ranges": [{"first": "4D504B0200000101", "last": "4D504B0200000109"}],
            "model": words.models[1], "firmware": "2.4.1", "batch": "2026-48", "customer": "dso", "stations": ["line-1-s1"],
        });
        text(&self.office.ask("/v1/production", Some(&order))["id"])
    }

    /// Hal asks for a role, by the command line and with his own certificate.
    fn emergency(&self, words: &Words) {
        self.office.certify("hal");
        let text = format!(
            "[server]\nurl = \"{}\"\ntrust_file = \"{}\"\ncertificate_file = \"{}\"\n",
            self.office.origin,
            path(&self.office.rehearsal.root()),
            path(&self.office.certificate("hal")),
        );
        std::fs::write(self.office.rehearsal.scratch("hal.toml"), text).expect("a file");
        let asks = ["break-glass", "ask", "--role", "approver", "--hours", "2", "--reason", words.reasons[1]];
        let said = self.office.rehearsal.operator_by("hal.toml", &asks);
        assert!(said.success, "{}", said.all());
    }
}

/// What a visit is to be, from now on for ten hours.
pub(crate) fn visit_plan(unit: &str, reason: &str) -> Value {
    let [from, until] = ["now", "10 hours"].map(time);
    json!({
        "tenant": "dso", "technician": "tim", "unit": unit, "meters": [METER], "region": "", "from": from, "until": until,
        "reason": reason,
    })
}

/// A time as `date` says it.
pub(crate) fn time(when: &str) -> String {
    let said = e2e::tool::run("date", ["-u", "-d", when, "+%FT%TZ"]).ok();
    said.out.trim().to_owned()
}

/// A digest as lists show it.
pub(crate) fn short(digest: &str) -> String {
    format!("{}…", &digest[..12])
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}

/// Asserts that no text was taken for a script, and nothing else went wrong in the pages of a window.
#[track_caller]
pub(crate) fn is_harmless(window: &Window<'_>, page: &str) {
    assert_eq!(window.run("() => typeof window.ran"), "undefined", "{page}: a text was run as a script");
    let faults = window.faults();
    assert!(faults.is_empty(), "{page}: {faults:#?}");
}

//! The chapter on campaigns as it stands, with two operators, simulated meters behind a head-end that works by files, answers
//! that are lost, and a server that is killed.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use dlms::security_setup::MeterKey;
use e2e::chapter::steps;
use e2e::fleet::{Meter as MadeMeter, Suite};
use e2e::head_end::HeadEnd;
use e2e::operators::{let_in, run_as};
use e2e::patience::eventually;
use e2e::peer::path;
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;
use serde_json::{Value, json};

/// The chapter that operators read.
pub(crate) const CHAPTER: &str = include_str!("../../docs/operate/campaigns.md");

const FIRST: u32 = 1001;
const SECOND: u32 = 1002;

/// How many meters there are.
const METERS: u8 = 6;

fn title(number: u8) -> String {
    format!("4D504B0100000C{:02X}", 0x10 + number)
}

fn set_up() -> Rehearsal {
    let rehearsal = Rehearsal::start_with(1, |text| {
        let text = text.replace("[operator]\n", "[operator]\nusers = [1001, 1002]\n");
        let text = text
            .replace("doors = [\"factory-certificate\"", "doors = [\"campaign\", \"factory-certificate\"");
        format!("{text}\n[revocation]\ntwo_people_from = 2\n")
    });
    let_in(&rehearsal);
    let case = rehearsal.state("case");
    std::fs::create_dir(&case).expect("it can be made");
    std::fs::set_permissions(&case, Permissions::from_mode(0o777)).expect("ours");
    let rows: String =
        (1..=METERS).map(|number| format!("{},,E350,B-7,,dc-{}\n", title(number), number % 2)).collect();
    let list = rehearsal.unique("devices.csv");
    let heading = "system_title,manufacturer,model,batch,region,concentrator\n";
    std::fs::write(&list, format!("{heading}{rows}")).expect("it can be written");
    drop(rehearsal.operator(&["device", "import", &path(&list), "--tenant", "dso"]).ok());
    // How long signing takes is measured by what is signed: here the certificate of a meter on the line.
    drop(MadeMeter::new(&rehearsal, &title(METERS + 1), Suite::One).manufacture());
    rehearsal
}

fn step(rehearsal: &Rehearsal, user: u32, round: usize, block: &str) -> Said {
    let case = path(&rehearsal.state("case"));
    run_as(rehearsal, user, &format!("umask 022; CASE={case}; ROUND={round}\n{block}"))
}

fn campaign(rehearsal: &Rehearsal) -> Value {
    rehearsal.operator_json(&["campaign", "show", "spring"])
}

/// The campaign that the first certificate of all names which a meter got in it, once there is one.
fn in_campaign(rehearsal: &Rehearsal, titles: &[String]) -> Option<String> {
    let all: Vec<Value> = titles.iter().flat_map(|title| rehearsal.certificates_of(title)).collect();
    let own =
        all.iter().find(|one| one["profile"].as_str().is_some_and(|name| name.starts_with("meter-op-")))?;
    let history = rehearsal.operator_json(&["cert", "history", own["serial"].as_str().expect("a number")]);
    Some(history["request"]["campaign_name"].as_str().unwrap_or("none").to_owned())
}

#[test]
fn the_chapter_on_campaigns_works_as_it_stands_over_lost_answers_and_kills() {
    let [plan, start, approve, orders, answers, look, resume, evidence, _] = steps(CHAPTER);
    let mut rehearsal = set_up();
    let titles: Vec<String> = (1..=METERS).map(title).collect();
    let mut head_end = HeadEnd::new(&rehearsal, &titles);
    head_end.mislay_one("import-certificate");
    head_end.lose_one("import-certificate");
    let said = step(&rehearsal, FIRST, 0, plan).ok();
    assert!(said.out.contains("6 devices, 18 certificates"), "{}", said.out);
    assert!(
        said.out.contains("waves of 2, 4") && said.out.contains("signatures measured here"),
        "{}",
        said.out
    );
    let said = step(&rehearsal, FIRST, 0, start).ok();
    assert!(said.out.contains("waits for another operator"), "{}", said.out);
    let own = step(&rehearsal, FIRST, 0, approve);
    assert!(own.err.contains("(campaign.own)"), "{}", own.all());
    let said = step(&rehearsal, SECOND, 0, approve).ok();
    assert!(said.out.contains("is running"), "{}", said.out);

    let (mut file, mut round) = (0, 0);
    let mut early = None;
    loop {
        // Whatever the server does in its own time, and the time of the lost answer, goes by meanwhile.
        let work = eventually("work for the head-end, or the end", || {
            file += 1;
            drop(step(&rehearsal, FIRST, file, orders).ok());
            let written = rehearsal.state(&format!("case/orders-{file}.jsonl"));
            let any = !std::fs::read_to_string(written).expect("the step wrote it").is_empty();
            (any || campaign(&rehearsal)["state"] == "done").then_some(any)
        });
        if !work {
            break;
        }
        round += 1;
        if round == 3 || round == 11 {
            // Between the calls and their answers.
            rehearsal.kill();
            rehearsal.serve();
        }
        let case = rehearsal.state("case");
        let orders = case.join(format!("orders-{file}.jsonl"));
        head_end.work(&orders, &case.join(format!("answers-{file}.jsonl")));
        drop(step(&rehearsal, FIRST, file, answers).ok());
        if early.is_none() {
            early = in_campaign(&rehearsal, &titles);
        }
        if round == 7 {
            // Once more: whatever was taken is taken again.
            drop(step(&rehearsal, FIRST, file, answers).ok());
            rehearsal.kill();
            rehearsal.serve();
        }
    }
    assert_eq!(early.as_deref(), Some("spring"), "while it is under way");
    let view = campaign(&rehearsal);
    let total = &view["total"];
    assert_eq!(
        (&view["state"], &total["done"], &total["stuck"]),
        (&json!("done"), &json!(6), &json!(0)),
        "{view}"
    );
    for meter in head_end.meters.values() {
        assert!(MeterKey::ALL.iter().all(|key| meter.certificate(*key).is_some()));
    }
    // Each certificate says in which campaign it was issued, and what was not says none.
    for (title, name) in [(titles[0].as_str(), Some("spring")), ("4D504B0100000000", None)] {
        let of = rehearsal.certificates_of(title);
        let of = of.iter().find(|one| one["profile"] == "meter-op-ds-s1").expect("each has one");
        let history = rehearsal.operator_json(&["cert", "history", of["serial"].as_str().expect("a number")]);
        let request = &history["request"];
        assert_eq!(request["campaign_name"].as_str(), name, "{history}");
        assert_eq!(request["campaign"], name.map_or(Value::Null, |_| view["digest"].clone()), "{history}");
    }
    let said = step(&rehearsal, FIRST, 0, look).ok();
    assert!(said.out.contains("6 of 6 done"), "{}", said.out);
    drop(step(&rehearsal, FIRST, 0, resume).ok());
    let said = step(&rehearsal, FIRST, 0, evidence).ok();
    assert!(said.out.contains("factory certificates superseded, audit record"), "{}", said.out);
    assert_eq!(said.out.matches("known by export").count(), 3, "{}", said.out);
}

//! Files of work orders there and back, with a meter behind them, and lines that are at fault.

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;
use dlms::block::request_for_more;
use dlms::cosem::LogicalName;
use dlms::meter::{Identity, Meter};
use dlms::security_setup::{Attribute, MeterKey};
use dlms::work_order::{Addressee, Answer, Conversation, Goal, Next, Outcome, Reply, Wishes, WorkOrder};
use serde_json::json;

use super::*;

const ADDRESSEE: Addressee = Addressee {
    title: SystemTitle::new(*b"MPK\0\0\0\0\x2A"),
    suite: SecuritySuite::Suite2,
    object: LogicalName::security_setup(0),
    max_pdu: 200,
};

fn conversation() -> Conversation {
    let wishes = Wishes { keys: MeterKey::ALL.to_vec(), ..Wishes::default() };
    Conversation::new(WorkOrder::new(ADDRESSEE, Goal::Swap, wishes))
}

fn meter() -> Meter {
    let Addressee { title, suite, object, max_pdu } = ADDRESSEE;
    Meter::new(Identity { title, suite, object, max_pdu, seed: [5; 32], anchors: Vec::new() }, Vec::new())
}

/// Works as a head-end that knows the file and nothing of us: octets to the meter, octets back.
fn head_end(line: &OrderLine, meter: &mut Meter) -> AnswerLine {
    let one = |call: &CallText| {
        let mut apdus: Vec<Vec<u8>> = Vec::new();
        for request in &call.apdus {
            apdus.push(meter.exchange(&hex::decode(request).unwrap()).unwrap());
        }
        while let Some(request) = apdus.last().and_then(|answer| request_for_more(answer)) {
            apdus.push(meter.exchange(&request).unwrap());
        }
        AnswerText {
            call: call.call,
            apdus: Some(apdus.iter().map(hex::encode).collect()),
            ..AnswerText::default()
        }
    };
    AnswerLine {
        order: line.order.clone(),
        system_title: line.system_title.clone(),
        answers: line.calls.iter().map(one).collect(),
    }
}

fn lines<L: Line>(text: &str) -> Vec<(u64, Result<L, LineError>)> {
    Lines::new(text.as_bytes()).collect()
}

#[test]
fn a_head_end_works_a_file_and_the_answers_are_judged() {
    let mut conversation = conversation();
    let mut file = Vec::new();
    write_line(&OrderLine::new("swap-1", &ADDRESSEE, &conversation.ready()), &mut file).unwrap();
    let mut meter = meter();
    let mut answers = Vec::new();
    for (_, line) in Lines::<_, OrderLine>::new(file.as_slice()) {
        write_line(&head_end(&line.unwrap(), &mut meter), &mut answers).unwrap();
    }
    for (_, line) in Lines::<_, AnswerLine>::new(answers.as_slice()) {
        let line = line.unwrap();
        assert_eq!((line.order.as_str(), line.title().unwrap()), ("swap-1", ADDRESSEE.title));
        for reply in line.replies().unwrap() {
            drop(conversation.answer(&reply, &|_| None).unwrap());
        }
    }
    assert_eq!(conversation.next(), Next::Issue(MeterKey::Signature));
    for key in MeterKey::ALL {
        assert_eq!(conversation.request(key).unwrap().subject().system_title(), Some(ADDRESSEE.title));
    }
}

#[test]
fn a_line_is_as_the_chapter_shows_it() {
    let order = WorkOrder::reading(ADDRESSEE, &[Attribute::SecuritySuite]);
    let line = OrderLine::new("look", &ADDRESSEE, &Conversation::new(order).ready());
    let text = serde_json::to_value(&line).unwrap();
    let call = json!({
        "call": 1, "service": "get", "member": 3, "invoke_id": 1, "text": "read security_suite (attribute 3)",
        "answer": "value", "apdus": ["C001C1004000002B0000FF0300"],
    });
    let expected = json!({
        "order": "look", "system_title": "4D504B000000002A", "suite": 2, "object": "0.0.43.0.0.255", "calls": [call],
    });
    assert_eq!(text, expected);
    let document = include_str!("../../../../docs/operate/work-orders.md");
    assert!(
        document.contains(&serde_json::to_string(&line).unwrap()),
        "{}",
        serde_json::to_string(&line).unwrap()
    );
}

#[test]
fn answers_come_back_in_all_three_forms() {
    let replies = vec![
        Reply { call: 1, answer: Answer::Apdus(vec![vec![0xC7, 1, 0xC1, 0, 0]]) },
        Reply { call: 2, answer: Answer::Result { result: 0, returned: Some(vec![0x16, 2]) } },
        Reply { call: 3, answer: Answer::Nothing },
    ];
    let mut file = Vec::new();
    write_line(&AnswerLine::new("look", ADDRESSEE.title, &replies), &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    let read = lines::<AnswerLine>(&text).remove(0).1.unwrap();
    assert_eq!(read.replies().unwrap(), replies);
}

#[test]
fn a_head_end_that_answers_out_of_order_is_found() {
    let mut conversation = conversation();
    let line = OrderLine::new("swap-1", &ADDRESSEE, &conversation.ready());
    let mut answers = head_end(&line, &mut meter());
    answers.answers.swap(0, 1);
    let replies = answers.replies().unwrap();
    assert_eq!(conversation.answer(&replies[0], &|_| None).unwrap_err().code(), "dlms.out_of_order");
    assert_eq!(conversation.answer(&replies[1], &|_| None), Ok(Outcome::Title(ADDRESSEE.title)));
}

#[test]
fn faulty_lines_are_told_by_number_and_do_not_end_the_others() {
    let good = r#"{"order":"a","system_title":"4D504B000000002A","answers":[]}"#;
    let file = [
        good,
        "",
        "{",
        r#"{"order":"a","system_title":"4D504B000000002A","answers":[],"more":1}"#,
        r#"{"order":"","system_title":"4D504B000000002A","answers":[]}"#,
        good,
    ];
    let read = lines::<AnswerLine>(&file.join("\n"));
    let told: Vec<(u64, Option<&str>)> =
        read.iter().map(|(number, line)| (*number, line.as_ref().err().map(LineError::code))).collect();
    let not_json = Some("work_order.not_json");
    assert_eq!(told, [(1, None), (3, not_json), (4, not_json), (5, Some("work_order.name")), (6, None)]);
}

#[test]
fn an_answer_has_exactly_one_form() {
    for answer in [
        r#"{"call":7}"#,
        r#"{"call":7,"lost":false}"#,
        r#"{"call":7,"lost":true,"result":0}"#,
        r#"{"call":7,"apdus":["C701C10000"],"result":0}"#,
        r#"{"call":7,"returned":"1602"}"#,
        r#"{"call":7,"apdus":["C7 01"]}"#,
        r#"{"call":7,"result":0,"returned":"160"}"#,
    ] {
        let text = format!(r#"{{"order":"a","system_title":"4D504B000000002A","answers":[{answer}]}}"#);
        let line = lines::<AnswerLine>(&text).remove(0).1.unwrap();
        assert!(matches!(line.replies(), Err(LineError::Answer { call: 7 })), "{answer}");
    }
}

#[test]
fn bounds_hold_on_lines_and_calls() {
    let long = vec![b' '; MAX_LINE_OCTETS + 1];
    let read: Vec<_> = Lines::<_, AnswerLine>::new(long.as_slice()).collect();
    assert!(matches!(read.as_slice(), [(1, Err(LineError::TooLong))]));
    let answers = vec![r#"{"call":1,"lost":true}"#; MAX_CALLS + 1].join(",");
    let text = format!(r#"{{"order":"a","system_title":"4D504B000000002A","answers":[{answers}]}}"#);
    assert_eq!(lines::<AnswerLine>(&text).remove(0).1.unwrap_err().code(), "work_order.calls");
    let name = "a".repeat(129);
    let text = format!(r#"{{"order":"{name}","system_title":"4D504B000000002A","answers":[]}}"#);
    assert_eq!(lines::<AnswerLine>(&text).remove(0).1.unwrap_err().code(), "work_order.name");
    let title = AnswerLine { order: "a".to_owned(), system_title: "4d504b".to_owned(), answers: Vec::new() };
    assert_eq!(title.title().unwrap_err().code(), "work_order.title");
}

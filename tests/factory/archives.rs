//! A directory, a zip made by `zip` of Python and a tar made by `tar` give the same certificates; what is wrong with single files
//! is told by file, and stops no other.

use std::path::Path;

use e2e::tool::run;

use crate::ground::{
    certificates, faults, issue, open, order, rehearsal, report, requests, signature, title,
};

#[test]
fn archives_made_by_others_are_read_and_single_faults_stop_nothing_else() {
    let rehearsal = rehearsal();
    let more = signature(20);
    open(&rehearsal, "PO-2", 4, &more.iter().map(String::as_str).collect::<Vec<_>>());
    let wished = requests(&rehearsal.scratch("requests"), 'D', 1..=3);
    // A purpose that is not ordered, another device than the name says, no request at all, a title of nobody.
    requests(&wished, 'A', 1..=1);
    std::fs::copy(wished.join(format!("D{}.csr", title(1))), wished.join(format!("D{}.csr", title(9))))
        .unwrap();
    std::fs::write(wished.join(format!("D{}.csr", title(8))), "nothing").unwrap();
    requests(&wished, 'D', 500..=500);
    std::fs::write(wished.join("odd name.csr"), "nothing").unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (tar, zip) = (rehearsal.scratch("requests.tar.gz"), rehearsal.scratch("requests.zip"));
    drop(run("tar", ["-czf", &text(&tar), "-C", &text(&wished), "."]).ok());
    let packing = format!(
        "import shutil; shutil.make_archive({:?}, 'zip', {:?})",
        text(&rehearsal.scratch("requests")),
        text(&wished)
    );
    drop(run("python3", ["-c", &packing]).ok());

    let mut first = None;
    for (name, source) in [("directory", &wished), ("tar", &tar), ("zip", &zip)] {
        let out = rehearsal.scratch(&format!("out-{name}"));
        let said = issue(&rehearsal, "PO-2", source, &out);
        assert_eq!(said.code, Some(3), "{name}: {}", said.all());
        let told = report(&said);
        let made = if first.is_none() { "issued" } else { "repeated" };
        assert_eq!(
            (&told["requests"], &told[made], &told["refused"]),
            (&8.into(), &3.into(), &5.into()),
            "{name}"
        );
        let codes = faults(&out);
        let code = |name: String| codes.get(&name).map(String::as_str);
        assert_eq!(code(format!("A{}.csr", title(1))), Some("order.purpose"), "{codes:?}");
        assert_eq!(code(format!("D{}.csr", title(9))), Some("subject.other"));
        assert_eq!(code(format!("D{}.csr", title(8))), Some("request.unreadable"));
        assert_eq!(code(format!("D{}.csr", title(500))), Some("order.title"));
        assert_eq!(code("odd name.csr".to_owned()), Some("name.unknown"));
        let all = certificates(&out);
        assert_eq!(*first.get_or_insert_with(|| all.clone()), all, "{name}: the same octets");
    }
    assert_eq!(order(&rehearsal, "PO-2")["places"], 3);
    let said = rehearsal.operator(&["factory", "order", "close", "PO-2"]);
    assert_eq!(said.code, Some(7), "{}", said.all());
    assert!(said.err.contains("order.missing"), "{}", said.err);
    let closed = rehearsal.operator_json(&["factory", "order", "close", "PO-2", "--accept-missing"]);
    assert_eq!((&closed["state"], &closed["missing"]), (&"closed".into(), &1.into()));
    let cancelled = rehearsal.operator(&["factory", "order", "cancel", "PO-2", "--reason", "late"]);
    assert_eq!(cancelled.code, Some(7), "{}", cancelled.all());
}

//! Somebody who talks to the operators' interface by curl, over the socket.

use e2e::chapter::Shell;
use e2e::rehearsal::Rehearsal;
use e2e::tool::Said;
use serde_json::Value;

/// A server and its socket.
pub(crate) struct Desk {
    pub(crate) rehearsal: Rehearsal,
}

impl Desk {
    /// Runs a block where the socket is.
    pub(crate) fn run(&self, block: &str) -> Said {
        Shell::new(&self.rehearsal.state(""), &self.rehearsal.scratch("programs")).run(block)
    }

    /// Makes a call by curl; returns status, header fields and body.
    pub(crate) fn call(&self, path: &str, options: &str) -> (u16, String, String) {
        let line = format!("curl -s -i --unix-socket operator.sock http://localhost{path} {options}");
        let said = self.run(&line).ok();
        let (head, body) = said.out.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    #[track_caller]
    pub(crate) fn refused(&self, (path, options): (&str, &str), (status, code): (u16, &str)) {
        let (told, _, body) = self.call(path, options);
        let view: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((told, view["code"].as_str()), (status, Some(code)), "{body}");
    }

    /// How many records of an act there are.
    pub(crate) fn records(&self, act: &str) -> usize {
        let all = self.rehearsal.operator_json(&["audit", "list", "--limit", "1000"]);
        all.as_array().expect("a list").iter().filter(|one| one["act"] == act).count()
    }
}

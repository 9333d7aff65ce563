//! The practice statement of the quickstart: what `meter-pki config statement` makes of a configuration, shown as a template.
//!
//! What differs from one founding to the next (keys, serial numbers, dates, ports) is left out by `--template`, so that the page
//! changes only when the program says something else.

use std::process::Command;

use anyhow::Context;

use super::{Page, Programs};
use crate::called;

const INTRODUCTION: &str = "# A practice statement, filled in\n\n\
An auditor asks for a certificate policy and a certification practice statement in the outline of RFC 3647. Much of what they \
have to say is decided by the configuration and by the program. `meter-pki config statement` writes it down from there:\n\n\
```sh\n\
meter-pki config statement > practice-statement.md        # reads the configuration and every file that it names, as `config check` does\n\
meter-pki config statement --open                         # only what is still to be said, by whom, and where\n\
```\n\n\
What only your organisation can say stands there as a line that begins with *To be filled in by*, with the question that it has to \
answer. Keep the answers in a copy of your own, and make the facts anew whenever the configuration changes: with `diff` you see \
what your copy has to say otherwise. Two facts are not in a configuration, and so not in the document: which certificates the \
store holds, and who the people are. The server tells those (`meter-pki cert list`, `meter-pki people list`).\n\n\
Below is what the verb makes of the configuration of the [quickstart](../operate/commands.md), with `--template`: names of keys, serial \
numbers, fingerprints, dates and addresses are left out, since every founding has others. It is a rehearsal, and the document \
says so where a deployment would do better: keys in files, one machine for everything, no recovery key.\n\n\
---\n\n";

/// Plays a quickstart in a directory of its own and has the statement written.
pub(super) fn page(programs: &Programs) -> anyhow::Result<Page> {
    let place = std::env::temp_dir().join(format!("meter-pki-manual-{}", std::process::id()));
    let made = made(programs, &place);
    let removed =
        std::fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()));
    let text = made?;
    removed?;
    // Its title is one of several on this page.
    let text = text
        .lines()
        .map(|line| if line.starts_with('#') { format!("#{line}\n") } else { format!("{line}\n") });
    let text = format!("{INTRODUCTION}{}", text.collect::<String>());
    let of = "`meter-pki config statement --template`";
    Ok(("docs/manual/practice-statement.md".to_owned(), super::markdown::page(of, &text)))
}

fn made(programs: &Programs, place: &std::path::Path) -> anyhow::Result<String> {
    let program = programs.path("meter-pki");
    let mut quickstart = Command::new(&program);
    quickstart.args(["quickstart", "--meters", "1", "--exit", "--state"]).arg(place);
    called::run(&mut quickstart)?;
    let mut statement = Command::new(&program);
    statement.arg("--config").arg(place.join("meter-pki.toml")).args(["config", "statement", "--template"]);
    called::text(&mut statement)
}

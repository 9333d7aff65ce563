//! The opening: who is there, which file it is, what time it is, whether there is a network. Read aloud and typed back.

use ceremony::file::CeremonyFile;
use ceremony::people::{Person, Role};
use ceremony::transcript::action::{Action, Tool};

use super::beforehand::Beforehand;
use super::error::GuidedError;
use super::network;
use super::scene::Scene;
use super::table::Table;
use ceremony::words::Fingerprint;

/// Opens a ceremony, or takes it up again after an interruption: all but the reading of its file.
pub(crate) fn open(
    table: &mut Table<'_>,
    beforehand: &Beforehand,
    (tool, rehearsal): (Tool, bool),
) -> Result<(), GuidedError> {
    let file = table.file;
    let interfaces = network::check()?;
    table.show(&format!("\n{}\nHeld for {}.\n\nPeople", file.title(), file.held()))?;
    for role in [Role::Operator, Role::Witness] {
        for person in file.people().with(role) {
            table.seat(person)?;
        }
    }
    // Everything was said: only the bundle is left to be made, which needs the keys of those who sit at the table.
    if table.did(|action| matches!(action, Action::Closed)) {
        return Ok(());
    }
    if table.transcript().entries().is_empty() {
        agree_on_time(table)?;
        table.record(Action::Opened { title: file.title().to_owned(), rehearsal, tool })?;
    } else {
        take_up(table)?;
    }
    // It was broken off: what is left is to close it.
    if table.did(|action| matches!(action, Action::Aborted { .. })) {
        return Ok(());
    }
    table.record(Action::NetworkChecked { interfaces })?;
    recall(table, beforehand, rehearsal)?;
    if !table.did(|action| matches!(action, Action::PeopleConfirmed { .. })) {
        greet(table)?;
    }
    Ok(())
}

/// Case R-03: the time is that of the file; people hold it against their own clocks, and no clock of the machine is asked.
fn agree_on_time(table: &mut Table<'_>) -> Result<(), GuidedError> {
    let held = table.file.held().to_string();
    table.show(&format!("\nTime\n  Everything that is made today speaks for {held}.\n  Everybody looks at a clock of their own."))?;
    table.insist("  Operator: if all agree that this is the day, type the time as it stands above", &held)
}

/// Case R-07: the transcript says how far it came.
fn take_up(table: &mut Table<'_>) -> Result<(), GuidedError> {
    let last = table.transcript().entries().last().map(|entry| (entry.step(), entry.action().name()));
    let (step, name) = last.unwrap_or_default();
    table.show(&format!(
        "\nThis ceremony was interrupted after step {step}, {name}. It goes on from there."
    ))?;
    let why = table.ask("Why was it interrupted? In one sentence")?;
    table.record(Action::Resumed { why })
}

/// Records what was held before; a ceremony that nobody rehearsed is told so.
fn recall(table: &mut Table<'_>, beforehand: &Beforehand, rehearsal: bool) -> Result<(), GuidedError> {
    let previous = beforehand.previous.as_ref();
    let previous =
        previous.map(|previous| Action::PreviousVerified { manifest: *previous.bundle().manifest() });
    let rehearsed = beforehand.rehearsed.as_ref();
    let rehearsed = rehearsed.map(|rehearsed| Action::Rehearsed { manifest: *rehearsed.manifest() });
    if rehearsed.is_none() && !rehearsal && !table.did(|action| matches!(action, Action::Rehearsed { .. })) {
        table.show("  WARNING: no rehearsal of this file was named. Stop here, unless the script says who decided to go on.")?;
    }
    for action in previous.into_iter().chain(rehearsed) {
        if !table.did(|done| *done == action) {
            table.record(action)?;
        }
    }
    Ok(())
}

/// Says who is to be there; who is absent, and may be, is noted.
fn greet(table: &mut Table<'_>) -> Result<(), GuidedError> {
    let people: Vec<&Person> = table.file.people().iter().collect();
    for person in &people {
        table.show(&format!("  {:<14} {}", person.role.to_string(), person.name))?;
    }
    let absent = loop {
        let answer = table.ask(
            "Everybody says name and role. Type the names of those who are absent, with commas between them",
        )?;
        let names: Vec<String> =
            answer.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        match names.iter().find(|name| !may_be_absent(table.file, name)) {
            None => break names,
            Some(name) => table.show(&format!("  {name} is not in the file, or cannot be absent."))?,
        }
    };
    let present = people.iter().map(|person| person.name.clone()).filter(|name| !absent.contains(name));
    table.record(Action::PeopleConfirmed { present: present.collect() })
}

fn may_be_absent(file: &CeremonyFile, name: &str) -> bool {
    let optional = |person: &Person| matches!(person.role, Role::ShareHolder | Role::Auditor);
    file.people().named(name).is_some_and(optional)
}

/// Case R-01: what the room hears is the sum of the very file that is carried out.
pub(crate) fn read_aloud(table: &mut Table<'_>, scene: &Scene) -> Result<(), GuidedError> {
    if table.did(|action| matches!(action, Action::InputReadAloud { .. })) {
        return Ok(());
    }
    let sha256 = *table.file.fingerprint();
    compare(table, "the ceremony file", &sha256)?;
    let inputs = scene.take_in(table.file)?;
    table.record_with(Action::InputReadAloud { sha256 }, inputs, Vec::new())
}

/// Has the words of a file read aloud; the operator types the first and the last one, so that somebody looked.
pub(crate) fn compare(table: &mut Table<'_>, what: &str, sha256: &Fingerprint) -> Result<(), GuidedError> {
    table.show(&format!("\nSHA-256 of {what}\n  {}", sha256.grouped()))?;
    let words = sha256.words();
    for (row, four) in words.chunks(4).enumerate() {
        table.show(&format!("  {:>2}  {}", row * 4 + 1, four.join(" ")))?;
    }
    table.show(
        "  The operator reads the words aloud; everybody compares them with the page in their hands.",
    )?;
    table.insist("  Operator: type the first word of the page", words.first().unwrap_or(&""))?;
    table.insist("  Operator: type the last word of the page", words.last().unwrap_or(&""))
}

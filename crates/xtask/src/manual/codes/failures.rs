//! Codes of failures that are made where they happen: `Failure::new(Exit::X, "code", sentence).then("next")`, and what is called
//! like it.

use super::errors::Sentences;
use super::{Said, as_said, is_code, text_of, within};
use crate::source::Token;

/// How far before a failure its sentence may be written down, in tokens.
const BEFORE: usize = 60;

/// How far before a failure the pattern of its arm may begin, in tokens.
const PATTERN: usize = 24;

/// Reads the codes of one file; a failure that is made of an error says that error's sentence.
pub(super) fn read(tokens: &[&Token], all: &Sentences) -> Vec<Said> {
    let mut found = Vec::new();
    for (place, token) in tokens.iter().enumerate() {
        if !token.is("Exit") {
            continue;
        }
        let rest = tokens.get(place..).unwrap_or_default();
        let [_, a, b, exit, comma, code, after @ ..] = rest else { continue };
        let (Some(exit), Some(code)) = (exit.word(), text_of(code).filter(|text| is_code(text))) else {
            continue;
        };
        if !(a.is(":") && b.is(":") && comma.is(",")) {
            continue;
        }
        let message = arguments(after);
        let behind = after.get(message.len().saturating_add(1)..).unwrap_or_default();
        let before = tokens.get(..place).unwrap_or_default();
        let own = sentence(message, before);
        let sentence = if own.is_empty() { of_arm(before, all).unwrap_or_default() } else { own };
        found.push(Said { code: code.to_owned(), exit: Some(exit.to_owned()), sentence, next: next(behind) });
    }
    found
}

/// What follows up to the parenthesis that closes the call.
fn arguments<'a, 'b>(tokens: &'b [&'a Token]) -> &'b [&'a Token] {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        if ["(", "{", "["].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_add(1);
        } else if [")", "}", "]"].iter().any(|mark| token.is(mark)) {
            if depth == 0 {
                return tokens.get(..place).unwrap_or_default();
            }
            depth = depth.saturating_sub(1);
        }
    }
    tokens
}

/// The text of the call; of a name, the text that it was given shortly before.
fn sentence(message: &[&Token], before: &[&Token]) -> String {
    if let Some(text) = message.iter().find_map(|token| text_of(token)) {
        return as_said(text);
    }
    let name = message.iter().filter_map(|token| token.word()).next();
    let near = before.get(before.len().saturating_sub(BEFORE)..).unwrap_or_default();
    let given = near.windows(3).rposition(
        |three| matches!(three, [a, b, c] if a.is("let") && b.word() == name && name.is_some() && c.is("=")),
    );
    let text = given.and_then(|place| near.get(place..)?.iter().find_map(|token| text_of(token)));
    text.map(as_said).unwrap_or_default()
}

/// The sentence of the error in whose arm a failure is made: `OpenError::Shut { .. } => Failure::new(`
fn of_arm(before: &[&Token], all: &Sentences) -> Option<String> {
    let near = before.get(before.len().saturating_sub(PATTERN)..)?;
    let arrow = near.windows(2).rposition(|two| matches!(two, [a, b] if a.is("=") && b.is(">")))?;
    // Between the arrow and the code stands nothing but the call.
    let is_call =
        |token: &&Token| token.word().is_some() || ["(", ":", "{"].iter().any(|mark| token.is(mark));
    if !near.get(arrow.saturating_add(2)..)?.iter().all(is_call) {
        return None;
    }
    let pattern = near.get(..arrow)?;
    let path = pattern.windows(4).rev().find_map(|four| match four {
        [of, a, b, variant] if a.is(":") && b.is(":") => Some((of.word()?, variant.word()?)),
        _ => None,
    });
    let (of, variant) = path?;
    all.of(of, variant).map(str::to_owned)
}

/// `.then("…")`, `.then(format!("…"))`
fn next(behind: &[&Token]) -> String {
    // The parentheses of closures and conversions may close first.
    let mut rest = behind;
    while let Some((token, after)) = rest.split_first() {
        if token.is(")") || token.is("}") || token.is("?") {
            rest = after;
            continue;
        }
        let [dot, then, ..] = rest else { break };
        if dot.is(".") && then.is("then") {
            let called = within(rest.get(2..).unwrap_or_default());
            return called.iter().find_map(|token| text_of(token)).map(as_said).unwrap_or_default();
        }
        break;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn a_failure_is_told_with_its_sentence_wherever_that_is_written_down() {
        let text = r#"
fn a(x: u8) -> Result<(), Failure> {
    let message = format!("there is no door {x}");
    Err(Failure::new(Exit::NotFound, "door.unknown", message).then("meter-pki door list"))?;
    let failure = |exit, code| Failure::new(exit, code, "it is shut");
    shut.map_err(|error| Failure::new(Exit::Refused, "door.shut", error))?;
    Err(Failure::new(Exit::Usage, "door.word", format!("{x} is no word")).then(format!("say {x}")))
    match error {
        OpenError::Shut { .. } => Failure::new(Exit::Refused, "door.locked", error),
    }
}
enum OpenError {
    /// It is locked.
    Shut { at: u8 },
}
"#;
        let source = Source::scan(text);
        let tokens: Vec<&Token> = source.tokens.iter().collect();
        let said = |code: &str, exit: &str, sentence: &str, next: &str| Said {
            code: code.to_owned(),
            exit: Some(exit.to_owned()),
            sentence: sentence.to_owned(),
            next: next.to_owned(),
        };
        let expected = [
            said("door.unknown", "NotFound", "there is no door …", "meter-pki door list"),
            said("door.shut", "Refused", "", ""),
            said("door.word", "Usage", "… is no word", "say …"),
            said("door.locked", "Refused", "It is locked.", ""),
        ];
        let mut all = Sentences::default();
        all.add(&source, &tokens);
        assert_eq!(read(&tokens, &all), expected);
    }
}

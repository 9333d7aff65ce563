//! `meter-pki hsm doctor`: module, token and key looked at from end to end; each finding says what to type next.
//!
//! A PIN is offered only with `--login`, once, and only while the token has all its tries left: a doctor that could lock a token would
//! be one more way to lose it. Nothing is changed.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use ca_core::ports::Clock;
use serde::Serialize;
use signer_pkcs11::{Examination, Need, Pin, PinTries, TokenKey, TokenSigner, TokenUri, examine, inventory};
use utoipa::ToSchema;

use super::access;
use super::failure;
use super::list::tries;
use crate::cli::hsm::DoctorArgs;
use crate::commands::printer::Printer;
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::time_text;

/// How far a token's clock may be from ours, in seconds.
const CLOCK_TOLERANCE: u64 = 300;

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmDoctor)]
pub(in crate::commands) struct DoctorView {
    findings: Vec<Finding>,
    ok: usize,
    warnings: usize,
    failures: usize,
}

/// One finding.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HsmFinding)]
pub(in crate::commands) struct Finding {
    check: &'static str,
    /// `ok`, `warn` or `fail`.
    outcome: Outcome,
    says: String,
    /// What to do; empty where there is nothing to do.
    next: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HsmFindingOutcome)]
#[serde(rename_all = "lowercase")]
pub(in crate::commands) enum Outcome {
    Ok,
    Warn,
    Fail,
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Outcome::Ok, (says.into(), ""));
    }

    fn warn(&mut self, check: &'static str, says: impl Into<String>, next: &str) {
        self.add(check, Outcome::Warn, (says.into(), next));
    }

    fn fail(&mut self, check: &'static str, says: impl Into<String>, next: &str) {
        self.add(check, Outcome::Fail, (says.into(), next));
    }

    fn failed(&mut self, check: &'static str, failure: &Failure) {
        self.fail(check, failure.message.clone(), &failure.next);
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, (says, next): (String, &str)) {
        self.0.push(Finding { check, outcome, says, next: next.to_owned() });
    }
}

pub(super) fn run(args: &DoctorArgs, printer: &Printer) -> Result<(), Failure> {
    let uri = access::uri(&args.uri)?;
    let mut findings = Findings::default();
    module_file(uri.module_path(), &mut findings);
    match examine(&uri) {
        Err(error) => findings.failed("token", &failure::open(&error)),
        Ok(found) => {
            token(&found, &mut findings);
            let pin = pin_source(&uri, &mut findings);
            inside(args, (&uri, &found), pin, &mut findings);
        }
    }
    let count = |outcome| findings.0.iter().filter(|one| one.outcome == outcome).count();
    let (ok, warnings, failures) = (count(Outcome::Ok), count(Outcome::Warn), count(Outcome::Fail));
    let view = DoctorView { findings: findings.0, ok, warnings, failures };
    printer.result(&view, lines);
    if failures == 0 {
        return Ok(());
    }
    Err(Failure::new(Exit::Failed, "hsm.doctor", format!("findings that are failures: {failures}"))
        .then("each finding above says what to do"))
}

fn lines(view: &DoctorView) -> Vec<String> {
    let mut lines = Vec::new();
    for one in &view.findings {
        let outcome = match one.outcome {
            Outcome::Ok => "ok  ",
            Outcome::Warn => "warn",
            Outcome::Fail => "FAIL",
        };
        lines.push(format!("{outcome}  {:<11} {}", one.check, one.says));
        if !one.next.is_empty() {
            lines.push(format!("      next: {}", one.next));
        }
    }
    lines.push(format!("ok: {}, warnings: {}, failures: {}", view.ok, view.warnings, view.failures));
    lines
}

/// Who can change the module can sign whatever he likes.
fn module_file(path: &Path, findings: &mut Findings) {
    let shown = path.display();
    let real = match fs::canonicalize(path) {
        Ok(real) => real,
        Err(error) => {
            return findings.fail(
                "module",
                format!("{shown}: {error}"),
                "install the vendor's package, and name its module by module-path",
            );
        }
    };
    let Ok(about) = fs::metadata(&real) else {
        return findings.fail(
            "module",
            format!("{shown} cannot be looked at"),
            "look at the rights of its directories",
        );
    };
    let (owner, mode) = (about.uid(), about.permissions().mode() & 0o7777);
    let says = format!("{}, owner uid {owner}, mode {mode:04o}", real.display());
    let ours = fs::metadata("/proc/self").map_or(0, |process| process.uid());
    if mode & 0o022 != 0 {
        findings.warn("module", says, &format!("chmod go-w {}", real.display()));
    } else if owner != 0 && owner != ours {
        findings.warn("module", says, &format!("chown root {}", real.display()));
    } else {
        findings.ok("module", says);
    }
}

fn token(found: &Examination, findings: &mut Findings) {
    findings.ok("library", format!("{}, PKCS#11 {}", found.library, found.cryptoki));
    findings.ok("token", format!("{}, firmware {}", found.survey.token, found.survey.firmware));
    if found.error_state {
        findings.fail(
            "state",
            "the token says that it is in an error state",
            "look at the vendor's log; the token may need a restart or its maker",
        );
    }
    if found.write_protected {
        findings.warn(
            "state",
            "the token is write-protected: keys can be neither made nor destroyed",
            "unlock it with the vendor's tool before hsm generate",
        );
    }
    if !found.user_pin_set {
        findings.fail("pin", "the user of the token has no PIN", "set one with the vendor's tool");
    }
    match found.survey.tries {
        PinTries::All => findings.ok("pin", found.survey.tries.to_string()),
        PinTries::Fewer | PinTries::Last => {
            findings.warn(
                "pin",
                found.survey.tries.to_string(),
                "log in once with the vendor's tool, by hand: the right PIN restores the tries",
            );
        }
        PinTries::None => findings.fail(
            "pin",
            found.survey.tries.to_string(),
            "have the security officer set a new PIN with the vendor's tool",
        ),
    }
    if found.pin_pad {
        findings.warn(
            "pin",
            "the PIN is entered at the token",
            "a server that starts by itself needs a token that takes its PIN from the pin-source",
        );
    }
    mechanisms(found, findings);
    sessions(found, findings);
    clock(found, findings);
}

fn mechanisms(found: &Examination, findings: &mut Findings) {
    for (need, what) in
        [(Need::Signing, "signing"), (Need::Making, "making keys"), (Need::Copying, "copying keys")]
    {
        let wanted = found.mechanisms.iter().filter(|one| one.for_what == need);
        let (there, missing): (Vec<_>, Vec<_>) = wanted.partition(|one| one.there);
        let names = |list: &[&signer_pkcs11::MechanismFound]| {
            list.iter().map(|one| one.name).collect::<Vec<_>>().join(", ")
        };
        if missing.is_empty() {
            findings.ok("mechanisms", format!("for {what}: {}", names(&there)));
            continue;
        }
        let says = format!("for {what} the token lacks {}", names(&missing));
        match need {
            Need::Signing => findings.fail("mechanisms", says, "this token cannot sign for an authority"),
            Need::Making => findings.warn("mechanisms", says, "make keys with the vendor's tool"),
            Need::Copying => findings.warn(
                "mechanisms",
                says,
                "back keys up with the vendor's tool; hsm copy and hsm backup need these",
            ),
        }
    }
}

fn sessions(found: &Examination, findings: &mut Findings) {
    let most = found.most_sessions.map_or_else(|| "no bound".to_owned(), |most| most.to_string());
    let says = format!("the token says {most}; opened at once: {} of {} tried", found.opened, found.tried);
    if found.opened < found.tried {
        findings.warn(
            "sessions",
            says,
            "the signer uses as many as there are; end other programs that hold some",
        );
    } else {
        findings.ok("sessions", says);
    }
}

fn clock(found: &Examination, findings: &mut Findings) {
    let Some(text) = &found.clock else {
        return findings
            .ok("clock", "the token has none, and none is needed: times are those of this machine");
    };
    let off = time_text::parse(text).map(|time| time.seconds().abs_diff(SystemClock.now().seconds()));
    match off {
        Ok(off) if off <= CLOCK_TOLERANCE => findings.ok("clock", format!("the token's is {text}")),
        Ok(off) => findings.warn(
            "clock",
            format!("the token's is {text}, {off} s from this machine's"),
            "set it with the vendor's tool: its own log has these times",
        ),
        Err(_) => findings.warn(
            "clock",
            format!("the token's cannot be read: {text}"),
            "look with the vendor's tool",
        ),
    }
}

/// Reading the file tries no PIN.
fn pin_source(uri: &TokenUri, findings: &mut Findings) -> Option<Pin> {
    match access::pin_if_named(uri) {
        Ok(Some(pin)) => {
            findings.ok("pin-source", "it gives a PIN; that it is the right one is not tried here");
            Some(pin)
        }
        Ok(None) => {
            findings.warn(
                "pin-source",
                "the URI names none",
                "add &pin-source=file:/path, a file of mode 0600",
            );
            None
        }
        Err(error) => {
            findings.failed("pin-source", &error);
            None
        }
    }
}

/// What only a login shows.
fn inside(
    args: &DoctorArgs,
    (uri, found): (&TokenUri, &Examination),
    pin: Option<Pin>,
    findings: &mut Findings,
) {
    if !args.login {
        return findings.warn(
            "keys",
            "not looked at: no PIN was offered",
            "repeat with --login, which offers the PIN once",
        );
    }
    let Some(pin) = pin else {
        return findings.fail("keys", "not looked at: there is no PIN to offer", "correct the pin-source");
    };
    if found.survey.tries != PinTries::All {
        let says = format!(
            "not looked at: the PIN has {} of its tries, and none is risked",
            tries(found.survey.tries)
        );
        return findings.warn("keys", says, "log in once with the vendor's tool, by hand, then repeat");
    }
    if uri.parts().names_a_key() {
        match access::one_key(uri, NonZeroUsize::MIN) {
            Ok((signer, key)) => one_key(&signer, &key, findings),
            Err(error) => findings.failed("key", &error),
        }
        return;
    }
    match inventory(uri, Some(&pin)) {
        Err(error) => findings.failed("keys", &failure::open(&error)),
        Ok(there) => {
            let usable =
                there.keys.iter().filter(|key| key.public_key.is_some() && key.attributes.is_some()).count();
            let says = format!("on the token: {}, of them usable: {usable}", there.keys.len());
            findings.warn(
                "keys",
                says,
                "add ;object= or ;id= to the URI to have one sign; meter-pki hsm list URI shows them",
            );
        }
    }
}

fn one_key(signer: &TokenSigner, key: &TokenKey, findings: &mut Findings) {
    findings.ok("key", format!("{} ({:?}, {})", key.public_key.key_ref(), key.label, key.public_key.curve()));
    match access::sign_once(signer, &key.public_key) {
        Ok(()) => findings.ok("signature", "the key signs, and the signature verifies"),
        Err(error) => findings.failed("signature", &error),
    }
    let said = match signer.attributes(key) {
        Ok(said) => said,
        Err(error) => return findings.failed("attributes", &failure::token(&error)),
    };
    let words = access::AttributesView::of(said).words();
    if !said.sensitive {
        findings.fail(
            "attributes",
            words,
            "the private key can be read: make another with hsm generate, and take this one out of service",
        );
    } else if said.extractable {
        findings.warn(
            "attributes",
            words,
            "once its copies are made: meter-pki hsm seal URI; servers refuse it until then",
        );
    } else if !(said.always_sensitive && said.never_extractable && said.local) {
        findings.warn(
            "attributes",
            words,
            "it was, or may have been, elsewhere: right for a copy, wrong for a key that was made here",
        );
    } else {
        findings.ok("attributes", words);
    }
}

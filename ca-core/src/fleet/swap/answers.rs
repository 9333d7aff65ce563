//! Giving calls to head-ends, and what their answers come to.

use super::{Answer, Call, Given, KeyStanding, Made, Proof, Shown, Stage, Swap, SwapRefusal, Then, Trouble};
use crate::fleet::patience::Patience;
use crate::validity::UnixTime;

impl Swap {
    /// Gives the present call. Once an import is ordered, whether it took place is asked before anything else is done.
    pub(super) fn gave(
        &mut self,
        call: Call,
        until: UnixTime,
        now: UnixTime,
        patience: &Patience,
    ) -> Result<(), SwapRefusal> {
        if self.next(now, patience) != super::Action::Call(call) {
            return Err(self.out_of_order());
        }
        if let (Call::Import, Stage::Issued(made)) = (call, &self.stage) {
            self.stage = Stage::Importing { made: made.clone(), refused: false };
            self.since = now;
        }
        self.turn = self.turn.saturating_add(1);
        self.given = Some(Given { call, until, lapsed: false });
        Ok(())
    }

    /// Takes in an answer. It counts however late it is, as long as no other call was given since.
    pub(super) fn answered(
        &mut self,
        (turn, answer): (u32, Answer),
        now: UnixTime,
        patience: &Patience,
    ) -> Result<(), SwapRefusal> {
        let Some(given) = self.given else {
            // The same answer again; or one that nobody waits for any more.
            return if turn == self.turn && turn > 0 && !self.is_undone() {
                Ok(())
            } else {
                Err(if self.is_over() { SwapRefusal::Finished } else { SwapRefusal::NotGiven { turn } })
            };
        };
        if turn != self.turn {
            return if turn < self.turn && turn > 0 {
                Err(self.out_of_order())
            } else {
                Err(SwapRefusal::NotGiven { turn })
            };
        }
        match (given.call, answer) {
            (_, Answer::Refused { result }) => self.call_refused(given.call, result, (now, patience)),
            (Call::ReadSuite, Answer::Suite(number)) => self.of_suite(number, now),
            (Call::GenerateKeyPair, Answer::KeyMade) => {
                let attempts = self.attempts;
                self.enter(Stage::KeyGenerated, now);
                // What was tried in vain before counts until the device has asked with the new key.
                self.attempts = attempts;
            }
            (Call::GenerateRequest, Answer::Request { octets, asked, title, key }) => {
                if title != Some(self.title) {
                    return Err(SwapRefusal::OtherDevice);
                }
                match key {
                    KeyStanding::New => self.enter(Stage::Requested { asked, octets }, now),
                    KeyStanding::Certified => return Err(SwapRefusal::KeyNotNew),
                    KeyStanding::OtherType => return Err(SwapRefusal::KeyOfOtherType),
                    KeyStanding::OtherDevice => return Err(SwapRefusal::KeyOfOtherDevice),
                }
            }
            (Call::Import, Answer::Imported) => {
                if let Some(made) = self.stage.made().cloned() {
                    let attempts = self.attempts;
                    self.enter(Stage::Imported(made), now);
                    // What was tried in vain before counts until the device shows the certificate.
                    self.attempts = attempts;
                }
            }
            (Call::Export, Answer::Exported(shown)) => self.exported(shown, now, patience),
            (Call::Activate, Answer::Activated) => {
                if let Stage::Confirmed { made, proof } = self.stage.clone() {
                    self.enter(Stage::Activated { made, proof }, now);
                }
            }
            (
                call,
                Answer::Suite(_)
                | Answer::KeyMade
                | Answer::Request { .. }
                | Answer::Imported
                | Answer::Exported(_)
                | Answer::Activated,
            ) => return Err(SwapRefusal::OtherAnswer { call: call.name() }),
        }
        Ok(())
    }

    /// The device said of which suite it is: of the wanted one it makes keys, of another it must not.
    fn of_suite(&mut self, number: u8, now: UnixTime) {
        if self.asks_suite.is_some_and(|suite| suite.number() == number) {
            self.asks_suite = None;
            self.enter(self.stage.clone(), now);
        } else {
            self.stick(Trouble::OtherSuite { suite: number });
        }
    }

    const fn is_undone(&self) -> bool {
        matches!(self.stage, Stage::Undone { .. })
    }

    /// The device refused a call. That it refused an import is believed when it shows what it holds.
    fn call_refused(&mut self, call: Call, result: u8, (now, patience): (UnixTime, &Patience)) {
        self.given = None;
        match (&self.stage, call) {
            (Stage::Importing { made, .. }, Call::Import) => {
                let made = made.clone();
                self.stage = Stage::Importing { made, refused: true };
                self.trouble = Some(Trouble::CallRefused { result });
                self.not_before = now;
            }
            _ => self.failed(Trouble::CallRefused { result }, now, patience),
        }
    }

    /// The device showed what it holds.
    fn exported(&mut self, shown: Shown, now: UnixTime, patience: &Patience) {
        let Some(made) = self.stage.made().cloned() else { return };
        match shown {
            Shown::Certificate { digest, .. } if digest == made.digest => self.holds(made, now),
            Shown::Certificate { former: false, .. } => self.stick(Trouble::OtherCertificate),
            Shown::Certificate { former: true, .. } | Shown::Nothing => {
                self.does_not_hold(made, now, patience);
            }
        }
    }

    fn holds(&mut self, made: Made, now: UnixTime) {
        let proof = Proof::Export;
        self.enter(Stage::Confirmed { made, proof }, now);
    }

    /// The device holds what it held before: the import did not take place, and the certificate is tried again or withdrawn.
    fn does_not_hold(&mut self, made: Made, now: UnixTime, patience: &Patience) {
        self.given = None;
        if self.ending {
            return self.enter(Stage::Withdrawing { made, then: Then::End }, now);
        }
        if matches!(self.stage, Stage::Importing { refused: true, .. }) {
            return self.enter(Stage::Withdrawing { made, then: Then::Again }, now);
        }
        // An import that nobody answered was counted when its time was over, or when nothing came back.
        let counted = matches!(self.stage, Stage::Importing { .. });
        self.stage = Stage::Issued(made);
        self.since = now;
        if counted {
            self.trouble = Some(Trouble::NotImported);
            self.not_before = now;
        } else {
            self.failed(Trouble::NotImported, now, patience);
        }
    }
}

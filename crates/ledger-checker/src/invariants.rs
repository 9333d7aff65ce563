//! The invariants I1 to I23, each a function that says what breaks it.

use core::fmt;

mod approvals;
mod campaigns;
mod confirmations;
mod days;
mod fleet;
mod handovers;
mod holds;
mod issuance;
mod production;
mod restart;
mod scopes;
mod status;
mod taken_over;
mod trail;
mod visits;
mod witness;

use crate::evidence::Case;

/// A promise of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Every signature that was made has an intent with the same octets.
    I1,
    /// Serial numbers are used once by an issuer, burned ones included.
    I2,
    /// Issued rows, audit records of issuing and signed certificates are the same ones, and all that was delivered is among
    /// them.
    I3,
    /// Nothing is good that was not signed and recorded.
    I4,
    /// Every uncertain serial number is on a CRL after the grace time.
    I5,
    /// CRL numbers increase; entries leave only when they have expired, or were on hold and released.
    I6,
    /// The same request has the same certificate.
    I7,
    /// The audit trail is whole.
    I8,
    /// No certificate outlives its issuer.
    I9,
    /// What was approved was approved by enough others than the requester, and once.
    I10,
    /// What was revoked for good stays so.
    I11,
    /// A second start changes nothing.
    I12,
    /// What was not confirmed is revoked, once, and nothing else with it.
    I13,
    /// A hold ends once, by a release or for good, and the rows say what the trail says.
    I14,
    /// What is revoked in a shard is on the CRL of its shard and on no other shard's, and the indexes say what the rows say.
    I15,
    /// What was superseded because its key was lost had been given to who asked for the next, and that was intended with it.
    I16,
    /// The signer's own log is whole, and it and the ledger tell of the same signatures.
    I17,
    /// Devices are found, counted and followed as their rows say, and stand where the trail says.
    I18,
    /// Under a production order no more devices were made than ordered, each of it, with one certificate of each profile.
    I19,
    /// Campaigns count and list what stands on record for their devices, and what is swapped in was issued.
    I20,
    /// What was issued for a technician's unit was issued on an approved visit in its time, ends with it, and is good alone.
    I21,
    /// What is counted by days is what certificates and revocations add up to.
    I22,
    /// What was taken over is told of once as that, was signed by its issuer's key, and was never intended, issued or signed here.
    I23,
}

/// An invariant that is broken, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.what)
    }
}

/// Where violations are gathered.
pub(crate) struct Findings(Vec<Violation>);

impl Findings {
    pub(crate) fn add(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.0.push(Violation { invariant, what: what.into() });
    }
}

/// Checks all.
pub(crate) fn all(case: &Case) -> Vec<Violation> {
    let mut findings = Findings(Vec::new());
    issuance::every_signature_has_an_intent(case, &mut findings);
    issuance::serial_numbers_are_used_once(case, &mut findings);
    issuance::rows_records_and_signatures_agree(case, &mut findings);
    issuance::only_what_is_signed_is_good(case, &mut findings);
    status::uncertain_ones_are_revoked(case, &mut findings);
    status::crls_follow_each_other(case, &mut findings);
    issuance::a_request_has_one_certificate(case, &mut findings);
    trail::the_trail_is_whole(case, &mut findings);
    issuance::none_outlives_its_issuer(case, &mut findings);
    approvals::every_approval_is_by_someone_else(case, &mut findings);
    status::revoked_stays_revoked(case, &mut findings);
    confirmations::what_is_not_confirmed_is_revoked_once(case, &mut findings);
    holds::rows_are_what_the_trail_says(case, &mut findings);
    scopes::shards_list_their_own(case, &mut findings);
    scopes::short_lived_is_on_no_crl(case, &mut findings);
    scopes::indexes_say_what_the_rows_say(case, &mut findings);
    handovers::who_was_given_a_key_asks_for_the_next(case, &mut findings);
    witness::the_signer_says_the_same(case, &mut findings);
    production::no_surplus_leaves_a_line(case, &mut findings);
    visits::units_have_one_certificate_on_an_approved_visit(case, &mut findings);
    fleet::indexes_say_what_the_rows_say(case, &mut findings);
    fleet::histories_are_told_by_the_trail(case, &mut findings);
    fleet::devices_stand_where_the_trail_says(case, &mut findings);
    fleet::what_was_acknowledged_is_on_record(case, &mut findings);
    campaigns::counts_and_lists_are_those_of_the_devices(case, &mut findings);
    campaigns::devices_stand_where_their_swaps_do(case, &mut findings);
    campaigns::what_is_swapped_in_was_issued(case, &mut findings);
    days::counts_are_what_the_rows_add_up_to(case, &mut findings);
    taken_over::what_was_taken_over_was_never_issued_here(case, &mut findings);
    restart::a_second_start_changes_nothing(case, &mut findings);
    findings.0
}

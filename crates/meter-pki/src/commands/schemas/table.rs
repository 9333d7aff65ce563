//! What each verb prints with `--json`: the types, or why it prints none. One row a verb.

use serde_json::Value;

use super::Definitions;
use crate::commands::{
    audit, backup, bench, campaign, ceremony, cert, closing, cmp, config, credential, crl, delivery, device,
    dlms, doctor, est, factory, hsm, migrate, ocsp, people_certificate, profile, qr, restore, secrets,
    shipment, sign_in, signer, sim, store, watch,
};
use crate::doctor::Report;
use crate::factory::delivery::Reconciliation;
use crate::factory::line::LineReport;
use crate::operator::wire::audit::{AuditRecordDetailView, AuditSearchPage};
use crate::operator::wire::bundles::CheckedBundleView;
use crate::operator::wire::campaigns::{
    AgainView, CampaignPage, CampaignPlanView, CampaignView, MemberPage, MemberView,
};
use crate::operator::wire::ceremonies::CeremoniesView;
use crate::operator::wire::certificate_history::CertificateHistoryView;
use crate::operator::wire::deliveries::DeliveryPage;
use crate::operator::wire::emergencies::{EmergenciesView, EmergencyView};
use crate::operator::wire::fleet::{CountView, DeviceDetailView, DevicePage, HistoryView};
use crate::operator::wire::orders::{OrderPage, OrderView, PlanView};
use crate::operator::wire::people::{PersonView, SelfView};
use crate::operator::wire::production::{ProductionPage, ProductionView, ScrapView};
use crate::operator::wire::profiles::{
    ProfileDetailView, ProfileDifferencesView, ProfilePage, ProfileSampleView, ProfileVersionDetailView,
    ProfileVersionPage,
};
use crate::operator::wire::requests::{RequestPage, RequestView};
use crate::operator::wire::shut_out::{CancelledView, SchedulePage, ScheduledView, TrustedView};
use crate::operator::wire::standing::{DoctorView, KeysView, OverviewView};
use crate::operator::wire::statistics::{CrlSizesView, ExpiriesView, IssuanceView, SigningView, SwapsView};
use crate::operator::wire::visits::{BundleView, ReceiptsView, VisitPage, VisitView};
use crate::operator::wire::words::SecretWord;
use crate::operator::wire::{
    AuthorityView, BackupView, CertificatePage, CertificateView, CheckpointView, CrlView, HoldReleaseView,
    ImportView, ImportedCrlView, IssuanceProofView, NodePage, PublishedCrlsView, ReleasesView,
    RevocationView, StoreView, TokenView,
};
use crate::practice_statement::PracticeStatement;
use crate::profile_reference::ProfileReference;
use crate::quickstart::Told;

/// What a verb prints.
#[derive(Debug, Clone, Copy)]
pub(super) enum Says {
    /// A value of one of these types.
    Json(&'static [fn(&mut Definitions) -> Value]),
    /// No JSON.
    Nothing,
}

/// A verb.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// As it is typed.
    pub(super) verb: &'static str,
    pub(super) says: Says,
    /// Which of several types when, and what is printed in their place; of a verb that prints no JSON, what it does.
    pub(super) beside: &'static str,
}

/// Makes a row of what stands behind a verb: types, each `one` or a `list` of them, and a sentence; or the sentence alone.
macro_rules! rows {
    ($($verb:literal: $($many:ident $name:path),* $(=> $beside:literal)?;)*) => {
        &[$(Row {
            verb: $verb,
            says: says!($($many $name),*),
            beside: concat!($($beside)?),
        }),*]
    };
}

macro_rules! says {
    () => { Says::Nothing };
    ($($many:ident $name:path),+) => { Says::Json(&[$(Definitions::$many::<$name>),+]) };
}

/// All verbs.
#[rustfmt::skip]
pub(super) const TABLE: &[Row] = rows! {
    "quickstart": one Told;
    "bench": one figures::Figures, one bench::RowsView => "With --list the names of the rows.";
    "serve": => "it serves until a signal says stop; its log is on standard error";
    "front": => "it serves until a signal says stop; its log is on standard error";
    "signer": => "it signs until a signal says stop; its log is on standard error";
    "signer state": one signer::StateView;
    "signer propose": => "the configuration of the signer, TOML";
    "signer log verify": one signer::log::VerifiedView;
    "signer log show": list signer::log::RecordView;
    "watch": one watch::LookView, list watch::TestView => "With --once, or with --test; without them it watches until a signal says stop, and prints nothing.";
    "hsm list": one hsm::list::ListView;
    "hsm uri": one hsm::uri::UriView;
    "hsm doctor": one hsm::doctor::DoctorView;
    "hsm generate": one hsm::access::KeyView;
    "hsm request": one hsm::request::RequestView;
    "hsm test": one hsm::test::TestView;
    "hsm bench": one hsm::bench::BenchView;
    "hsm recipient": one hsm::copy::RecipientView;
    "hsm backup": one hsm::copy::BackupView;
    "hsm restore": one hsm::copy::CopyView;
    "hsm copy": one hsm::copy::CopyView;
    "hsm seal": one hsm::copy::SealView;
    "hsm attest": one hsm::attest::AttestView;
    "hsm destroy": one hsm::destroy::DestroyedView;
    "secrets key": one secrets::keys::KeyView;
    "secrets list": list secrets::keys::KeyView;
    "secrets forget": one secrets::keys::ForgottenView;
    "secrets transport": one secrets::transport::TransportView;
    "secrets receive": one secrets::keys::KeyView;
    "secrets rewrap": one secrets::stream::RunView;
    "secrets key-transfer": one secrets::stream::RunView;
    "ca list": list AuthorityView;
    "ca show": one AuthorityView;
    "ca keys": one KeysView;
    "ca close": one closing::ClosedView;
    "ceremony request": one ceremony::RequestView;
    "ceremony import": one ceremony::import::ImportView;
    "ceremony keep": one ReleasesView;
    "ceremony releases": one ReleasesView;
    "ceremony verify": one CheckedBundleView;
    "ceremony journal": one ceremony::import::JournalView;
    "ceremony state": one CeremoniesView;
    "ceremony requests": list ceremony::OpenRequestView;
    "qr encode": one qr::CodesView;
    "qr scan": one qr::ScannedView;
    "cert list": one CertificatePage;
    "cert show": one CertificateView;
    "cert history": one CertificateHistoryView;
    "cert issue": one CertificateView;
    "cert message-signer": one cert::message_signer::MessageSignerView;
    "cert revoke": one RevocationView, one PlanView, one OrderView, one ScheduledView, one CancelledView => "Of one serial number the revocation; of others, or with --dry-run, the plan; with --apply the order; with --at what is scheduled; with --cancel what is not any more.";
    "cert release": one HoldReleaseView, one PlanView, one OrderView => "Of one serial number the release; of others, or with --dry-run, the plan; with --apply the order.";
    "profile list": one ProfilePage;
    "profile show": one ProfileDetailView, one ProfileVersionDetailView => "With --number what it said in that version; with --text the file itself is printed in its place, TOML.";
    "profile versions": one ProfileVersionPage;
    "profile sample": one ProfileSampleView;
    "profile diff": one ProfileDifferencesView;
    "profile reference": one ProfileReference;
    "profile files": one profile::files::FilesView;
    "revocation list": one OrderPage;
    "revocation scheduled": one SchedulePage;
    "revocation show": one OrderView => "With --certificates the certificates of the order are printed in its place, as CSV.";
    "revocation approve": one OrderView;
    "revocation refuse": one OrderView;
    "campaign plan": one CampaignPlanView;
    "campaign list": one CampaignPage;
    "campaign show": one CampaignView, one MemberView => "With --system-title the one device.";
    "campaign start": one CampaignView;
    "campaign approve": one CampaignView;
    "campaign refuse": one CampaignView;
    "campaign pause": one CampaignView;
    "campaign resume": one CampaignView, one AgainView => "With --stuck, of a campaign that is not paused, how many devices are tried again.";
    "campaign abandon": one CampaignView;
    "campaign report": one campaign::report::CampaignReport => "With --form csv or svg the file itself is printed in its place; with --out nothing is.";
    "campaign stuck": one MemberPage;
    "campaign work-orders": one campaign::work::Taken;
    "campaign answers": one campaign::work::Brought;
    "trust list": list TrustedView;
    "trust block": list TrustedView;
    "trust unblock": one TrustedView;
    "request list": one RequestPage;
    "request show": one RequestView;
    "request approve": one RequestView;
    "request refuse": one RequestView;
    "people list": list PersonView;
    "people show": one PersonView;
    "people add": one PersonView;
    "people change": one PersonView;
    "people certificate": one people_certificate::MadeView;
    "people sign-in": one sign_in::SignedInView;
    "people sign-out": one sign_in::SignedOutView;
    "people who": one SelfView;
    "people remove": one PersonView;
    "break-glass list": list EmergencyView;
    "break-glass show": one EmergenciesView;
    "break-glass ask": one EmergencyView;
    "break-glass agree": one EmergencyView;
    "break-glass end": one EmergencyView;
    "break-glass review": one EmergencyView;
    "visit open": one VisitView;
    "visit amend": one VisitView;
    "visit list": one VisitPage;
    "visit show": one VisitView;
    "visit approve": one VisitView;
    "visit refuse": one VisitView;
    "visit certificate": one CertificateView;
    "visit renew": one credential::IssuedView, one credential::NotDueView => "With --at-half-life, before its time, when it is due.";
    "visit bundle": one BundleView;
    "visit receipts": one ReceiptsView;
    "visit end": one VisitView;
    "device import": one ImportView;
    "device list": one DevicePage;
    "device show": one DeviceDetailView;
    "device count": list CountView;
    "device history": list HistoryView, one device::looks::ProvedView => "With --proof or --verify what is proved.";
    "device suspend": one device::changes::PlannedView<'_>, one device::changes::DoneView<'_> => "Of several devices, without --apply, what would be done.";
    "device resume": one device::changes::PlannedView<'_>, one device::changes::DoneView<'_> => "Of several devices, without --apply, what would be done.";
    "device retire": one device::changes::PlannedView<'_>, one device::changes::DoneView<'_> => "Of several devices, without --apply, what would be done.";
    "device ship": one device::changes::PlannedView<'_>, one device::changes::DoneView<'_> => "Of several devices, without --apply, what would be done.";
    "device move": one device::changes::PlannedView<'_>, one device::changes::DoneView<'_> => "Of several devices, without --apply, what would be done.";
    "device secrets": list SecretWord => "For what the secrets are that are in the file.";
    "device reconcile": one device::reconcile::ReportView;
    "device token": one TokenView;
    "factory order open": one ProductionView;
    "factory order list": one ProductionPage;
    "factory order show": one ProductionView;
    "factory order close": one ProductionView;
    "factory order cancel": one ProductionView;
    "factory issue": one LineReport;
    "factory scrap": one ScrapView;
    "factory close": one factory::Closed;
    "factory report": one Reconciliation;
    "shipment create": one shipment::views::HeaderView;
    "shipment show": one shipment::views::HeaderView;
    "shipment check": one shipment::views::CheckedView;
    "shipment extract": one shipment::views::RecordView;
    "shipment verify-record": one shipment::views::RecordView;
    "shipment import": one shipment::import::ImportedView;
    "dlms decode": one dlms::DescriptionView;
    "delivery maps": list delivery::MapView => "With --show the map itself is printed in its place, TOML.";
    "delivery check": one delivery::outcome::CheckView;
    "delivery import": one delivery::import::ImportedView, one delivery::outcome::CheckView => "Where rows are faulty, and nothing was sent, what is faulty.";
    "delivery list": one DeliveryPage;
    "delivery draft": => "the map that is proposed, TOML";
    "delivery show-row": one delivery::shown::DeviceView;
    "migrate from": one migrate::MigrationView;
    "crl list": list CrlView;
    "crl publish": one PublishedCrlsView;
    "crl resign": one PublishedCrlsView;
    "crl verify": list crl::verify::ComparedView;
    "crl import": one ImportedCrlView;
    "ocsp export": one ocsp::Report;
    "est cacerts": one est::CaCertificatesView;
    "est csrattrs": one est::WantedView;
    "est enrol": one credential::IssuedView;
    "est re-enrol": one credential::IssuedView, one credential::NotDueView => "With --at-half-life, before its time, when it is due.";
    "est serverkeygen": one credential::IssuedView;
    "cmp ir": one credential::IssuedView, one cmp::WrittenView => "With --out-request where the message is.";
    "cmp cr": one credential::IssuedView, one cmp::WrittenView => "With --out-request where the message is.";
    "cmp p10cr": one credential::IssuedView, one cmp::WrittenView => "With --out-request where the message is.";
    "cmp kur": one credential::IssuedView, one credential::NotDueView, one cmp::WrittenView => "With --at-half-life, before its time, when it is due; with --out-request where the message is.";
    "cmp rr": one cmp::RevokedView, one cmp::WrittenView => "With --out-request where the message is.";
    "cmp genm": one cmp::general::CertificatesView, one cmp::general::WantedView, one cmp::general::CrlView, one cmp::WrittenView => "By what is asked for; with --out-request where the message is.";
    "sim make": one sim::MadeView;
    "sim run": one sim::views::RunView;
    "sim export": one sim::export::ExportView;
    "sim head-end": one sim::head_end::HeadEndReport, one sim::head_end::RoundView => "Of one round by files, what came of that.";
    "audit verify": one audit::verify::TrailView, one audit::verify::SinceView => "With --since whether the log continues what was kept.";
    "audit prove": one IssuanceProofView;
    "audit checkpoint": one CheckpointView;
    "audit key": one audit::KeyView;
    "audit list": list audit::RecordView;
    "audit search": one AuditSearchPage;
    "audit show": one AuditRecordDetailView;
    "stats expiries": one ExpiriesView;
    "stats calendar": one ExpiriesView;
    "stats issuance": one IssuanceView;
    "stats swaps": one SwapsView;
    "stats crls": one CrlSizesView;
    "stats signing": one SigningView;
    "store create": one store::CreatedView;
    "store migrate": one store::MovedView;
    "store schema": one store::SchemaView;
    "store nodes": one NodePage;
    "store show": one StoreView;
    "backup keygen": one backup::KeyView;
    "backup create": one BackupView;
    "backup verify": one backup::VerifiedView;
    "restore begin": one restore::BegunView;
    "restore reconcile": one restore::ReconciledView;
    "restore finish": one restore::FinishedView;
    "config check": one config::ConfigView;
    "config statement": one PracticeStatement => "With --open the same: `open` says how many questions there are, and each section which.";
    "api document": => "the document itself, OpenAPI 3.1";
    "api schema": => "the schema itself, JSON Schema";
    "overview": one OverviewView;
    "doctor": one Report, list doctor::CheckView, one DoctorView => "With --list the checks; with --served what the server found.";
    "completion": => "the script of a shell";
};

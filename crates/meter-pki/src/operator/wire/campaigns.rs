//! Campaigns, their devices, and the work of head-ends, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::object::object;
use super::requests::MarkView;
use super::words::{
    CallWord, CampaignActWord, CampaignWord, GoalWord, HexText, HoursText, MakerName, PhaseWord, PolicyWord,
    ProfileName, ProofWord, PurposeWord, ReasonText, RoadWord, Serial, Sha256, ShownName, StageWord,
    SystemTitle, TenantId, TimeText, WhyText,
};

/// What is wanted of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignPlanText {
    /// Whose devices.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// What people call it.
    #[schema(value_type = ShownName)]
    pub name: String,
    /// `swap`, `renew` or `uplift`.
    #[schema(value_type = GoalWord)]
    pub goal: String,
    /// `device` or `head-end`.
    #[schema(value_type = RoadWord)]
    pub road: String,
    /// The profiles of the certificates, in the order in which they are swapped.
    #[schema(value_type = Vec<ProfileName>)]
    pub profiles: Vec<String>,
    /// The instance of the Security setup object on the meters; 0 unless given.
    #[serde(default)]
    pub security_setup: u8,
    /// The words of the policy that is activated last, such as `authenticated-request`, or `nothing`; absent for none.
    #[serde(default)]
    #[schema(value_type = Option<Vec<PolicyWord>>)]
    pub security_policy: Option<Vec<String>>,
    /// Which devices.
    #[serde(deserialize_with = "object")]
    pub choice: DeviceChoiceText,
    /// How many devices the first waves have; empty for one in a hundred, one in ten, the rest.
    pub waves: Vec<u64>,
    /// It is paused when more than so many of a hundred of a wave are stuck.
    pub stop_percent: u8,
    /// How many devices are begun in a minute.
    pub per_minute: u32,
    /// How many behind one concentrator may be under way together; 0 for any number.
    pub per_concentrator: u32,
    /// The hours, such as `22:00-05:00`, UTC; absent for all.
    #[schema(value_type = Option<HoursText>)]
    pub window: Option<String>,
    /// How long a head-end has for a call, in seconds.
    pub lease_seconds: Option<u32>,
    /// How long is waited after the first attempt that failed, in seconds.
    pub pause_seconds: Option<u32>,
    /// How often one step is tried.
    pub attempts: Option<u8>,
    /// How long is waited for a device that asks by itself, in seconds.
    pub device_seconds: Option<u32>,
}

/// Which devices. What is named is meant if it fits to everything else; where nothing is named, whatever fits.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceChoiceText {
    /// Those with these titles.
    #[schema(value_type = Vec<SystemTitle>)]
    pub system_titles: Vec<String>,
    /// Only of this manufacturer: his name, or in three capital letters the FLAG id with which system titles begin.
    #[schema(value_type = Option<MakerName>)]
    pub manufacturer: Option<String>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only with this firmware, as it was delivered.
    pub firmware: Option<String>,
    /// Only of this batch.
    pub batch: Option<String>,
    /// Only in this region.
    pub region: Option<String>,
    /// Only behind this concentrator.
    pub concentrator: Option<String>,
    /// Only those one of whose certificates in question ends before this time.
    #[schema(value_type = Option<TimeText>)]
    pub expires_before: Option<String>,
}

/// What it would come to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CampaignPlanView {
    /// The campaign that is on record; absent if it has no device.
    pub campaign: Option<CampaignView>,
    /// Who was meant and is not in it, and why.
    pub left_out: Vec<LeftOutView>,
    /// How many devices are behind the busiest concentrator.
    pub busiest_concentrator: u64,
    /// How long it takes at least, by what was measured here.
    pub reckoning: ReckoningView,
}

/// Devices that were meant and are not in a campaign, for one reason.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LeftOutView {
    /// The reason code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// One sentence.
    pub message: String,
    /// How many.
    pub count: u64,
    /// The first of them.
    #[schema(value_type = SystemTitle)]
    pub first: String,
}

/// How long a campaign takes at least.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReckoningView {
    /// How many certificates are to be signed.
    pub certificates: u64,
    /// How many signatures were measured since the server was started.
    pub measured_signatures: u64,
    /// How long one took in the mean, in microseconds; absent where none was made yet.
    pub microseconds_each: Option<u64>,
    /// How long signing takes, one after the other, in seconds.
    pub signing_seconds: Option<u64>,
    /// How long beginning all devices takes at this pace, in these hours, in seconds.
    pub pacing_seconds: u64,
}

/// A campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CampaignView {
    /// SHA-256 over all that is approved, 64 hexadecimal digits.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// Whose devices.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// What people call it.
    pub name: String,
    /// `planned`, `waiting`, `running`, `paused`, `ending`, `done`, `abandoned`, `refused` or `expired`.
    #[schema(value_type = CampaignWord)]
    pub state: String,
    /// `swap`, `renew` or `uplift`.
    #[schema(value_type = GoalWord)]
    pub goal: String,
    /// `device` or `head-end`.
    #[schema(value_type = RoadWord)]
    pub road: String,
    /// The profiles, in the order in which they are swapped.
    #[schema(value_type = Vec<ProfileName>)]
    pub profiles: Vec<String>,
    /// The security suite of their keys: 1 or 2.
    pub suite: u8,
    /// The instance of the Security setup object on the meters.
    pub security_setup: u8,
    /// The policy that is activated last, in words.
    pub security_policy: Option<String>,
    /// Which devices, in words.
    pub selection: String,
    /// How many devices.
    pub count: u64,
    /// The wave that is under way, from 1.
    pub wave: u32,
    /// How many devices of each wave stand how.
    pub waves: Vec<WaveView>,
    /// How many devices stand how, in all.
    pub total: WaveView,
    /// It is paused when more than so many of a hundred of a wave are stuck.
    pub stop_percent: u8,
    /// How many devices are begun in a minute.
    pub per_minute: u32,
    /// How many behind one concentrator may be under way together; 0 for any number.
    pub per_concentrator: u32,
    /// The hours, UTC.
    pub window: Option<String>,
    /// How many operators must approve beside the one who asks.
    pub needed: u8,
    /// Who had it planned.
    pub planned: MarkView,
    /// Until when it can be asked for and approved.
    #[schema(value_type = TimeText)]
    pub expires_at: String,
    /// Who asked for it.
    pub requested: Option<MarkView>,
    /// Who approved it.
    pub approvals: Vec<MarkView>,
    /// Who refused, paused or gave it up last, and why.
    pub stopped: Option<MarkView>,
    /// Why.
    pub stopped_for: Option<String>,
    /// When the first device was begun.
    #[schema(value_type = Option<TimeText>)]
    pub begun_at: Option<String>,
    /// When the last device was over.
    #[schema(value_type = Option<TimeText>)]
    pub finished_at: Option<String>,
    /// When it will be done, by how it went so far; absent where nothing is done yet.
    #[schema(value_type = Option<TimeText>)]
    pub expected_at: Option<String>,
}

/// How many devices stand how.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Default, ToSchema)]
pub struct WaveView {
    /// In all.
    pub devices: u64,
    /// Not begun.
    pub waiting: u64,
    /// Under way.
    pub underway: u64,
    /// A person has to look at them.
    pub stuck: u64,
    /// All their certificates are in use.
    pub done: u64,
    /// Given up, or not begun since they could not be.
    pub ended: u64,
}

/// Which campaigns to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignQueryText {
    /// Only those of this state.
    #[schema(value_type = Option<CampaignWord>)]
    pub state: Option<String>,
    /// Only those after this digest.
    #[schema(value_type = Option<Sha256>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some campaigns and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CampaignPage {
    /// The campaigns.
    pub campaigns: Vec<CampaignView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// What an operator has to say of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CampaignActText {
    /// `request`, `approve`, `refuse`, `pause`, `resume` or `abandon`.
    #[schema(value_type = CampaignActWord)]
    pub act: String,
    /// Why it is refused, paused or given up.
    #[schema(value_type = Option<WhyText>)]
    pub reason: Option<String>,
}

/// Which devices of a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberQueryText {
    /// Only stuck ones.
    #[serde(default)]
    pub stuck: bool,
    /// Only those after this title.
    #[schema(value_type = Option<SystemTitle>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some devices of a campaign and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MemberPage {
    /// The devices.
    pub devices: Vec<MemberView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// A device in a campaign.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// Its system title.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// In which wave, from 1.
    pub wave: u32,
    /// `waiting`, `underway`, `stuck`, `done` or `ended`.
    #[schema(value_type = PhaseWord)]
    pub state: String,
    /// Why it is stuck, or what went wrong last: a reason code.
    pub trouble: String,
    /// Since when it is stuck, done or given up; for one that is under way, from when on something can be done for it.
    #[schema(value_type = Option<TimeText>)]
    pub since: Option<String>,
    /// The data concentrator that it is behind.
    pub concentrator: Option<String>,
    /// Its certificates; empty before it is begun.
    pub swaps: Vec<SwapView>,
    /// What is kept of it when it is done.
    pub evidence: Vec<EvidenceView>,
}

/// The swap of one certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SwapView {
    /// `signature`, `key-agreement` or `tls`.
    #[serde(rename = "type")]
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// Where it stands.
    #[schema(value_type = StageWord)]
    pub stage: String,
    /// Since when.
    #[schema(value_type = TimeText)]
    pub since: String,
    /// How many attempts failed there.
    pub attempts: u8,
    /// How often the device began anew with another key.
    pub restarts: u8,
    /// Whether a person has to look at it.
    pub stuck: bool,
    /// What went wrong last: a reason code.
    pub trouble: Option<String>,
    /// The serial number of its new certificate.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
    /// How it is known that the device holds it: `export`, `message` or `use`.
    #[schema(value_type = Option<ProofWord>)]
    pub proof: Option<String>,
    /// Which stages it came to, and which audit records tell of it.
    pub passed: Vec<PassedView>,
}

/// A stage that a swap came to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PassedView {
    /// The stage.
    #[schema(value_type = StageWord)]
    pub stage: String,
    /// When.
    #[schema(value_type = TimeText)]
    pub at: String,
    /// The number of the audit record.
    pub record: u64,
}

/// What a campaign did to a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// The campaign.
    #[schema(value_type = Sha256)]
    pub campaign: String,
    /// What it was for.
    #[schema(value_type = GoalWord)]
    pub goal: String,
    /// When the last certificate was in use.
    #[schema(value_type = TimeText)]
    pub finished_at: String,
    /// The number of the audit record.
    pub record: u64,
    /// The number of the audit record by which its factory certificates were superseded.
    pub factory_record: Option<u64>,
    /// Its certificates: type, serial number, SHA-256, and how it is known that the device holds it.
    pub certificates: Vec<SwappedView>,
}

/// A certificate that a device took.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SwappedView {
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// SHA-256 of its DER.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// How it is known that the device holds it.
    #[schema(value_type = ProofWord)]
    pub proof: String,
    /// Which stages its swap came to.
    pub passed: Vec<PassedView>,
}

/// How many stuck devices were taken up again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AgainView {
    /// How many.
    pub devices: u64,
}

/// Which work is wanted.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkText {
    /// For how many devices, up to 1,000.
    pub limit: u32,
    /// The longest APDU that the meters take, in octets.
    pub max_pdu: u16,
}

/// Calls that a head-end is to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkPage {
    /// One for each device.
    pub orders: Vec<WorkOrderLine>,
}

/// A call that a head-end is to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WorkOrderLine {
    /// The campaign, 64 hexadecimal digits.
    #[schema(value_type = Sha256)]
    pub campaign: String,
    /// The meter.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// `signature`, `key-agreement` or `tls`.
    #[serde(rename = "type")]
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The number of the call, which comes back with the answer.
    pub turn: u32,
    /// `generate-key-pair`, `generate-certificate-request`, `import-certificate`, `export-certificate` or `activate`; where a meter
    /// is lifted to another suite, `read-security-suite` before them.
    #[schema(value_type = CallWord)]
    pub call: String,
    /// The last second in which the call may be made.
    #[schema(value_type = TimeText)]
    pub until: String,
    /// What is asked, in words.
    pub text: String,
    /// The APDUs, hexadecimal, in clear; empty for what is no call to the meter.
    #[schema(value_type = Vec<HexText>)]
    pub apdus: Vec<String>,
    /// The parameter of the method alone, hexadecimal, for head-ends whose own stack makes the APDU.
    #[schema(value_type = Option<HexText>)]
    pub parameter: Option<String>,
    /// The number of the method of class 64, or of the attribute that is read.
    pub method: Option<i8>,
    /// Which answer is awaited: `nothing`, `certification-request`, `certificate` or `value`.
    pub expected: String,
}

/// Answers that a head-end brings.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswersText {
    /// The answers, up to 1,000.
    #[schema(max_items = 1000)]
    pub answers: Vec<AnswerText>,
}

/// An answer that a head-end brings: the APDUs, or the result and what was returned, or that nothing came.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerText {
    /// The campaign, as its work order says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sha256>)]
    pub campaign: Option<String>,
    /// The meter.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The type.
    #[serde(rename = "type")]
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The number of the call.
    pub turn: u32,
    /// The meter's APDUs in their order, hexadecimal, in clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<HexText>)]
    pub apdus: Vec<String>,
    /// The action result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<u8>,
    /// What was returned, A-XDR, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HexText>)]
    pub returned: Option<String>,
    /// Whether nothing came.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing: bool,
}

/// What became of answers, in their order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AnsweredPage {
    /// Each.
    pub answers: Vec<AnsweredView>,
}

/// What became of an answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AnsweredView {
    /// The meter.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The type.
    #[serde(rename = "type")]
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The number of the call.
    pub turn: u32,
    /// Where the swap stands then.
    #[schema(value_type = Option<StageWord>)]
    pub stage: Option<String>,
    /// The reason code of a refusal.
    #[schema(value_type = Option<ReasonText>)]
    pub code: Option<String>,
    /// What is wrong.
    pub message: Option<String>,
}

//! The routes of the audit log, the ledger as a whole, and the process.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use ca_core::people::Permission::{BackUp, Look, ReadAudit};

use super::body::Body;
use super::reply::Reply;
use super::routes::{GuardedRoutes, Peer, all};
use super::wire::audit::{AuditRecordDetailView, AuditSearchPage, AuditSearchQuery};
use super::wire::doctor::ProcessView;
use super::wire::words::{AuthorityName, RecordNumber, Serial};
use super::wire::{
    AuditPage, AuditQuery, BackupText, BackupView, CheckpointView, ConsistencyQuery, ConsistencyView,
    IssuanceProofView, NodePage, StoreView,
};
use super::{OperatorState, audit_acts, audit_search, doctor_acts, vault};

/// Adds the routes.
pub(super) fn add(routes: GuardedRoutes) -> GuardedRoutes {
    routes
        .get("/v1/audit", all(ReadAudit), "List audit records.", audit)
        .get("/v1/audit/checkpoint", all(ReadAudit), "Sign a checkpoint of the audit log.", checkpoint)
        .get(
            "/v1/audit/consistency",
            all(ReadAudit),
            "Prove that a later state of the audit log continues an earlier one.",
            consistency,
        )
        .get(
            "/v1/audit/proofs/{issuer}/{serial}",
            all(ReadAudit),
            "Prove that the issuance of a certificate is in the audit log.",
            prove_issuance,
        )
        .get(
            "/v1/audit-records",
            all(ReadAudit),
            "Search the audit records, which come decoded; an answer looks at a bounded number of them.",
            search_records,
        )
        .get(
            "/v1/audit-records/{sequence}",
            all(ReadAudit),
            "Show an audit record with the proof that it is in the log.",
            audit_record,
        )
        .post("/v1/backups", all(BackUp), "Make a backup.", create_backup)
        .get("/v1/store", all(Look), "Show the ledger as a whole.", store)
        .get("/v1/nodes", all(Look), "List the nodes that share the ledger.", nodes)
        .get("/v1/process", all(Look), "Show the process that serves, and the end of its records.", process)
}

async fn audit(
    State(state): State<OperatorState>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Reply> {
    state.run(move |system| audit_acts::records(system, query)).await
}

async fn search_records(
    State(state): State<OperatorState>,
    Query(query): Query<AuditSearchQuery>,
) -> Result<Json<AuditSearchPage>, Reply> {
    state.run(move |system| audit_search::search(system, &query)).await
}

async fn audit_record(
    State(state): State<OperatorState>,
    Path(sequence): Path<RecordNumber>,
) -> Result<Json<AuditRecordDetailView>, Reply> {
    state.run(move |system| audit_search::show(system, &sequence)).await
}

async fn checkpoint(State(state): State<OperatorState>) -> Result<Json<CheckpointView>, Reply> {
    state.run(audit_acts::checkpoint).await
}

async fn consistency(
    State(state): State<OperatorState>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<Json<ConsistencyView>, Reply> {
    state.run(move |system| audit_acts::consistency(system, query)).await
}

async fn prove_issuance(
    State(state): State<OperatorState>,
    Path((issuer, serial)): Path<(AuthorityName, Serial)>,
) -> Result<Json<IssuanceProofView>, Reply> {
    state.run(move |system| audit_acts::prove_issuance(system, &issuer, &serial)).await
}

async fn create_backup(
    State(state): State<OperatorState>,
    Extension(peer): Extension<Peer>,
    Body(text): Body<BackupText>,
) -> Result<Json<BackupView>, Reply> {
    state.run(move |system| vault::create_backup(system, &peer, &text)).await
}

async fn store(State(state): State<OperatorState>) -> Result<Json<StoreView>, Reply> {
    state.run(vault::store).await
}

async fn nodes(State(state): State<OperatorState>) -> Result<Json<NodePage>, Reply> {
    state.run(vault::nodes).await
}

async fn process(State(state): State<OperatorState>) -> Result<Json<ProcessView>, Reply> {
    let started = Arc::clone(&state.started);
    state.run(move |system| doctor_acts::process(system, &started)).await
}

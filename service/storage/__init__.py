"""The floor the rooms stand on: engine, transactions, tables, ids, migrations, audit chain.

The embedded server stays in `service.storage.embedded`, which front doors import when
they need it; everything else that a room may use is here, tables in
`service.storage.tables`.
"""

from service.storage.audit import (
    AuditAnchor,
    AuditReport,
    ChainBreak,
    append_audit,
    verify_audit,
)
from service.storage.deadlines import cut_off_after
from service.storage.engine import (
    APP_ROLE,
    SessionLimits,
    connect_raw,
    database_refusals,
    driver_of,
    libpq_url,
    measure_skew,
    open_engine,
    prepare_session,
    read_clock,
    session_limits,
    transaction,
)
from service.storage.id_rows import Ids
from service.storage.ids import (
    RANDOM_BYTES,
    InvalidId,
    Prefix,
    first_uuid_at,
    instant_of,
    make_id,
    make_uuid,
    make_uuids_in_order,
    parse_id,
    to_text,
)
from service.storage.inserting import arrays_of, insert_new
from service.storage.jobs import Job, defer
from service.storage.lone_session import LoneSession
from service.storage.migrating import Migration, MigrationFailed, is_migrated, migrate
from service.storage.partitions import (
    StrayDecisions,
    ensure_partitions,
    find_stray_decisions,
    list_partitions,
)
from service.storage.queue_schema import QUEUE_SCHEMA, read_queue_schema
from service.storage.queue_store import JobCounts, count_jobs, forget_finished, recover_stalled
from service.storage.refusals import DatabaseNotMigrated, DatabaseUnavailable
from service.storage.sealing import Sealer, SealingKeyUnusable, sealer_of

__all__ = [
    "APP_ROLE",
    "QUEUE_SCHEMA",
    "RANDOM_BYTES",
    "AuditAnchor",
    "AuditReport",
    "ChainBreak",
    "DatabaseNotMigrated",
    "DatabaseUnavailable",
    "Ids",
    "InvalidId",
    "Job",
    "JobCounts",
    "LoneSession",
    "Migration",
    "MigrationFailed",
    "Prefix",
    "Sealer",
    "SealingKeyUnusable",
    "SessionLimits",
    "StrayDecisions",
    "append_audit",
    "arrays_of",
    "connect_raw",
    "count_jobs",
    "cut_off_after",
    "database_refusals",
    "defer",
    "driver_of",
    "ensure_partitions",
    "find_stray_decisions",
    "first_uuid_at",
    "forget_finished",
    "insert_new",
    "instant_of",
    "is_migrated",
    "libpq_url",
    "list_partitions",
    "make_id",
    "make_uuid",
    "make_uuids_in_order",
    "measure_skew",
    "migrate",
    "open_engine",
    "parse_id",
    "prepare_session",
    "read_clock",
    "read_queue_schema",
    "recover_stalled",
    "sealer_of",
    "session_limits",
    "to_text",
    "transaction",
    "verify_audit",
]

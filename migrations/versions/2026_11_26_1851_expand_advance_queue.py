"""Go on with the queue: the rest of procrastinate's tables, and what we want otherwise.

Nobody is notified of a new job: every commit that does takes a lock on the whole server, and
workers look often enough. A job that goes back to waiting no longer stands for those that ask
for the same work, or it might meet one that does, and could not go back.

Expand: only adds.
"""

from typing import Final

from alembic import op

from service.storage.migrating import limit_waiting
from service.storage.queue_schema import advance_queue_schema

revision: Final = "2026_11_26_1851"
down_revision: Final = "2026_11_26_1850"
branch_labels: Final = None
depends_on: Final = None

_TABLES: Final = (
    "procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers"
)


def upgrade() -> None:
    limit_waiting()
    step = "03.04.00_50_post_add_retry_failed_job_procedure"
    advance_queue_schema(op.get_bind(), after="02.06.00_01_add_cancel_states", to=step)
    op.execute("DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs")
    op.execute(
        "CREATE FUNCTION goodfit_job_goes_back() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.queueing_lock := NULL; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER goodfit_job_goes_back BEFORE UPDATE OF status ON procrastinate_jobs"
        " FOR EACH ROW WHEN (NEW.status = 'todo' AND OLD.status <> 'todo')"
        " EXECUTE FUNCTION goodfit_job_goes_back()"
    )
    # Whoever looks for the next job asks of each whether one with its lock comes before it.
    op.execute(
        "CREATE INDEX goodfit_jobs_lock ON procrastinate_jobs (lock, priority, id)"
        " WHERE status IN ('todo', 'doing')"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {_TABLES} TO goodfit_app")
    op.execute(
        "GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq,"
        " procrastinate_workers_id_seq, procrastinate_periodic_defers_id_seq TO goodfit_app"
    )


def downgrade() -> None:
    raise NotImplementedError("there is no way down; restore the backup taken before")

"""What an idempotency key stands for, what a result was made of; indexes for what is asked of jobs all the time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them. What was accepted before has no fingerprint.

    Kept results do not say what they were made of, and name the picture of whoever came first: they are made again.
    """
    for table in ("batches", "jobs"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("fingerprint", sa.String(length=64), nullable=True))
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_changed"), ["changed"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_finished"), ["finished"], unique=False)
    op.execute(sa.delete(sa.table("results")))
    with op.batch_alter_table("results", schema=None) as batch_op:
        # SQLite adds no column that must have a value without one, not even to an empty table.
        batch_op.add_column(sa.Column("source", sa.String(length=64), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f("ix_results_source"), ["source"], unique=False)


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("results", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_results_source"))
        batch_op.drop_column("source")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_finished"))
        batch_op.drop_index(batch_op.f("ix_jobs_changed"))
    for table in ("jobs", "batches"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("fingerprint")

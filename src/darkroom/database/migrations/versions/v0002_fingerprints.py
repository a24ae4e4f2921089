"""What an idempotency key stands for; indexes for what is asked of jobs all the time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them. What was accepted before has no fingerprint."""
    for table in ("batches", "jobs"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("fingerprint", sa.String(length=64), nullable=True))
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_changed"), ["changed"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_finished"), ["finished"], unique=False)


def downgrade() -> None:
    """Take them away."""
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_jobs_finished"))
        batch_op.drop_index(batch_op.f("ix_jobs_changed"))
    for table in ("jobs", "batches"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("fingerprint")

"""A continent on the map: a change log, twins, what was seen over time, who can get in and plug and charge."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

from emsp.stations.tables import XID8

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "party_delay",
        sa.Column("country_code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("party_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("median_s", sa.Integer(), nullable=False),
        sa.Column("p95_s", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("country_code", "party_id"),
    )
    op.create_table(
        "station_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transaction_id", XID8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("station_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_station_change_transaction_id"), "station_change", ["transaction_id"], unique=False)
    op.create_table(
        "station_occupancy",
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("occupied_s", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("observed_s", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("station_id"),
    )
    op.create_table(
        "station_reliability",
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("failed_starts", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_charge_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("station_id"),
    )
    op.create_table(
        "station_twin",
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("pin_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pin_id"], ["station.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("station_id"),
    )
    op.create_index(op.f("ix_station_twin_pin_id"), "station_twin", ["pin_id"], unique=False)
    op.create_table(
        "evse_doubt",
        sa.Column("evse_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evse_id"], ["evse.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("evse_id"),
    )
    op.create_table(
        "evse_in_use",
        sa.Column("evse_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("said_status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("said_as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evse_id"], ["evse.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("evse_id"),
    )
    op.create_table(
        "evse_twin",
        sa.Column("evse_id", sa.BigInteger(), nullable=False),
        sa.Column("pin_evse_id", sa.BigInteger(), nullable=False),
        sa.Column("matched_by", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("confidence_percent", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evse_id"], ["evse.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["pin_evse_id"], ["evse.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("evse_id"),
    )
    op.create_index(op.f("ix_evse_twin_pin_evse_id"), "evse_twin", ["pin_evse_id"], unique=False)
    op.create_table(
        "status_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("evse_id", sa.BigInteger(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["evse_id"], ["evse.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("status_change_of_station", "status_change", ["station_id", "until"], unique=False)

    op.add_column(
        "connector", sa.Column("capabilities", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("connector", "capabilities", server_default=None)
    op.add_column(
        "evse", sa.Column("parking_restrictions", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("evse", "parking_restrictions", server_default=None)
    op.add_column("evse", sa.Column("accessible", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("evse", "accessible")
    op.drop_column("evse", "parking_restrictions")
    op.drop_column("connector", "capabilities")

    op.drop_index("status_change_of_station", table_name="status_change")
    op.drop_table("status_change")
    op.drop_index(op.f("ix_evse_twin_pin_evse_id"), table_name="evse_twin")
    op.drop_table("evse_twin")
    op.drop_table("evse_in_use")
    op.drop_table("evse_doubt")
    op.drop_index(op.f("ix_station_twin_pin_id"), table_name="station_twin")
    op.drop_table("station_twin")
    op.drop_table("station_reliability")
    op.drop_table("station_occupancy")
    op.drop_index(op.f("ix_station_change_transaction_id"), table_name="station_change")
    op.drop_table("station_change")
    op.drop_table("party_delay")

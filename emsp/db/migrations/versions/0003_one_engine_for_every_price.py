"""One engine for every price: agreements, plans, rates, vehicles, claims, corrections, refunds."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_rate",
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("per_euro", sa.Numeric(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("currency", "as_of"),
    )
    op.create_table(
        "partner_agreement",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.PrimaryKeyConstraint("partner_id"),
    )
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("brand_id", "code"),
    )
    op.create_table(
        "plan_membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["plan.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_plan_membership_driver_id"), "plan_membership", ["driver_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("processor_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("processor_id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_refund_driver_id"), "refund", ["driver_id"], unique=False)
    op.create_table(
        "vehicle",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("battery_capacity_wh", sa.BigInteger(), nullable=False),
        sa.Column("max_ac_power_w", sa.BigInteger(), nullable=False),
        sa.Column("max_dc_power_w", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_vehicle_driver_id"), "vehicle", ["driver_id"], unique=False)
    op.create_table(
        "allowance_use",
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("membership_id", sa.Uuid(), nullable=False),
        sa.Column("month", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["membership_id"],
            ["plan_membership.id"],
        ),
        sa.PrimaryKeyConstraint("reference"),
    )
    op.create_index(op.f("ix_allowance_use_membership_id"), "allowance_use", ["membership_id"], unique=False)
    op.create_table(
        "claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("asked_minor", sa.BigInteger(), nullable=False),
        sa.Column("undisputed_minor", sa.BigInteger(), nullable=False),
        sa.Column("given_up_minor", sa.BigInteger(), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["charge_record.id"],
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charging_session.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("record_id"),
    )
    op.create_index(op.f("ix_claim_partner_id"), "claim", ["partner_id"], unique=False)
    op.create_index(op.f("ix_claim_state"), "claim", ["state"], unique=False)
    op.add_column("charge_record", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("charge_record", "revision", server_default=None)
    op.add_column("charge_record", sa.Column("verification", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.drop_constraint(
        op.f("charge_record_partner_id_country_code_party_id_external_key_key"), "charge_record", type_="unique"
    )
    op.create_unique_constraint(
        "one_row_per_revision", "charge_record", ["partner_id", "country_code", "party_id", "external_key", "revision"]
    )
    op.add_column("quote", sa.Column("worst_case_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("receipt", sa.Column("corrects_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("receipt_session_id_key"), "receipt", type_="unique")
    op.create_index(op.f("ix_receipt_session_id"), "receipt", ["session_id"], unique=False)
    op.create_index(
        "one_first_receipt_per_session",
        "receipt",
        ["session_id"],
        unique=True,
        postgresql_where=sa.text("corrects_id IS NULL"),
    )
    op.create_foreign_key("receipt_corrects_id_fkey", "receipt", "receipt", ["corrects_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint("receipt_corrects_id_fkey", "receipt", type_="foreignkey")
    op.drop_index(
        "one_first_receipt_per_session", table_name="receipt", postgresql_where=sa.text("corrects_id IS NULL")
    )
    op.drop_index(op.f("ix_receipt_session_id"), table_name="receipt")
    op.create_unique_constraint(op.f("receipt_session_id_key"), "receipt", ["session_id"])
    op.drop_column("receipt", "corrects_id")
    op.drop_column("quote", "worst_case_until")
    op.drop_constraint("one_row_per_revision", "charge_record", type_="unique")
    op.create_unique_constraint(
        op.f("charge_record_partner_id_country_code_party_id_external_key_key"),
        "charge_record",
        ["partner_id", "country_code", "party_id", "external_key"],
    )
    op.drop_column("charge_record", "verification")
    op.drop_column("charge_record", "revision")
    op.drop_index(op.f("ix_claim_state"), table_name="claim")
    op.drop_index(op.f("ix_claim_partner_id"), table_name="claim")
    op.drop_table("claim")
    op.drop_index(op.f("ix_allowance_use_membership_id"), table_name="allowance_use")
    op.drop_table("allowance_use")
    op.drop_index(op.f("ix_vehicle_driver_id"), table_name="vehicle")
    op.drop_table("vehicle")
    op.drop_index(op.f("ix_refund_driver_id"), table_name="refund")
    op.drop_table("refund")
    op.drop_index(op.f("ix_plan_membership_driver_id"), table_name="plan_membership")
    op.drop_table("plan_membership")
    op.drop_table("plan")
    op.drop_table("partner_agreement")
    op.drop_table("exchange_rate")

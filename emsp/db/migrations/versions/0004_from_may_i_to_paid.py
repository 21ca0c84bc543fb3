"""From "may I?" to "paid": flows of payment, invoices, disputes, cards and cars that start, settlement, documents."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DOCUMENT_RULES = """
CREATE TRIGGER written_once BEFORE UPDATE OR DELETE ON document
  FOR EACH ROW EXECUTE FUNCTION written_once();
"""


POINTS_IN_THE_LEDGER = """
INSERT INTO ledger_transaction (event, reference, created_at)
  SELECT 'points_awarded', reference, created_at FROM points_entry WHERE points <> 0 ON CONFLICT DO NOTHING;
INSERT INTO ledger_entry (transaction_id, account, currency, amount_minor)
  SELECT written.id, side.account, 'PTS', side.points
  FROM points_entry JOIN ledger_transaction AS written
    ON written.event = 'points_awarded' AND written.reference = points_entry.reference
  CROSS JOIN LATERAL (VALUES ('points_issued', points_entry.points),
                             ('points:' || points_entry.driver_id, -points_entry.points)) AS side (account, points)
  WHERE points_entry.points <> 0;
"""


def upgrade() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("media_type", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject"),
    )
    op.create_table(
        "mandate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payer", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("customer_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("setup_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("payment_method_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("last4", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("holder", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("accepted_by", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("setup_id"),
    )
    op.create_index(op.f("ix_mandate_payer"), "mandate", ["payer"], unique=False)
    op.create_table(
        "processor_movement",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_processor_movement_source"), "processor_movement", ["source"], unique=False)
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("compared", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("differences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "debit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("payer", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("processor_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["mandate_id"],
            ["mandate.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("processor_id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_debit_payer"), "debit", ["payer"], unique=False)
    op.create_table(
        "partner_invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("country_code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("party_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("country_code", "party_id", "number"),
    )
    op.create_index(op.f("ix_partner_invoice_partner_id"), "partner_invoice", ["partner_id"], unique=False)
    op.create_table(
        "partner_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("country_code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("party_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("month", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("asked_minor", sa.BigInteger(), nullable=False),
        sa.Column("claimed_minor", sa.BigInteger(), nullable=False),
        sa.Column("owed_minor", sa.BigInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("country_code", "party_id", "month", "currency", "version"),
    )
    op.create_index(op.f("ix_partner_statement_partner_id"), "partner_statement", ["partner_id"], unique=False)
    op.create_table(
        "voucher",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
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
        "balance_reservation",
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("reference"),
    )
    op.create_index(op.f("ix_balance_reservation_driver_id"), "balance_reservation", ["driver_id"], unique=False)
    op.create_table(
        "charge_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=True),
        sa.Column("fleet_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("uid", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("contract_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("visual_number", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("whitelist", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.ForeignKeyConstraint(
            ["fleet_id"],
            ["fleet.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("brand_id", "visual_number"),
        sa.UniqueConstraint("contract_id"),
        sa.UniqueConstraint("uid"),
    )
    op.create_index(op.f("ix_charge_token_driver_id"), "charge_token", ["driver_id"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("processor_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("payment_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=True),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("processor_id"),
    )
    op.create_index(op.f("ix_dispute_driver_id"), "dispute", ["driver_id"], unique=False)
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"], unique=False)
    op.create_table(
        "fleet_invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("fleet_id", sa.Uuid(), nullable=False),
        sa.Column("month", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("charges", sa.Integer(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("taxes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("drivers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["fleet_id"],
            ["fleet.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("brand_id", "number"),
        sa.UniqueConstraint("fleet_id", "month", "currency"),
    )
    op.create_index(op.f("ix_fleet_invoice_fleet_id"), "fleet_invoice", ["fleet_id"], unique=False)
    op.create_index(op.f("ix_fleet_invoice_state"), "fleet_invoice", ["state"], unique=False)
    op.create_table(
        "voucher_redemption",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"],
            ["voucher.id"],
        ),
        sa.PrimaryKeyConstraint("voucher_id", "driver_id"),
    )
    op.create_table(
        "auto_top_up",
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("below_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_method.id"],
        ),
        sa.PrimaryKeyConstraint("driver_id"),
    )
    op.create_table(
        "charge_authorization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("charge_token_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("evse_uids", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("allowed", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["charge_token_id"],
            ["charge_token.id"],
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(
        op.f("ix_charge_authorization_charge_token_id"), "charge_authorization", ["charge_token_id"], unique=False
    )
    op.create_table(
        "ocpi_charge_token_push",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("charge_token_id", sa.Uuid(), nullable=False),
        sa.Column("dirty_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["charge_token_id"],
            ["charge_token.id"],
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["ocpi_connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id", "charge_token_id"),
    )
    op.create_index(
        "charge_tokens_to_push",
        "ocpi_charge_token_push",
        ["connection_id"],
        unique=False,
        postgresql_where=sa.text("dirty_since IS NOT NULL"),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("brand_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("station_id", sa.BigInteger(), nullable=False),
        sa.Column("evse_id", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("authorization_reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("token_uid", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("command_attempts", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brand_id"],
            ["brand.id"],
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.ForeignKeyConstraint(
            ["evse_id"],
            ["evse.id"],
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("authorization_reference"),
        sa.UniqueConstraint("driver_id", "idempotency_key"),
        sa.UniqueConstraint("token_uid"),
    )
    op.create_index(op.f("ix_reservation_driver_id"), "reservation", ["driver_id"], unique=False)
    op.create_index(op.f("ix_reservation_state"), "reservation", ["state"], unique=False)
    op.create_table(
        "top_up",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["payment_method.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("processor_id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_index(op.f("ix_top_up_driver_id"), "top_up", ["driver_id"], unique=False)
    op.create_table(
        "accrual",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("month", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("billed_revenue_minor", sa.BigInteger(), nullable=True),
        sa.Column("billed_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trued_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charging_session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "charging_preference",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("profile", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("departure_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("energy_need_wh", sa.BigInteger(), nullable=True),
        sa.Column("discharge_allowed", sa.Boolean(), nullable=False),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["charging_session.id"],
        ),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "voucher_try",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_voucher_try_driver_id"), "voucher_try", ["driver_id"], unique=False)
    op.add_column(
        "brand",
        sa.Column("payment_policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    op.alter_column("brand", "payment_policy", server_default=None)
    op.add_column(
        "brand",
        sa.Column("network_policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    op.alter_column("brand", "network_policy", server_default=None)
    op.add_column(
        "brand", sa.Column("legal", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("brand", "legal", server_default=None)
    op.add_column("charge", sa.Column("failure_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("charge", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("charge", "attempts", server_default=None)
    op.add_column("charge", sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("charge", sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_charge_next_attempt_at"), "charge", ["next_attempt_at"], unique=False)
    op.add_column(
        "charging_session",
        sa.Column("payment_flow", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="HOLD"),
    )
    op.alter_column("charging_session", "payment_flow", server_default=None)
    op.add_column(
        "charging_session",
        sa.Column("origin", sqlmodel.sql.sqltypes.AutoString(), nullable=False, server_default="APP"),
    )
    op.alter_column("charging_session", "origin", server_default=None)
    op.add_column("charging_session", sa.Column("charge_token_id", sa.Uuid(), nullable=True))
    op.add_column("charging_session", sa.Column("reservation_id", sa.Uuid(), nullable=True))
    op.add_column("charging_session", sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("charging_session", sa.Column("asks", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("charging_session", "asks", server_default=None)
    op.create_foreign_key(
        "charging_session_reservation_id_fkey", "charging_session", "reservation", ["reservation_id"], ["id"]
    )
    op.create_foreign_key(
        "charging_session_charge_token_id_fkey", "charging_session", "charge_token", ["charge_token_id"], ["id"]
    )
    op.add_column(
        "driver", sa.Column("billing", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("driver", "billing", server_default=None)
    op.add_column(
        "fleet", sa.Column("billing", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("fleet", "billing", server_default=None)
    op.add_column(
        "fleet", sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("fleet", "terms", server_default=None)
    op.add_column(
        "fleet", sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}")
    )
    op.alter_column("fleet", "limits", server_default=None)
    op.add_column("fleet", sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "fleet_member",
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default="{}"),
    )
    op.alter_column("fleet_member", "limits", server_default=None)
    op.add_column("hold", sa.Column("increments", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("hold", "increments", server_default=None)
    op.add_column("hold", sa.Column("raise_refused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail", sa.Column("document_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("mail_document_id_fkey", "mail", "document", ["document_id"], ["id"])
    op.add_column("receipt", sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("receipt", sa.Column("request_key", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.alter_column("receipt", "record_id", existing_type=sa.UUID(), nullable=True)
    op.create_unique_constraint("receipt_request_key_key", "receipt", ["request_key"])
    op.create_index(
        "ledger_transaction_subject", "ledger_transaction", [sa.literal_column("split_part(reference, ':', 1)")]
    )
    op.execute(DOCUMENT_RULES)
    op.execute(POINTS_IN_THE_LEDGER)


def downgrade() -> None:
    # WARNING: constraint name is None; this directive will fail as
    # rendered.  Add a name, or use a naming convention; see
    # https://alembic.sqlalchemy.org/en/latest/naming.html
    op.drop_index("ledger_transaction_subject", table_name="ledger_transaction")
    op.drop_constraint("receipt_request_key_key", "receipt", type_="unique")
    op.alter_column("receipt", "record_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("receipt", "request_key")
    op.drop_column("receipt", "reason")
    # WARNING: constraint name is None; this directive will fail as
    # rendered.  Add a name, or use a naming convention; see
    # https://alembic.sqlalchemy.org/en/latest/naming.html
    op.drop_constraint("mail_document_id_fkey", "mail", type_="foreignkey")
    op.drop_column("mail", "document_id")
    op.drop_column("hold", "raise_refused_at")
    op.drop_column("hold", "increments")
    op.drop_column("fleet_member", "limits")
    op.drop_column("fleet", "blocked_at")
    op.drop_column("fleet", "limits")
    op.drop_column("fleet", "terms")
    op.drop_column("fleet", "billing")
    op.drop_column("driver", "billing")
    # WARNING: constraint name is None; this directive will fail as
    # rendered.  Add a name, or use a naming convention; see
    # https://alembic.sqlalchemy.org/en/latest/naming.html
    op.drop_constraint("charging_session_charge_token_id_fkey", "charging_session", type_="foreignkey")
    # WARNING: constraint name is None; this directive will fail as
    # rendered.  Add a name, or use a naming convention; see
    # https://alembic.sqlalchemy.org/en/latest/naming.html
    op.drop_constraint("charging_session_reservation_id_fkey", "charging_session", type_="foreignkey")
    op.drop_column("charging_session", "asks")
    op.drop_column("charging_session", "asked_at")
    op.drop_column("charging_session", "reservation_id")
    op.drop_column("charging_session", "charge_token_id")
    op.drop_column("charging_session", "origin")
    op.drop_column("charging_session", "payment_flow")
    op.drop_index(op.f("ix_charge_next_attempt_at"), table_name="charge")
    op.drop_column("charge", "given_up_at")
    op.drop_column("charge", "next_attempt_at")
    op.drop_column("charge", "attempts")
    op.drop_column("charge", "failure_code")
    op.drop_column("brand", "legal")
    op.drop_column("brand", "network_policy")
    op.drop_column("brand", "payment_policy")
    op.drop_index(op.f("ix_voucher_try_driver_id"), table_name="voucher_try")
    op.drop_table("voucher_try")
    op.drop_table("charging_preference")
    op.drop_table("accrual")
    op.drop_index(op.f("ix_top_up_driver_id"), table_name="top_up")
    op.drop_table("top_up")
    op.drop_index(op.f("ix_reservation_state"), table_name="reservation")
    op.drop_index(op.f("ix_reservation_driver_id"), table_name="reservation")
    op.drop_table("reservation")
    op.drop_index(
        "charge_tokens_to_push",
        table_name="ocpi_charge_token_push",
        postgresql_where=sa.text("dirty_since IS NOT NULL"),
    )
    op.drop_table("ocpi_charge_token_push")
    op.drop_index(op.f("ix_charge_authorization_charge_token_id"), table_name="charge_authorization")
    op.drop_table("charge_authorization")
    op.drop_table("auto_top_up")
    op.drop_table("voucher_redemption")
    op.drop_index(op.f("ix_fleet_invoice_state"), table_name="fleet_invoice")
    op.drop_index(op.f("ix_fleet_invoice_fleet_id"), table_name="fleet_invoice")
    op.drop_table("fleet_invoice")
    op.drop_index(op.f("ix_dispute_payment_id"), table_name="dispute")
    op.drop_index(op.f("ix_dispute_driver_id"), table_name="dispute")
    op.drop_table("dispute")
    op.drop_index(op.f("ix_charge_token_driver_id"), table_name="charge_token")
    op.drop_table("charge_token")
    op.drop_index(op.f("ix_balance_reservation_driver_id"), table_name="balance_reservation")
    op.drop_table("balance_reservation")
    op.drop_table("voucher")
    op.drop_index(op.f("ix_partner_statement_partner_id"), table_name="partner_statement")
    op.drop_table("partner_statement")
    op.drop_index(op.f("ix_partner_invoice_partner_id"), table_name="partner_invoice")
    op.drop_table("partner_invoice")
    op.drop_index(op.f("ix_debit_payer"), table_name="debit")
    op.drop_table("debit")
    op.drop_table("reconciliation")
    op.drop_index(op.f("ix_processor_movement_source"), table_name="processor_movement")
    op.drop_table("processor_movement")
    op.drop_index(op.f("ix_mandate_payer"), table_name="mandate")
    op.drop_table("mandate")
    op.drop_table("document")

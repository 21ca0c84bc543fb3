"""OCPI in three versions: routes to parties, crawls that go on, tokens to push."""

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROUTES_OF_KNOWN_ROLES = """
    INSERT INTO ocpi_route
           (connection_id, country_code, party_id, partner_id, role, name, source, status, allowed, preferred)
    SELECT DISTINCT ON (c.id, r->>'country_code', r->>'party_id')
           c.id, r->>'country_code', r->>'party_id', c.partner_id, r->>'role', coalesce(r->>'name', ''),
           'CREDENTIALS', 'CONNECTED', true, true
      FROM ocpi_connection c, jsonb_array_elements(c.roles) r
     ORDER BY c.id, r->>'country_code', r->>'party_id', r->>'role'
"""


def upgrade() -> None:
    op.create_table(
        "ocpi_crawl_seen",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("module", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("object_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["ocpi_connection.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id", "module", "object_key"),
    )
    op.create_table(
        "ocpi_route",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("country_code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("party_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("role", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("source_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["ocpi_connection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partner.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id", "country_code", "party_id"),
    )
    op.create_index("route_of_party", "ocpi_route", ["country_code", "party_id"], unique=False)
    op.create_table(
        "ocpi_token_push",
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("driver_id", sa.Uuid(), nullable=False),
        sa.Column("dirty_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["ocpi_connection.id"],
        ),
        sa.ForeignKeyConstraint(
            ["driver_id"],
            ["driver.id"],
        ),
        sa.PrimaryKeyConstraint("connection_id", "driver_id"),
    )
    op.create_index(
        "tokens_to_push",
        "ocpi_token_push",
        ["connection_id"],
        unique=False,
        postgresql_where=sa.text("dirty_since IS NOT NULL"),
    )
    op.add_column("brand", sa.Column("roaming_country_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("brand", sa.Column("roaming_party_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("driver", sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "driver", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    )
    op.alter_column("driver", "updated_at", server_default=None)
    op.add_column(
        "ocpi_connection", sa.Column("is_static", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("ocpi_connection", sa.Column("awaited_digest", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.create_unique_constraint("ocpi_connection_awaited_digest_key", "ocpi_connection", ["awaited_digest"])
    op.add_column("ocpi_connection", sa.Column("hub_party", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column(
        "ocpi_inbox", sa.Column("version", sqlmodel.sql.sqltypes.AutoString(), server_default="2.2.1", nullable=False)
    )
    op.add_column("ocpi_sync", sa.Column("complete_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("ocpi_sync", sa.Column("resume", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.execute(ROUTES_OF_KNOWN_ROLES)


def downgrade() -> None:
    op.drop_column("ocpi_sync", "resume")
    op.drop_column("ocpi_sync", "complete_at")
    op.drop_column("ocpi_inbox", "version")
    op.drop_column("ocpi_connection", "hub_party")
    op.drop_column("ocpi_connection", "awaited_digest")
    op.drop_column("ocpi_connection", "is_static")
    op.drop_column("driver", "updated_at")
    op.drop_column("driver", "blocked_at")
    op.drop_column("brand", "roaming_party_id")
    op.drop_column("brand", "roaming_country_code")
    op.drop_index("tokens_to_push", table_name="ocpi_token_push", postgresql_where=sa.text("dirty_since IS NOT NULL"))
    op.drop_table("ocpi_token_push")
    op.drop_index("route_of_party", table_name="ocpi_route")
    op.drop_table("ocpi_route")
    op.drop_table("ocpi_crawl_seen")

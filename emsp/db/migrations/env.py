"""Runs the migrations on the connection that `emsp.db.migrate` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    include_object=context.config.attributes["include_object"],
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()

"""Run by Alembic: migrate over the connection that `setpoint.store.migrate` hands in."""

from alembic import context

from setpoint.store.state import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite can, and `setpoint.store.migrate` has begun the transaction
)
with context.begin_transaction():
    context.run_migrations()

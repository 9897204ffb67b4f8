"""The SQL schema's history; Alembic runs what a database has not seen yet."""

"""The SQL database of the service: SQLite by default, PostgreSQL by its address."""

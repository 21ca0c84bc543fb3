"""The database: PostgreSQL only, embedded or by URL."""

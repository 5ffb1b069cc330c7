"""The engine's PostgreSQL: its own embedded server, or one by URL, and its schema."""

"""What is kept: SQL on SQLite or PostgreSQL, and nothing else."""

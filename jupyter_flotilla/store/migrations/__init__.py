"""Alembic's home. Revisions are ``MAJOR_NUMBER``; within a major version they only add."""

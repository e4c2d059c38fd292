"""The only truth, and the only SQL: one table, one module."""

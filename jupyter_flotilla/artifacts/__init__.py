"""Bytes in, bytes out: what belongs to runs and does not fit a row."""

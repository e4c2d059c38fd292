"""Schedules: saving and editing them, what runs at a tick, and catching up with the past.

A façade of its own over the service: `facade` composes, `timing` and `jobs` read what people ask
for, `making` makes the run of a tick (for the dispatcher too), `past` is about ticks that were.
"""

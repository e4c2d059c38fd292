"""Moves runs: each step takes ``now`` and returns how many things it moved.

Any number of processes may run the steps at once; the guards in the store keep them correct, and
a lease keeps them cheap.
"""

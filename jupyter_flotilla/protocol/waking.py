"""Lets whoever supervises a job sleep until there is something to see."""

import os
import signal


def wake_on_signals() -> int:
    """Return a descriptor that becomes readable when a signal comes or a child ends."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    return reading

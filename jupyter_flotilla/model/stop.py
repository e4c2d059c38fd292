"""How long a stop may take."""

#: Seconds of grace after SIGINT, where nobody asked for another.
GRACE_S = 10.0
#: Between SIGTERM and SIGKILL of everything but the runner, in seconds.
TERM_S = 3.0
#: What the runner gets to save its work once all else is gone, in seconds.
SAVE_S = 15.0
#: Longest time from the beginning of a stop to the end, in seconds.
STOP_S = GRACE_S + TERM_S + SAVE_S

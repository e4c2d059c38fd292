"""Whether this machine is ready, and what to do where it is not."""

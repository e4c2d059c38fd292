"""Jobs as processes of this machine: needs nothing, costs nothing.

``engine`` is what dispatchers and submitters call; ``supervisor`` is a process of its own beside
each job, so that the job and the record of its end outlive everybody who asked for it.
"""

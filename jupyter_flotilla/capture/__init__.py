"""From what the user has in hand to a JobSpec that needs nothing of here any more."""

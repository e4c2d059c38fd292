"""AWS ECS: so far its price list, which the other engines compare themselves with."""

"""AWS ECS: jobs as tasks, and the price list that the other engines compare themselves with."""

"""A deploy: candidate, state, plan, steps, and the formation dyno that repeats it."""

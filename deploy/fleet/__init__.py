"""Several targets at once: what is done for each of them, in parallel, and the outcome."""

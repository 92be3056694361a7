"""Several targets at once: what is done for each of them, in parallel, and how it ended."""

"""AWS: one session per target, typed calls, waits, and refusals explained. The only importer of botocore."""

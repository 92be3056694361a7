"""The package on this machine: unpacked, run in its real language, and invoked as Lambda invokes it."""

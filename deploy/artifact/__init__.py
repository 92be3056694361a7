"""ZIP files byte by byte: the base, the package, what differs between two packages, and Lambda's limits."""

"""AWS's names for what decisions hang on, and two of our own where AWS gives none."""

LATEST = "$LATEST"

DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"  # another update is under way, or the alias is there already
LOST = "PreconditionFailedException"  # the RevisionId is not the one that was read

NO_ANSWER = "ReadTimeout"
REPLACED = "Replaced"  # someone else came between

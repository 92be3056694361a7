"""AWS's names for what decisions hang on, and our own where AWS gives none."""

LATEST = "$LATEST"

DENIED = frozenset({"AccessDeniedException", "AccessDenied"})
NOT_FOUND = "ResourceNotFoundException"
CONFLICT = "ResourceConflictException"  # another update is under way, or the alias is there already
LOST = "PreconditionFailedException"  # the RevisionId is not the one that was read
THROTTLED = frozenset(
    {"TooManyRequestsException", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
)
INVALID = "InvalidParameterValueException"

NO_ANSWER = "ReadTimeout"
UNREACHABLE = "Unreachable"
CUT = "CutAnswer"  # an answer that was cut, or that is not one of AWS's
REPLACED = "Replaced"  # someone else came between
SHIFTING = "Shifting"  # CodeDeploy has begun another shift meanwhile
SHIFT_FAILED = "ShiftFailed"  # CodeDeploy has not brought the alias to the version
UNKNOWN_VERSION = "UnknownVersion"  # it is in no account that a fleet looks into
NO_CREDENTIALS = "NoCredentials"  # there are none, or the role can't be assumed with them

# The services, as a reader knows them.
SERVICES = {
    "cloudformation": "AWS CloudFormation",
    "codedeploy": "AWS CodeDeploy",
    "codepipeline": "AWS CodePipeline",
    "iam": "AWS IAM",
    "lambda": "AWS Lambda",
    "logs": "CloudWatch Logs",
    "s3": "Amazon S3",
    "ssm": "AWS SSM",
    "sts": "AWS STS",
}

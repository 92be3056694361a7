"""What service.json may hold. Its JSON Schema and the table in docs/infrastructure.md are made from it."""

from __future__ import annotations

from typing import Any

from deploy.infrastructure.schema import (
    AnyObject,
    Choice,
    Either,
    Field,
    Flag,
    ListOf,
    MapOf,
    Members,
    Number,
    Shape,
    Text,
)
from deploy.target.arn import FUNCTION_NAME
from deploy.target.parsers import ALIAS

FILE = "service.json"
DIALECT = "http://json-schema.org/draft-07/schema#"

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
RETENTION = 30
MEMORY = 512  # MB
TIMEOUT = 10  # seconds; API Gateway waits for 29
SHIFT_EXAMPLES = ("Canary10Percent5Minutes", "Linear10PercentEvery1Minute")
CORS_AGE = 600  # seconds

KEY = Text("a letter, and up to 40 letters, digits, `-` and `_`", "[A-Za-z][A-Za-z0-9_-]{0,40}")
VARIABLE = Text(
    "the name of a variable: a letter, and at least one more letter, digit or `_`",
    "[A-Za-z][A-Za-z0-9_]+",
    ("LOG_LEVEL",),
)
ARN = "arn:aws[a-z-]*:"


def _one_or_more(noun: str) -> Shape:
    return Either(Text(noun, r"(?s:.+)"), ListOf(Text(noun, r"(?s:.+)"), 100))


STATEMENT = Members(
    {
        "Sid": Field(Text("letters and digits", "[A-Za-z0-9]+"), "A name."),
        "Effect": Field(Choice(("Allow", "Deny")), "Whether it allows or denies.", is_required=True),
        "Action": Field(_one_or_more("an action such as `dynamodb:GetItem`"), "The actions."),
        "NotAction": Field(_one_or_more("an action"), "All actions except these."),
        "Resource": Field(_one_or_more("an ARN or `*`"), "The resources."),
        "NotResource": Field(_one_or_more("an ARN"), "All resources except these."),
        "Condition": Field(AnyObject(), "When it holds."),
    }
)

ALARMS = Members(
    {
        "errors": Field(
            Number(1, 1_000_000, "a minute"),
            "An alarm at so many failed invocations of the alias in a minute.",
            "1 if there is a shift, or else no alarm",
        ),
        "throttles": Field(
            Number(1, 1_000_000, "a minute"),
            "An alarm at so many throttled invocations of the alias in a minute.",
            "no alarm",
        ),
        "duration": Field(
            Number(1, 900_000, "milliseconds"),
            "An alarm if one in a hundred invocations takes so many milliseconds or longer.",
            "no alarm",
        ),
        "notify": Field(
            Text("the ARN of an SNS topic", f"{ARN}sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_.-]+"),
            "The SNS topic that each alarm is sent to.",
            "nobody",
        ),
    }
)

FUNCTION = Members(
    {
        "name": Field(
            Text("the name of a function: up to 64 letters, digits, `-` and `_`", FUNCTION_NAME.pattern),
            "The function's name in AWS.",
            "the key; with a single function, the name in `_LAMBDA_FUNCTION_ARN`",
        ),
        "description": Field(
            Text("a text of up to 256 characters", r"(?s:.{0,256})"), "What it is for.", "none"
        ),
        "handler": Field(
            Text("a handler without blanks", r"\S{1,128}", ("index.handler",)),
            "What Lambda calls, in the language's own form.",
            "`index.handler` for Node.js, `lambda_function.lambda_handler` for Python, `bootstrap` for "
            "programs",
        ),
        "runtime": Field(
            Text(
                "a runtime of Lambda's",
                "(?:nodejs|python|java|ruby|dotnet|provided)[a-z0-9.]*",
                ("nodejs22.x", "python3.13"),
            ),
            "Lambda's runtime.",
            "`nodejs22.x`, the Python that the build installed for, `java21` or `provided.al2023`",
        ),
        "architecture": Field(
            Choice(("x86_64", "arm64")), "The processor.", "what the build installed for, or else `x86_64`"
        ),
        "memory": Field(Number(128, 10_240, "MB"), "Memory, in MB.", f"{MEMORY}"),
        "timeout": Field(
            Number(1, 900, "seconds"), "How long an invocation may take, in seconds.", f"{TIMEOUT}"
        ),
        "environment": Field(
            MapOf(VARIABLE, Text("a text")),
            "Environment variables. They are no place for secrets, nor for config: that is baked.",
            "none; `AWS_LAMBDA_EXEC_WRAPPER` where an `env.sh` is baked",
        ),
        "layers": Field(
            ListOf(
                Text("the ARN of a layer's version", rf"{ARN}lambda:[a-z0-9-]+:[0-9]{{12}}:layer:\S+:[0-9]+"),
                5,
            ),
            "Layers, each the ARN of a version.",
            "none",
        ),
        "vpc": Field(
            Members(
                {
                    "subnets": Field(
                        ListOf(Text("a subnet", "subnet-[0-9a-f]+", ("subnet-0a1b2c3d",)), 16),
                        "Its subnets.",
                        is_required=True,
                    ),
                    "security_groups": Field(
                        ListOf(Text("a security group", "sg-[0-9a-f]+", ("sg-0a1b2c3d",)), 5),
                        "Its security groups.",
                        is_required=True,
                    ),
                }
            ),
            "The VPC that it reaches.",
            "none",
        ),
        "policy": Field(
            ListOf(STATEMENT, 50), "IAM statements, added to the role.", "none: it may write its log"
        ),
        "log_retention": Field(Choice(RETENTIONS), "How many days the log is kept.", f"{RETENTION}"),
        "alarms": Field(Either(Flag(), ALARMS), "Alarms on the alias; `false` for none."),
        "shift": Field(
            Text("the name of a CodeDeploy deployment config", "[A-Za-z0-9_.+=,@-]{1,100}", SHIFT_EXAMPLES),
            "How CodeDeploy shifts traffic: one of its own configs, without `CodeDeployDefault.Lambda`, or "
            "a custom one.",
            "`_LAMBDA_SHIFT`, or else all at once, without CodeDeploy",
        ),
    }
)

CORS = Members(
    {
        "origin": Field(
            Text("an origin", r"\*|https?://[^\s/']+", ("https://example.com",)), "Who may call it.", "`*`"
        ),
        "headers": Field(
            ListOf(Text("the name of a header", "[A-Za-z0-9-]+"), 50),
            "The request headers that callers may send.",
            "`Content-Type` and `Authorization`",
        ),
        "max_age": Field(Number(0, 86_400, "seconds"), "How long browsers keep the answer.", f"{CORS_AGE}"),
        "credentials": Field(Flag(), "Whether cookies are sent; it needs an `origin`.", "`false`"),
    }
)

DEFINITION = Text("the path of an OpenAPI or Swagger document in the app", r"(?s:.+)", ("openapi.json",))
API = Members(
    {
        "definition": Field(DEFINITION, "The API's definition.", is_required=True),
        "stage": Field(
            Text("letters, digits, `-` and `_`", "[A-Za-z0-9_-]{1,128}"), "Its stage.", "the alias"
        ),
        "cors": Field(Either(Flag(), CORS), "Whether preflight requests are answered.", "`false`"),
    }
)

HOOK = Members(
    {
        "environment": Field(
            MapOf(VARIABLE, Text("a text")),
            "Its environment variables, which say what versions are asked.",
            "none",
        )
    }
)

SERVICE = Members(
    {
        "$schema": Field(Text(), "For editors."),
        "functions": Field(
            MapOf(KEY, FUNCTION, least=1),
            "The functions, by a short name. All of them have the app's package.",
            is_required=True,
        ),
        "alias": Field(
            Text("the name of an alias: up to 128 letters, digits, `-` and `_`, not a number", ALIAS.pattern),
            "The alias that serves.",
            "`_LAMBDA_ALIAS`, or else `live`",
        ),
        "api": Field(Either(DEFINITION, API), "The API in front of the functions.", "none"),
        "hook": Field(
            Either(Flag(), HOOK),
            "Whether to set up the function that verifies versions in a shift.",
            "`false`",
        ),
        "step": Field(Flag(), "Whether to set up the function of the CodePipeline step.", "`false`"),
    }
)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of service.json."""
    title = "The functions of an app, and what belongs to them, for deploy infrastructure."
    return {"$schema": DIALECT, "title": title, **SERVICE.schema()}

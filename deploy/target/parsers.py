"""Parsers of single settings: the text of a variable → its value, or ValueError with what is wrong.

What is wrong is a clause that follows the setting's name, and never repeats a secret.
"""

from __future__ import annotations

import json
import re
import warnings
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from deploy.target.arn import FUNCTION_NAME, REGION, parse_function
from deploy.text import printable

CONFIG_FORMATS = (".properties", ".json", ".sh")

ALIAS = re.compile(r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}")
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html: the oldest that can be updated, and room
# for those to come.
PYTHON_RUNTIME = re.compile(r"python3\.(8|9|1[0-9]|2[0-9])")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
KMS_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,128}")
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
FUNCTION_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,63}")
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
PARAMETER_PATH = re.compile(r"ssm:(/([A-Za-z0-9_.-]|\{name\})+){1,14}/?")
# https://docs.aws.amazon.com/codedeploy/latest/userguide/limits.html
CODEDEPLOY_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,100}")
# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
OWN_CONFIG = re.compile(
    "AllAtOnce|Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1Minute|(2|3|10)Minutes)"
)
OWN_CONFIGS = "CodeDeployDefault."
UNITS = {"s": 1, "m": 60, "h": 3600}  # seconds


def alias(text: str) -> str:
    """Return the name of an alias."""
    return _matching(
        ALIAS, text, "is not the name of an alias: up to 128 letters, digits, `-` and `_`, not a number"
    )


def stack_name(text: str) -> str:
    """Return the name of a CloudFormation stack."""
    return _matching(STACK_NAME, text, "is not the name of a stack: a letter, then letters, digits and `-`")


def runtime(text: str) -> str:
    """Return the identifier of a Python runtime of Lambda's."""
    return _matching(PYTHON_RUNTIME, text, "is not one of Lambda's Python runtimes, such as python3.13")


def architecture(text: str) -> str:
    """Return an architecture that Lambda has."""
    return _matching(re.compile("x86_64|arm64"), text, "is neither x86_64 nor arm64")


def bucket(text: str) -> str:
    """Return the name of a bucket."""
    return _matching(BUCKET, text, "is not the name of a bucket; it stands alone, without s3://, path or ARN")


def key_prefix(text: str) -> str:
    """Return what keys in a bucket begin with."""
    if text.startswith("/"):
        msg = "begins with a slash"
        raise ValueError(msg)
    return printable_ascii(text)


def printable_ascii(text: str) -> str:
    """Return a text that every header and URL can hold."""
    if not (text.isascii() and text.isprintable()):
        msg = "is not printable ASCII"
        raise ValueError(msg)
    return text


def kms_key_arn(text: str) -> str:
    """Return the ARN of a KMS key; an alias is none, for AWS answers with the key itself."""
    wrong = "is not the ARN of a KMS key, such as `aws kms describe-key --key-id alias/NAME` shows"
    return _matching(KMS_KEY, text, wrong)


def http_url(text: str) -> str:
    """Return a URL with a scheme and a host."""
    wrong = "is not an http(s) URL"
    try:
        parts = urlsplit(printable_ascii(text))
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_valid:
        raise ValueError(wrong)
    return text


def function_prefix(text: str) -> str:
    """Return what names of functions begin with."""
    wrong = "is not the beginning of function names: 1 to 63 letters, digits, `-` and `_`"
    return _matching(FUNCTION_PREFIX, text, wrong)


def role_arn(text: str) -> str:
    """Return the ARN of a role."""
    return _matching(ROLE, text, "is not the ARN of a role")


def external_id(text: str) -> str:
    """Return what the trust policy of a role may ask for."""
    return _matching(EXTERNAL_ID, text, "is not 2 or more letters, digits and _+=,.@:/-")


def region(text: str) -> str:
    """Return the name of a region."""
    return _matching(REGION, text, "is not the name of a region")


def parameter_path(text: str) -> str:
    """Return the path that SSM parameters are below, with a slash at its end."""
    wrong = "is not `ssm:` and a path, such as ssm:/my-app/{name}/"
    path = _matching(PARAMETER_PATH, text, wrong).removeprefix("ssm:")
    return f"{path.rstrip('/')}/"


def deployment_config(text: str) -> str:
    """Return the name of a CodeDeploy deployment config; one of AWS's own with its prefix."""
    wrong = "is not the name of a CodeDeploy deployment config, such as Canary10Percent5Minutes"
    name = _matching(CODEDEPLOY_NAME, text, wrong)
    own = name.removeprefix(OWN_CONFIGS).removeprefix("Lambda")
    if OWN_CONFIG.fullmatch(own):
        return f"{OWN_CONFIGS}Lambda{own}"
    if name.startswith(OWN_CONFIGS):
        msg = "is none of AWS's own deployment configs for Lambda"
        raise ValueError(msg)
    return name


def deployment_group(text: str) -> tuple[str, str]:
    """Return the names of an application and of a deployment group in it; `{name}` is the function's."""
    application, _, group = text.partition("/")
    for name in (application, group):
        wrong = "is not an application and a deployment group, with a slash between them"
        _matching(CODEDEPLOY_NAME, name.replace("{name}", "name"), wrong)
    return application, group


def hook_function(text: str) -> str:
    """Return the name or the ARN of a function that CodeDeploy calls."""
    if FUNCTION_NAME.fullmatch(text):
        return text
    function = parse_function(text)
    if function.partition is None or function.qualifier:
        msg = "is neither the name of a function nor its ARN, without a version or an alias"
        raise ValueError(msg)
    return text


def whole_number(text: str) -> int:
    """Return a number from 1 to 999999."""
    return int(_matching(re.compile("[1-9][0-9]{0,5}"), text, "is not a whole number above 0"))


def interval(text: str) -> int:
    """Return a time in seconds."""
    wrong = "is not a time such as 30s, 10m or 6h"
    found = _matching(re.compile("[1-9][0-9]{0,5}[smh]"), text, wrong)
    return int(found[:-1]) * UNITS[found[-1]]


def repair_or_report(text: str) -> bool:
    """Return whether drift is corrected."""
    return _matching(re.compile("repair|report"), text, "is neither repair nor report") == "repair"


def json_payload(text: str) -> bytes:
    """Return JSON as it is sent."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        msg = "is not valid JSON"
        raise ValueError(msg) from None
    return text.encode("utf-8", "surrogateescape")


def regular_expression(text: str) -> str:
    """Return a pattern that Python can compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except (re.error, OverflowError, RecursionError):
        msg = "is not a valid regular expression"
        raise ValueError(msg) from None
    return text


def comma_separated(text: str) -> tuple[str, ...]:
    """Return the parts of a list."""
    return tuple(part for item in text.split(",") if (part := item.strip()))


def config_files(text: str) -> tuple[str, ...]:
    """Return the paths of the files to bake, below the package's root."""
    files = comma_separated(text)
    if not files:
        msg = "names no file"
        raise ValueError(msg)
    for file in files:
        shown = printable(file)
        path = PurePosixPath(file)
        wrong = ""
        if file.startswith("/") or ".." in path.parts:
            wrong = f"holds {shown}, which leads out of the package"
        elif str(path) != file or "\\" in file or shown != file or not file.isascii():
            wrong = f"holds {shown}, which is not a plain path such as config/env.json"
        elif path.suffix not in CONFIG_FORMATS:
            wrong = f"holds {shown}, whose extension is none of {', '.join(CONFIG_FORMATS)}"
        elif files.count(file) > 1:
            wrong = f"holds {shown} twice"
        elif parents := {str(parent) for parent in path.parents} & set(files):
            wrong = f"holds {shown}, but {printable(min(parents))} is a file"
        if wrong:
            raise ValueError(wrong)
    return files


def _matching(pattern: re.Pattern[str], text: str, wrong: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(wrong)
    return text

"""The `_AWS_…` settings: `_AWS_X` is for the deploy what `AWS_X` is for the AWS SDK."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from deploy.target import parsers
from deploy.target.arn import FunctionReference, is_region
from deploy.target.setting import Problem, Setting
from deploy.target.settings import NAMES, PREFIX, closest
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SDK_SETTING = re.compile(r"_AWS_[A-Z0-9_]+")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - a name
ROLE = "AWS_ROLE_ARN"
ROLE_SESSION = "AWS_ROLE_SESSION_NAME"
TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"  # noqa: S105 - a name
EXTERNAL_ID = "AWS_EXTERNAL_ID"
SESSION_NAME = "lambda-deploy"  # of a role's session, if none is set
CONTAINER = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"}
RETRY_MODES = ("legacy", "standard", "adaptive")
PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")
CONFIG_FILE = "AWS_CONFIG_FILE"
CREDENTIALS_FILE = "AWS_SHARED_CREDENTIALS_FILE"
FILES = {CONFIG_FILE, CREDENTIALS_FILE}
METADATA_DISABLED = "AWS_EC2_METADATA_DISABLED"
REGIONS = ("AWS_DEFAULT_REGION", "AWS_REGION")

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
TEXTS = {
    ROLE: (
        parsers.ROLE,
        "is not the ARN of a role",
    ),
    ROLE_SESSION: (
        re.compile(r"[\w+=,.@-]{2,64}", re.ASCII),
        "is not 2 to 64 letters, digits and _+=,.@-",
    ),
    EXTERNAL_ID: (
        parsers.EXTERNAL_ID,
        "is not 2 or more letters, digits and _+=,.@:/-",
    ),
    "AWS_MAX_ATTEMPTS": (re.compile("[1-9][0-9]{0,2}"), "is not a whole number from 1 to 999"),
}

# What AWS shows in its own messages, and everybody may see. All other values are secrets.
PUBLIC = frozenset({ROLE, ROLE_SESSION, TOKEN_FILE, METADATA_DISABLED, *REGIONS, *PROFILES, *FILES})

SDK_SETTINGS = (
    Setting(
        "_AWS_ACCESS_KEY_ID",
        str,
        "AKIAIOSFODNN7EXAMPLE",
        "Required, unless the credentials come from somewhere else. The deployer's access key.",
        "release",
    ),
    Setting(
        "_AWS_SECRET_ACCESS_KEY",
        str,
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "Required with it. The deployer's secret key.",
        "release",
    ),
    Setting(
        "_AWS_ROLE_ARN",
        str,
        "arn:aws:iam::123456789012:role/deployer",
        "A role to assume: with the access key, or with a web identity token instead of one.",
        "release",
    ),
    Setting(
        "_AWS_EXTERNAL_ID",
        str,
        "9f3c2a7e",
        "The external ID that the trust policy of the role asks for.",
        "release",
    ),
    Setting(
        "_AWS_WEB_IDENTITY_TOKEN_FILE",
        str,
        "/var/run/secrets/token",
        "A file with the OIDC token that the role is assumed with.",
        "release",
    ),
    Setting(
        "_AWS_DEFAULT_REGION",
        str,
        "eu-west-1",
        "The region; needed only if `_LAMBDA_FUNCTION_ARN` does not name it.",
        "release",
    ),
    Setting(
        "_AWS_…",
        str,
        "_AWS_SESSION_TOKEN",
        "Any other `_AWS_X` is what `AWS_X` is to the AWS SDK: `_AWS_SESSION_TOKEN`, "
        "`_AWS_ENDPOINT_URL`, `_AWS_MAX_ATTEMPTS`, `_AWS_CA_BUNDLE`, …",
        "release",
    ),
)


# The settings that people type by hand; a name that is close to one of them is likely to be it, mistyped.
OTHERS = """
SESSION_TOKEN ENDPOINT_URL CA_BUNDLE MAX_ATTEMPTS RETRY_MODE ROLE_ARN ROLE_SESSION_NAME EXTERNAL_ID
WEB_IDENTITY_TOKEN_FILE
""".split()
TYPED = {f"_{name}" for name in (*KEYS, *REGIONS)} | {f"_AWS_{name}" for name in OTHERS}
MAY_BE_MEANT = re.compile("_|.*(LAMBDA|_ARN)", re.IGNORECASE)


def find_near_misses(variables: Mapping[str, str]) -> list[str]:
    """Return a notice for each variable that looks like a mistyped setting and has no effect as one."""
    known = TYPED | NAMES
    names = sorted(name for name in variables if MAY_BE_MEANT.match(name) and name not in known)
    # _DEPLOY_… are the notes of the start script (config/notes.py).
    apart = (PREFIX, "AWS_", "_AWS_ENDPOINT_URL_", "_DEPLOY_")
    others = [name for name in names if not name.startswith(apart)]
    meant = ((name, closest(name.upper(), known)) for name in others)
    return [f"{printable(name)} is not a setting. Did you mean {close}?" for name, close in meant if close]


def read_sdk_settings(variables: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Return the settings by the SDK's own names (AWS_ACCESS_KEY_ID, …), and what is wrong with them."""
    settings = {
        name.removeprefix("_"): text
        for name, value in variables.items()
        if SDK_SETTING.fullmatch(name) and (text := value.strip())
    }
    problems = [*_missing_credentials(settings), *_role_problems(settings)]
    for name, text in sorted(settings.items()):
        if wrong := next(_wrong(name, text), None):
            problems.append(Problem(f"_{name}", *wrong))
    if settings.get("AWS_ACCESS_KEY_ID", "").startswith("ASIA") and SESSION_TOKEN not in settings:
        wrong_key = "is not set, but _AWS_ACCESS_KEY_ID is a temporary key (ASIA…), which needs one"
        problems.append(Problem("_AWS_SESSION_TOKEN", wrong_key))
    problems += [
        Problem(
            f"_{name}",
            "names a profile, but there is none in a dyno: a deploy uses the keys in its settings and reads "
            f"no file in ~/.aws. Unset _{name}",
        )
        for name in PROFILES
        if name in settings and not FILES & settings.keys()
    ]
    return settings, problems


def uses_machine(settings: Mapping[str, str]) -> bool:
    """Whether the credentials may be those of the EC2 instance: only if it is said that they may."""
    return settings.get(METADATA_DISABLED, "").lower() == "false"


def _missing_credentials(settings: Mapping[str, str]) -> Iterator[Problem]:
    others = {TOKEN_FILE, *FILES, *CONTAINER} & settings.keys()
    if any(name in settings for name in KEYS) or not (others or uses_machine(settings)):
        yield from (Problem(f"_{name}", "is not set") for name in KEYS if name not in settings)


def _role_problems(settings: Mapping[str, str]) -> Iterator[Problem]:
    if ROLE not in settings:
        for name in (TOKEN_FILE, EXTERNAL_ID):
            if name in settings:
                yield Problem(f"_{ROLE}", f"is not set, but _{name} is, which is of use with a role alone")
    elif TOKEN_FILE in settings and EXTERNAL_ID in settings:
        yield Problem(f"_{EXTERNAL_ID}", "is of no use with a web identity token: remove it")


def _wrong(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield what the SDK would fail on, as (what is wrong, example)."""
    if not (text.isascii() and text.isprintable()):
        yield "holds a character that is not printable ASCII", ""
    if name in (*KEYS, SESSION_TOKEN) and " " in text:
        yield "holds a blank", ""
    if name.startswith("AWS_ENDPOINT_URL") and not _is_http_url(text):
        yield "is not an http(s) URL", "https://localhost:4566"
    if name == "AWS_RETRY_MODE" and text not in RETRY_MODES:
        yield f"is not one of {', '.join(RETRY_MODES)}", "standard"
    # os.path: False, not an exception, for what can't be a path.
    if name in {"AWS_CA_BUNDLE", TOKEN_FILE} and not os.path.exists(text):  # noqa: PTH110
        bundle = "/etc/ssl/certs/ca-certificates.crt" if name == "AWS_CA_BUNDLE" else ""
        yield "names a file that does not exist", bundle
    if name in TEXTS and not TEXTS[name][0].fullmatch(text):
        yield TEXTS[name][1], "5" if name == "AWS_MAX_ATTEMPTS" else ""
    if name in REGIONS and not is_region(text):
        yield "is not the name of a region", "eu-west-1"


def _is_http_url(text: str) -> bool:
    try:
        parsers.http_url(text)
    except ValueError:
        return False
    return True


def endpoint_setting(settings: Mapping[str, str], service: str) -> str:
    """Return the SDK's name of the setting that says where a service is; empty if none does."""
    if settings.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    names = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
    return next((name for name in names if settings.get(name)), "")


def find_region(settings: Mapping[str, str], function: FunctionReference | None) -> tuple[str, list[Problem]]:
    """Return the region that the function's ARN and the settings agree on; empty with a problem."""
    named = {f"_{name}": settings[name] for name in REGIONS if name in settings}
    if not all(map(is_region, named.values())):
        return "", []  # which is a problem already
    if function and function.region:
        named = {"_LAMBDA_FUNCTION_ARN": function.region, **named}
    if len(set(named.values())) > 1:
        first, *others = named
        other = next(name for name in others if named[name] != named[first])
        wrong = f"names a different region from {first}: remove it, or correct the wrong one"
        return "", [Problem(other, wrong)]
    if not named and function:
        wrong = "is not set, and _LAMBDA_FUNCTION_ARN does not name the region"
        return "", [Problem("_AWS_DEFAULT_REGION", wrong)]
    return next(iter(named.values()), ""), []

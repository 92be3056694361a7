"""A function behind a server that answers whatever a test has it answer (aws_answers.py)."""

import io
from pathlib import Path

from deploy.aws.function import Function
from deploy.release.deploy import connect
from deploy.target.environment import read_target
from in_process import Impatient
from targets import ARN
from zips import package_in

KEY, SECRET, TOKEN = "ASIAIOSFODNN7EXAMPLE", "canary/secret/key/of/the/deployer", "canary-session-token"


def function_at(url: str, **changed: str) -> Function:
    """Return the function of settings that lead to a server."""
    env = {
        "_LAMBDA_FUNCTION_ARN": ARN,
        "_AWS_ACCESS_KEY_ID": KEY,
        "_AWS_SECRET_ACCESS_KEY": SECRET,
        "_AWS_SESSION_TOKEN": TOKEN,
        "_AWS_MAX_ATTEMPTS": "1",
        "_AWS_ENDPOINT_URL": url,
        **changed,
    }
    return connect(read_target(env, Path()), Impatient())


def upload(function: Function) -> str:
    """Upload a package, and return what AWS says of it."""
    return function.update_code(package_in(io.BytesIO(b"package")), lambda _done, _total: None).code_sha256

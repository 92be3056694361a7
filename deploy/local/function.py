"""The function as the package runs in it here: what options say of it, or else AWS."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy.errors import InputError
from deploy.target.arn import partition_of
from deploy.target.environment import Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.aws.answers import Configuration
    from deploy.target.environment import App

# Lambda's own defaults.
TIMEOUT = 3  # seconds
MEMORY = 128  # MB

TASK_ROOT = "/var/task/"  # where Lambda unpacks a package
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
NOBODY = "123456789012"  # an account that AWS uses in examples
REGION = "us-east-1"

# Of this machine's credentials a handler gets none, unless it looks for them: the SDKs look here.
# https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
WITHOUT_CREDENTIALS = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


@dataclass(frozen=True)
class LocalFunction:
    """What Lambda knows of a function when it runs it; `variables` are its own environment variables."""

    name: str
    region: str = REGION
    account: str = NOBODY
    runtime: str = ""
    handler: str = ""
    timeout: int = TIMEOUT
    memory: int = MEMORY
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def arn(self) -> str:
        """Its ARN; of an account that is an example if the real one is not known."""
        place = f"arn:{partition_of(self.region)}:lambda:{self.region}:{self.account}"
        return f"{place}:function:{self.name}"

    def wrapper(self, task_root: Path) -> str:
        """Return the path of what starts the runtime, here; empty if the package has nothing that does."""
        path = self.variables.get(WRAPPER, "")
        return str(task_root / path.removeprefix(TASK_ROOT)) if path.startswith(TASK_ROOT) else ""

    def process_variables(self, task_root: Path, path: str) -> dict[str, str]:
        """Return the variables that a runtime starts with; `path` is where this machine's programs are.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]{secrets.token_hex(16)}"
        of_lambda = {
            "_HANDLER": self.handler,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_REGION": self.region,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": str(task_root),
            "TZ": ":UTC",
        }
        if self.runtime and not self.runtime.startswith("provided"):
            of_lambda["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{self.runtime}"
        defaults = {
            **WITHOUT_CREDENTIALS,
            "LANG": "en_US.UTF-8",
            "LD_LIBRARY_PATH": f"{task_root}:{task_root}/lib",
            "NODE_PATH": f"/opt/nodejs/node_modules:{task_root}",
            "PATH": path,
        }
        own = {name: text for name, text in self.variables.items() if name != WRAPPER}
        return {**defaults, **own, **of_lambda}


def describe(
    app: App, configuration: Configuration | None, *, handler: str, runtime: str, timeout: int | None
) -> LocalFunction:
    """Return the function as options describe it, if they do, and else as AWS does.

    If AWS was not asked, a baked shell file is what starts the runtime, as the documents have it.
    """
    named = app.settings.function
    function = LocalFunction(named.name if named else "function")
    if named:
        region = app.region if isinstance(app, Target) else named.region
        function = replace(function, region=region or REGION, account=named.account or NOBODY)
    if configuration:
        running = configuration.running
        function = replace(
            function,
            runtime=running.get("Runtime") or "",
            handler=running.get("Handler") or "",
            timeout=running.get("Timeout") or TIMEOUT,
            memory=running.get("MemorySize") or MEMORY,
            variables=(running.get("Environment") or {}).get("Variables") or {},
        )
    elif scripts := [name for name in app.settings.config_files if name.endswith(".sh")]:
        function = replace(function, variables={WRAPPER: f"{TASK_ROOT}{scripts[0]}"})
    function = replace(
        function,
        handler=handler or function.handler,
        runtime=runtime or function.runtime,
        timeout=timeout or function.timeout,
    )
    if not 1 <= function.timeout <= 900:  # noqa: PLR2004 - Lambda's own limit
        raise InputError("--timeout is not a number of seconds from 1 to 900.")
    return function

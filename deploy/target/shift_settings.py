"""The settings of a shift: CodeDeploy moves the alias's traffic to a new version step by step."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.target import parsers
from deploy.target.setting import declare

THE_NAME = "{name}"  # stands for the function's name


@dataclass(frozen=True)
class Shift:
    """How an alias's traffic is shifted: the deployment config, the group, and the hook functions."""

    config: str
    application: str
    group: str
    hook_before: str | None = None
    hook_after: str | None = None

    @property
    def name(self) -> str:
        """The application and the group, as the setting names them."""
        return f"{self.application}/{self.group}"


@dataclass(frozen=True)
class ShiftSettings:
    """The values of these settings."""

    shift: str | None = declare(
        "_LAMBDA_SHIFT",
        parsers.deployment_config,
        "Canary10Percent5Minutes",
        "With an alias: let AWS CodeDeploy shift the alias's traffic by this deployment config, one of AWS's "
        "own without `CodeDeployDefault.Lambda`, or a custom one.",
        "release",
    )
    codedeploy: tuple[str, str] | None = declare(
        "_LAMBDA_CODEDEPLOY",
        parsers.deployment_group,
        "my-app/live",
        "CodeDeploy's application and deployment group; `{name}` stands for the function's name. By default "
        "they are called like the function and its alias.",
        "release",
    )
    hook_before: str | None = declare(
        "_LAMBDA_HOOK_BEFORE",
        parsers.hook_function,
        "CodeDeployHook_before",
        "The function that CodeDeploy calls before it shifts any traffic: its name or its ARN.",
        "release",
    )
    hook_after: str | None = declare(
        "_LAMBDA_HOOK_AFTER",
        parsers.hook_function,
        "CodeDeployHook_after",
        "The function that CodeDeploy calls after it has shifted all traffic: its name or its ARN.",
        "release",
    )

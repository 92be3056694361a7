"""Whether a function can run a base, and finds its config: pure, from what AWS says of the function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy.artifact.kind import BOOTSTRAP, OS_ONLY, OTHER, find_kind
from deploy.artifact.package import holds, holds_any
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.artifact.base import Base
    from deploy.artifact.kind import Kind
    from deploy.output import Report
    from deploy.target.environment import App

# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
TASK_ROOT = "/var/task/"

DEPENDENCIES = "node_modules/"  # which hold files in all languages


@dataclass(frozen=True)
class Misfit:
    """What does not fit: `runs` is whether the function runs nevertheless, without its config."""

    name: str
    error: DeployError
    runs: bool = False


def find_misfits(function: Mapping[str, Any], app: App, base: Base) -> Iterator[Misfit]:
    """Yield what keeps a function from running a base, or from finding its config.

    `function` is its configuration, as AWS gives it.
    """
    if error := _wrong_runtime(_text(function, "Runtime"), app, base):
        yield Misfit("runtime", error)
    if error := _wrong_architecture(function.get("Architectures"), base):
        yield Misfit("architecture", error)
    wrapper = find_wrapper(function, app)
    if wrapper is not None and (misfit := _wrong_wrapper(wrapper, app, base)):
        yield misfit


def point_out_misfits(function: Mapping[str, Any], app: App, base: Base, report: Report) -> None:
    """Report what does not fit, which stops no deploy: the function may be corrected afterwards."""
    for misfit in find_misfits(function, app, base):
        error = misfit.error
        point_out = report.remark if misfit.runs else report.notice
        point_out("\n".join(text for text in (error.what, error.why, error.todo) if text))


def find_wrapper(function: Mapping[str, Any], app: App) -> str | None:
    """Return what starts the function's runtime, empty if nothing does; None if it is not known or needed."""
    runtime, environment = _text(function, "Runtime"), _members(function, "Environment")
    # AWS gives an error in place of variables that the deployer may not decrypt. What an OS-only runtime does
    # with the wrapper is the app's matter.
    if not runtime or runtime.startswith(OS_ONLY) or "Error" in environment or not app.settings.config_files:
        return None
    return _text(_members(environment, "Variables"), WRAPPER)


def baked_scripts(app: App) -> list[str]:
    """Return where the function has the baked files that can be its wrapper."""
    return [f"{TASK_ROOT}{file}" for file in app.settings.config_files if file.endswith(".sh")]


def is_of_the_app(wrapper: str) -> bool:
    """Whether a wrapper comes with the package, and not with a layer."""
    return wrapper.startswith(TASK_ROOT)


def _wrong_runtime(runtime: str, app: App, base: Base) -> DeployError | None:
    """Return why the function's runtime can't run the base; None if nothing speaks against it."""
    if not runtime:
        return None
    shown = printable(runtime)
    kind = find_kind(base.kind)
    if runtime.startswith(kind.other_runtimes) or _lacks_files(runtime, kind, app, base):
        return DeployError(
            f"The function runs {shown}, and this app is a {kind.name} app.",
            todo=f"Set the function's runtime to a {kind.name}, or name another function in "
            "_LAMBDA_FUNCTION_ARN.",
        )
    if base.runtime and runtime.startswith("python") and runtime != base.runtime:
        return DeployError(
            f"The function runs {shown}, and the dependencies were installed for {base.runtime}.",
            why="Compiled ones can be loaded by the version alone that they were made for.",
            todo=f"Set _LAMBDA_RUNTIME={shown} for the build and build again, or change the function.",
        )
    if kind is OTHER and not runtime.startswith(OS_ONLY) and _holds(app, base, BOOTSTRAP):
        return DeployError(
            f"The function runs {shown}, and the package is for an OS-only runtime: it holds {BOOTSTRAP}.",
            todo="Set the function's runtime to provided.al2023, or name another function in "
            "_LAMBDA_FUNCTION_ARN.",
        )
    return None


def _lacks_files(runtime: str, kind: Kind, app: App, base: Base) -> bool:
    """Whether the runtime is for files that the base has none of; if that can't be found out, it has."""
    extension = next((each for start, each in kind.with_files if runtime.startswith(start)), "")
    if not extension:
        return False
    try:
        return not holds_any(
            app.slug, base, lambda name: name.endswith(extension) and DEPENDENCIES not in name
        )
    except InputError:
        return False


def _wrong_architecture(architectures: object, base: Base) -> DeployError | None:
    if not base.architecture or not isinstance(architectures, list) or not architectures:
        return None
    if base.architecture in architectures:
        return None
    there = printable(str(architectures[0]))
    return DeployError(
        f"The function runs on {there}, and the base was built for {base.architecture}.",
        why="Compiled code runs on the architecture alone that it was made for.",
        todo=f"Build it for {there} (Python: _LAMBDA_ARCHITECTURE={there}, Go: GOARCH), or change the "
        "function's architecture.",
    )


def _wrong_wrapper(wrapper: str, app: App, base: Base) -> Misfit | None:
    """Return why what starts the function's runtime is not a baked env.sh, where one is baked."""
    scripts = baked_scripts(app)
    if wrapper in scripts:
        return None
    todo = f"Remove {WRAPPER} from the function, or name the file in _LAMBDA_CONFIG_FILES."
    if scripts:
        # A version keeps the variables that it was published with: a wrapper for the next one breaks nothing.
        when = ", and deploy" if app.settings.publishes else ", after the first deploy with this file"
        todo = f"Set it on the function{when}: {WRAPPER}={scripts[0]}"
    if is_of_the_app(wrapper):
        if _holds(app, base, wrapper.removeprefix(TASK_ROOT)):
            return None
        what = f"The function's {WRAPPER} is {printable(wrapper)}, which the package does not hold."
        why = "A function whose wrapper is missing does not start."
        return Misfit("wrapper", DeployError(what, why=why, todo=todo))
    if not scripts:
        return None
    what = f"The function has no environment variable {WRAPPER}."
    if wrapper:
        what = f"The function's {WRAPPER} is {printable(wrapper)}, and not {scripts[0]}."
    why = "So the config that is baked into this file does not reach its environment."
    return Misfit("wrapper", DeployError(what, why=why, todo=todo), runs=True)


def _text(members: Mapping[str, Any], name: str) -> str:
    """Return a member that is a text; empty if AWS's answer has none."""
    text = members.get(name)
    return text if isinstance(text, str) else ""


def _members(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = members.get(name)
    return found if isinstance(found, dict) else {}


def _holds(app: App, base: Base, name: str) -> bool:
    """Whether the base holds a file; if that can't be found out, it does."""
    try:
        return holds(app.slug, base, name)
    except InputError:
        return True

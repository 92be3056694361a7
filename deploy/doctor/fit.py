"""Checks of whether the function can run what is deployed, and finds its config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from deploy.artifact.package import holds
from deploy.doctor.check import Check, failed, ok, unknown
from deploy.errors import DeployError, InputError
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy.artifact.base import Base
    from deploy.target.environment import Target

# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
TASK_ROOT = "/var/task/"

OS_ONLY = "provided"  # what the runtimes begin with that start the package's own `bootstrap`
BOOTSTRAP = "bootstrap"


class Language(NamedTuple):
    """What a kind of app is called, and the beginnings of the runtimes that can't run it."""

    name: str
    others: tuple[str, ...]


# Node.js and Python functions run on some other runtimes as well, by a wrapper or a layer. Java's don't.
LANGUAGES = {
    "java": Language("Java", ("nodejs", "python", "ruby", "dotnet", "go")),
    "nodejs": Language("Node.js", ("java",)),
    "python": Language("Python", ("java", "nodejs", "ruby", "dotnet", "go")),
}


def check_fit(content: Mapping[str, Any], target: Target, base: Base) -> Iterator[Check]:
    """Check that the function runs this base, and finds the config files."""
    files = target.settings.config_files
    runtime = content.get("Runtime", "")
    if error := _wrong_runtime(runtime, target, base):
        yield failed("runtime", error, needed=False)
    if error := _wrong_architecture(content.get("Architectures", []), base):
        yield failed("architecture", error, needed=False)
    environment = content.get("Environment", {})
    # AWS gives an error in place of variables that the deployer may not decrypt. What an OS-only runtime does
    # with the wrapper is the app's matter.
    if not files or not runtime or runtime.startswith(OS_ONLY) or "Error" in environment:
        return
    wrapper = environment.get("Variables", {}).get(WRAPPER, "")
    if check := _check_wrapper(wrapper, files, target, base):
        yield check


def _wrong_runtime(runtime: str, target: Target, base: Base) -> DeployError | None:
    """Return why the function's runtime can't run the base; None if nothing speaks against it."""
    if not runtime:
        return None
    shown = printable(runtime)
    language = LANGUAGES.get(base.kind)
    if language and runtime.startswith(language.others):
        return DeployError(
            f"The function runs {shown}, and this app is a {language.name} app.",
            todo=f"Set the function's runtime to a {language.name}, or name another function in "
            "_LAMBDA_FUNCTION_ARN.",
        )
    if base.runtime and runtime.startswith("python") and runtime != base.runtime:
        return DeployError(
            f"The function runs {shown}, and the dependencies were installed for {base.runtime}.",
            why="Compiled ones can be loaded by the version alone that they were made for.",
            todo=f"Set _LAMBDA_RUNTIME={shown} on the app and push again, or change the function.",
        )
    if language is None and not runtime.startswith(OS_ONLY) and _holds(target, base, BOOTSTRAP):
        return DeployError(
            f"The function runs {shown}, and the package is for an OS-only runtime: it holds {BOOTSTRAP}.",
            todo="Set the function's runtime to provided.al2023, or name another function in "
            "_LAMBDA_FUNCTION_ARN.",
        )
    return None


def _wrong_architecture(architectures: list[str], base: Base) -> DeployError | None:
    if not base.architecture or not architectures or base.architecture in architectures:
        return None
    there = printable(architectures[0])
    return DeployError(
        f"The function runs on {there}, and the base was built for {base.architecture}.",
        why="Compiled code runs on the architecture alone that it was made for.",
        todo=f"Build it for {there} (Python: _LAMBDA_ARCHITECTURE={there}, Go: GOARCH) and push again, or "
        "change the function's architecture.",
    )


def _check_wrapper(wrapper: str, files: tuple[str, ...], target: Target, base: Base) -> Check | None:
    """Check that what starts the function's runtime goes by a baked env.sh, where one is baked."""
    scripts = [f"{TASK_ROOT}{file}" for file in files if file.endswith(".sh")]
    if wrapper in scripts:
        return ok("wrapper", f"{WRAPPER} is {printable(wrapper)}")
    todo = f"Remove {WRAPPER} from the function, or name the file in _LAMBDA_CONFIG_FILES."
    if scripts:
        todo = f"Set it on the function, after the first deploy with this file: {WRAPPER}={scripts[0]}"
    of_the_app = wrapper.startswith(TASK_ROOT)
    if of_the_app and not _holds(target, base, wrapper.removeprefix(TASK_ROOT)):
        what = f"The function's {WRAPPER} is {printable(wrapper)}, which the package does not hold."
        why = "A function whose wrapper is missing does not start."
    elif not scripts:
        return None
    elif of_the_app:
        return unknown("wrapper", f"{printable(wrapper)}, a script of the app, has to source {scripts[0]}")
    else:
        what = f"The function has no environment variable {WRAPPER}."
        if wrapper:
            what = f"The function's {WRAPPER} is {printable(wrapper)}, and not {scripts[0]}."
        why = "So the config that is baked into this file does not reach its environment."
    return failed("wrapper", DeployError(what, why=why, todo=todo), needed=False)


def _holds(target: Target, base: Base, name: str) -> bool:
    """Whether the base holds a file; if that can't be found out, it does."""
    try:
        return holds(target.slug, base, name)
    except InputError:
        return True

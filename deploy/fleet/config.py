"""The config that a promoted version gets in this account: from a file, from SSM, or from what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.artifact.archive import read_directory
from deploy.artifact.content import read_content
from deploy.artifact.differences import LARGEST_CONFIG
from deploy.artifact.extraction import baked_entries
from deploy.aws.download import RemoteFile
from deploy.aws.parameters import path_of, read_parameters
from deploy.config.bake import Bake
from deploy.config.formats import ConfigFile, encode, variables
from deploy.config.variables import Config, select
from deploy.errors import DeployError, InputError
from deploy.target.record import parse_record
from deploy.target.source import read_env_file
from deploy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.artifact.window import Seekable
    from deploy.aws.answers import Alias
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.target.record import Record

OTHERWISE = (
    "Say what its config is here: `--config-dir DIR` with a file {name}.env, or "
    "_LAMBDA_CONFIG_FROM=ssm:/…/{{name}}/"
)


def config_for(
    function: Function,
    live: Alias | None,
    files: tuple[str, ...],
    path: Path | None,
    cancellation: Cancellation,
) -> tuple[Bake, str]:
    """Return these files with the config of this account, and where that is from.

    A .env file counts before SSM, and that before the version that is live here. Raises DeployError if
    none of them exists.
    """
    target = function.session.target
    if path is not None:
        bake = bake_for(function, files, read_file(path))
        return bake, f"of {path.name}{_described(bake.config)}"
    if target.settings.config_from:
        bake = bake_for(function, files, read_parameters(function.session, cancellation))
        return bake, f"below ssm:{path_of(target)}/{_described(bake.config)}"
    if live is None:
        raise DeployError(
            f"Nothing is live on {function.name} yet, so there is no config to take over.",
            todo=OTHERWISE.format(name=function.name),
        )
    return _of_version(function, live.version, files), f"of version {live.version}"


def config_of(function: Function, version: str) -> dict[str, str] | None:
    """Return the config that a version was baked with; None if it can't be found out."""
    try:
        described = function.described(version)
        record = parse_record(described.configuration.description)
        if record is None or described.withheld:
            return None
        return _values(_config_files(RemoteFile(function, version, described), record))
    except (DeployError, ValueError):
        return None


def takes_no_config(name: str, path: Path) -> InputError:
    """Return the error for a config that would not be baked."""
    return InputError(
        f"{name} takes no config: its package is copied as it is.",
        why=f"{printable(str(path))} would not be baked into it.",
        todo="Take that file away, or publish the version there with this buildpack.",
    )


def read_file(path: Path) -> dict[str, str]:
    """Return the variables of a .env file; raise InputError for an empty one, which what writes it left."""
    found = read_env_file(path, {})
    if not found and not path.read_bytes().strip():
        raise InputError(
            f"{printable(str(path))} is empty, so nothing would be left of the function's config.",
            todo="Write the config into it; if there is to be none, a comment that says so.",
        )
    return found


def _described(config: Config) -> str:
    """Return how many config vars there are, and the names of those that are left out as a deploy does."""
    count, left_out = len(config.baked), [printable(each.name) for each in config.left_out]
    without = f", without {', '.join(left_out)}" if left_out else ""
    return f" ({count} config var{'s' * (count != 1)}{without})"


def bake_for(function: Function, files: tuple[str, ...], given: Mapping[str, str]) -> Bake:
    """Choose and encode config vars as a deploy does."""
    settings = function.session.target.settings
    config = select(given, include=settings.config_include, exclude=settings.config_exclude)
    return Bake(config, tuple(encode(name, config.baked) for name in files))


def _of_version(function: Function, version: str, files: tuple[str, ...]) -> Bake:
    """Take the config files out of the package of a version here, without downloading the rest of it."""
    described = function.described(version)
    there = f"Version {version} of {function.name}, which is live,"
    todo = OTHERWISE.format(name=function.name)
    record = parse_record(described.configuration.description)
    if record is None or not record.is_complete:
        raise DeployError(
            f"{there} does not say which of its files hold config.",
            why="This buildpack has not published it, or an earlier one has.",
            todo=todo,
        )
    if described.withheld:
        raise DeployError(
            f"AWS keeps the package of {there[0].lower()}{there[1:]} back: {described.withheld}"
        )
    try:
        found = _config_files(RemoteFile(function, version, described), record)
    except (ValueError, InputError):
        raise DeployError(f"{there} has no config files that can be read.", todo=todo) from None
    if set(files) != found.keys():
        why = f"These are {', '.join(found)}, and those of the promoted version are {', '.join(files)}."
        raise DeployError(f"{there} has its config in other files.", why=why, todo=todo)
    # The files go over as they are, whoever wrote them; their values are known if we did.
    return Bake(Config(_values(found) or {}, ()), tuple(found[name] for name in files))


def _values(files: Mapping[str, ConfigFile]) -> dict[str, str] | None:
    """Return the config vars in these files; None if we did not write them."""
    try:
        return dict(pair for file in files.values() for pair in variables(file.name, file.content).items())
    except (ValueError, RecursionError):
        return None


def _config_files(package: Seekable, record: Record) -> dict[str, ConfigFile]:
    """Read the baked files of a package. Raise ValueError or InputError if it is not what is recorded."""
    entries = baked_entries(read_directory(package), record)
    if any(entry.size > LARGEST_CONFIG for entry in entries):
        raise ValueError("a config file of this size")
    return {
        entry.name: ConfigFile(entry.name, b"".join(read_content(package, entry)), entry.mode & 0o777)
        for entry in entries
    }

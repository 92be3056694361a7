"""Makes the base of a Node.js app: its files, at the root of a ZIP; points out what is not among them."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from deploy.artifact.base import BASE_ZIP
from deploy.artifact.kind import NODEJS
from deploy.build.lambdaignore.rules import read_rules
from deploy.build.result import Result
from deploy.build.zip import tree
from deploy.build.zip.compression import COMPRESSION
from deploy.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from deploy.build.lambdaignore.rules import Rules
    from deploy.output import Report

MODULES = "node_modules"
# Yarn's, of its version 3 and later, and of version 2: https://yarnpkg.com/features/pnp
PLUG_N_PLAY = (".pnp.cjs", ".pnp.loader.mjs", ".pnp.js")
# Where Next.js, Nuxt and Nitro, serverless-webpack, serverless-plugin-typescript and Vercel put their output.
HIDDEN_OUTPUT = (".next", ".output", ".webpack", ".build", ".vercel")


def make(app: Path, output: Report) -> Result:
    """Write the base ZIP.

    Raise InputError if the app can't be deployed, OSError if a file can't be read or written.
    """
    output.step("Making the base ZIP")
    rules = read_rules(app / tree.IGNORE_FILE)
    _check_dependencies(app, rules, output)
    files = tree.ordered(tree.app_files(app, rules), "the app")
    _note_hidden_output(app, [file.name for file in files], output)
    return Result(BASE_ZIP, tree.write(app, files, output), COMPRESSION)


def _check_dependencies(app: Path, rules: Rules, output: Report) -> None:
    """Point out dependencies that are not installed.

    Raise InputError if they are where Lambda can't find them, or if package.json can't be read.
    """
    try:
        package = json.loads((app / "package.json").read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise InputError("package.json is not valid JSON.", todo="Correct it, and push.") from None
    named = isinstance(package, dict) and package.get("dependencies")
    if named or (isinstance(package, dict) and package.get("workspaces")):
        _check_plug_n_play(app, rules)
    if named and not (app / MODULES).is_dir():
        output.notice(
            "package.json names dependencies, but there is no node_modules.\n"
            "Unless the app bundles them, add heroku/nodejs before this buildpack."
        )


def _check_plug_n_play(app: Path, rules: Rules) -> None:
    found = [name for name in PLUG_N_PLAY if (app / name).is_file()]
    # Tools keep their caches in a node_modules of their own, whose names are hidden.
    is_installed = any(not path.name.startswith(".") for path in (app / MODULES).glob("*"))
    if found and not is_installed and not any(rules.excludes(name, is_folder=False) for name in found):
        raise InputError(
            "The app's dependencies are installed by Yarn's Plug'n'Play, which does not work in Lambda.",
            why=f"There is {' and '.join(found)}, but no node_modules, where Node.js looks for them there.",
            todo="Write `nodeLinker: node-modules` into .yarnrc.yml, run `yarn install`, commit the changes "
            "and push again. If the app is bundled and needs no dependency when it runs, write "
            f"`/{found[0]}` into .lambdaignore.",
        )


def _note_hidden_output(app: Path, names: Sequence[str], output: Report) -> None:
    """Point out hidden folders of build output if nothing that can run is in the package."""
    if any(map(_is_code, names)):
        return
    found = [name for name in HIDDEN_OUTPUT if _has_entries(app / name) and not _is_in(name, names)]
    if found:
        output.notice(
            f"The package holds no code of the app, but there is build output in {' and '.join(found)}.\n"
            "Hidden folders are left out. To deploy one, name it, or the folder in it that is the function: "
            f"set _LAMBDA_ARTIFACT={found[0]}, or write the path into .lambda-artifact. To deploy it beside "
            "the app's files, re-include it in .lambdaignore: "
            f"{' or '.join(f'`!/{name}/`' for name in found)}."
        )


def _is_code(name: str) -> bool:
    """Whether a file may be the function's, and not a package's or the configuration of a tool."""
    path = PurePosixPath(name)
    return path.suffix in NODEJS.handlers and MODULES not in path.parts and not path.stem.endswith(".config")


def _has_entries(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _is_in(folder: str, names: Iterable[str]) -> bool:
    return any(name.startswith(f"{folder}/") for name in names)

"""The command line: arguments → command → exit status."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from deploy import __version__
from deploy.errors import DeployError, InputError, Interrupted
from deploy.output import Output, megabytes, printable, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from deploy.config import Config
    from deploy.formats import ConfigFile
    from deploy.settings import ConfigSettings

__all__ = ["main"]

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

DESCRIPTION = """\
Deploys the app's function to AWS Lambda, with the app's config vars baked into it.

Without a command: makes the package and uploads it to _LAMBDA_FUNCTION_ARN.
"""

EXIT_STATUS = """\
exit status: 0 done; 1 AWS or the network refused, or the deploy was interrupted;
2 the settings, the arguments or the artifact are wrong
"""


def main(arguments: Sequence[str], *, slug: Path) -> int:
    """Run a command on the app in `slug` and give the exit status."""
    defaults = argparse.Namespace(command="deploy", env_file=None, json=False, debug=False)
    options = _parser().parse_args(arguments, defaults)
    process_environment = dict(os.environ)
    output = Output(process_environment, as_json=options.json)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    secrets: Mapping[str, str] = {}
    try:
        environment = secrets = _environment(process_environment, options.env_file)
        COMMANDS[options.command](options, environment, slug, output)
    except DeployError as error:
        output.error(error)
        output.document({"error": {"what": error.what, "why": error.why, "todo": error.todo}})
        if options.debug:
            _print_traceback(error, secrets)
        return error.exit_code
    except Interrupted as interrupted:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        what = f"Interrupted by {interrupted.signal_name}. {interrupted.consequence}"
        output.document({"error": {"what": what, "why": "", "todo": ""}})
        output.last_line(what)
        return 1
    except BrokenPipeError:
        silence(sys.stdout)
        return 1
    except Exception as error:  # noqa: BLE001 - the last resort: no user sees a traceback unasked
        output.error(_unexpected(error))
        output.document({"error": {"what": "An unexpected fault", "why": "", "todo": ""}})
        if options.debug:
            _print_traceback(error, secrets)
        return 1
    return 0


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(signal.Signals(number).name)


def _unexpected(error: Exception) -> DeployError:
    return DeployError(
        f"The deploy stopped at a fault of its own ({type(error).__name__}).",
        why="This is a bug in the buildpack, or something that it does not foresee.",
        todo="Run it again with --debug and report what it prints; it holds no value of your config.",
    )


def _print_traceback(error: BaseException, secrets: Mapping[str, str]) -> None:
    """Print where an error came from, with every value of the environment taken out."""
    import traceback

    text = "".join(traceback.format_exception(error))
    for name, value in sorted(secrets.items(), key=lambda item: -len(item[1])):
        for secret in {value, repr(value)[1:-1]} - {""}:
            text = text.replace(secret, f"[{printable(name)}]")
    sys.stderr.write(text)


# --- arguments ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--env-file",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="take the config vars from a .env file instead of from the environment; settings of "
        "the environment (_AWS_…, _LAMBDA_…) win over those in it",
    )
    common.add_argument(
        "--json",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print one JSON document on stdout, everything else on stderr",
    )
    common.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print a traceback when something fails",
    )
    parser = argparse.ArgumentParser(
        prog="deploy",
        description=DESCRIPTION,
        epilog=EXIT_STATUS,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"lambda-deploy {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="")
    for name, text in (
        ("config", "list the names that are baked, those that are left out, and why"),
        ("package", "write the package to a file, without AWS"),
        ("base", "make the base of an app; bin/compile does it when the app is built"),
    ):
        command = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", parents=[common]
        )
        command.set_defaults(command=name)
        if name == "package":
            command.add_argument("-o", "--output", metavar="FILE", type=Path, required=True)
        if name == "base":
            command.add_argument("app", metavar="BUILD_DIR", type=Path)
    return parser


# --- the environment ------------------------------------------------------------------------------


def _environment(process: Mapping[str, str], env_file: Path | None) -> Mapping[str, str]:
    """Give the variables that the deploy goes by; bytes that are not UTF-8 stand as surrogates."""
    if sys.getfilesystemencoding() != "utf-8":
        process = {_as_utf_8(name): _as_utf_8(value) for name, value in process.items()}
    if env_file is None:
        return process
    settings = {name: value for name, value in process.items() if name.startswith(("_AWS_", "_LAMBDA_"))}
    return {**_read_env_file(env_file), **settings}


def _as_utf_8(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "surrogateescape")


def _read_env_file(path: Path) -> dict[str, str]:
    from dotenv.parser import parse_stream

    shown = printable(str(path))
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{shown} is not UTF-8 text.") from None
    wrong = [
        str(binding.original.line)
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    if wrong:
        raise InputError(
            f"{shown} has lines that are not NAME=value.",
            why=f"Line {', '.join(wrong)}.",
            todo="Quote values with blanks or line breaks: NAME='a value'",
        )
    # Values are taken as they are: a password that holds ${…} means just that.
    return {
        binding.key: binding.value
        for binding in bindings
        if binding.key is not None and binding.value is not None
    }


# --- commands -------------------------------------------------------------------------------------


def _deploy(_options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> None:
    from deploy import release
    from deploy.base import read
    from deploy.package import build
    from deploy.settings import read_settings

    function_settings, config_settings = read_settings(environment)
    base = read(slug)
    config, files = _read_config(environment, config_settings, output)
    output.step("Making the package")
    with build(slug / base.base, files, _packing(output)) as package:
        output.detail(f"{base.base} + {_names(files)}: {megabytes(package.size)}")
        steps = release.plan(package)
        from deploy.function import connect

        function = connect(function_settings)
        release.apply(steps, function, package, output)
        output.step(f"Deployed {function.name}: CodeSha256 {package.code_sha256}")
        output.document(
            {
                "function": function.name,
                "region": function.region,
                "code_sha256": package.code_sha256,
                "size": package.size,
                "unzipped_size": package.unzipped_size,
                "base_sha256": base.sha256,
                **_config_document(config, files),
            }
        )


def _config(
    _options: argparse.Namespace, environment: Mapping[str, str], _slug: Path, output: Output
) -> None:
    from deploy.settings import read_config_settings

    config, files = _bake(environment, read_config_settings(environment), output)
    if not output.as_json:
        width = max((len(printable(left.name)) for left in config.left_out), default=0)
        output.step(f"Baked into {_names(files)}")
        for name in config.baked:
            output.detail(printable(name))
        output.step("Left out")
        for left in config.left_out:
            output.detail(f"{printable(left.name):{width}}  {left.reason}")
    output.document(_config_document(config, files))


def _package(options: argparse.Namespace, environment: Mapping[str, str], slug: Path, output: Output) -> None:
    from deploy.base import read
    from deploy.package import write
    from deploy.settings import read_config_settings

    config_settings = read_config_settings(environment)
    base = read(slug)
    config, files = _read_config(environment, config_settings, output)
    output.step("Making the package")
    package = write(slug / base.base, files, options.output, _packing(output))
    output.detail(f"{base.base} + {_names(files)}: {megabytes(package.size)}")
    output.step(
        f"Wrote {printable(str(options.output))}: CodeSha256 {package.code_sha256}. It holds the "
        "config: keep it safe."
    )
    output.document(
        {
            "file": str(options.output),
            "code_sha256": package.code_sha256,
            "size": package.size,
            "unzipped_size": package.unzipped_size,
            "base_sha256": base.sha256,
            **_config_document(config, files),
        }
    )


def _base(options: argparse.Namespace, environment: Mapping[str, str], _slug: Path, output: Output) -> None:
    from dataclasses import asdict

    from deploy.base import make

    output.document(asdict(make(options.app, environment, output)))


COMMANDS = {"deploy": _deploy, "config": _config, "package": _package, "base": _base}


def _read_config(
    environment: Mapping[str, str], settings: ConfigSettings, output: Output
) -> tuple[Config, tuple[ConfigFile, ...]]:
    output.step("Reading the config")
    config, files = _bake(environment, settings, output)
    count = len(config.baked)
    output.detail(f"{count} config var{'s' * (count != 1)} to bake (`deploy config` lists them)")
    return config, files


def _bake(
    environment: Mapping[str, str], settings: ConfigSettings, output: Output
) -> tuple[Config, tuple[ConfigFile, ...]]:
    from deploy.config import select
    from deploy.formats import encode
    from deploy.settings import unknown_settings

    for name, meant in unknown_settings(environment):
        hint = f" Was {meant} meant?" if meant else ""
        output.notice(f"{printable(name)} is not a setting of this version; it has no effect.{hint}")
    config = select(environment, include=settings.include, exclude=settings.exclude)
    files = tuple(encode(name, config.baked) for name in settings.files)
    for file in files:
        if file.reserved:
            output.notice(
                f"{file.name} does not export {', '.join(file.reserved)}: the Lambda runtime has values of "
                "its own for that."
            )
    return config, files


def _packing(output: Output) -> Callable[[int, int], None]:
    return lambda done, total: output.progress("Copying", done, total)


def _names(files: tuple[ConfigFile, ...]) -> str:
    return ", ".join(file.name for file in files)


def _config_document(config: Config, files: tuple[ConfigFile, ...]) -> dict[str, object]:
    return {
        "config": {
            "files": [file.name for file in files],
            "baked": list(config.baked),
            "left_out": [{"name": left.name, "reason": left.reason} for left in config.left_out],
            "reserved": sorted({name for file in files for name in file.reserved}),
        }
    }

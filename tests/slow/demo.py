"""The whole of it once, on this machine alone: `make demo` runs this.

The sample apps are built with the buildpack, deployed by their slugs' `deploy` process to an AWS of
our own on loopback, fetched back from there, and their handlers run: they have to answer with the
very config that was set on the app. The exit status is 0 only if they do.
"""

import argparse
import json
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import simulated
from demo_release import show_release
from embedded_aws import EmbeddedAWS
from lambda_runtime import invoke_java, invoke_nodejs, invoke_python, unpack
from paths import APPS

CONFIG = {
    "DATABASE_URL": "postgres://demo:se%20cret=@db.example.com:5432/demo?sslmode=require&a=#b!",
    "GREETING_STYLE": "formal",
    "MOTTO": "Grüße, 世界! \N{PARTY POPPER}",
    "SERVICE_ACCOUNT": json.dumps({"type": "service_account", "private_key": "one\\\ntwo: three"}),
    "TLS_CERTIFICATE": "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIU\n-----END CERTIFICATE-----\n",
}


class DemoError(Exception):
    """The demo can't go on, or did not come out as it has to."""


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, help="the build cache; a new one if not given")
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGTERM, _stop)
    try:
        with tempfile.TemporaryDirectory(prefix="lambda-deploy-demo-") as folder:
            _tell_the_story(Path(folder), arguments.cache)
    except (DemoError, simulated.BuildError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted. What it made is removed.", file=sys.stderr)
        return 130
    return 0


def differences(config: Mapping[str, str], baked: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the baked config, in words and without a value."""
    return [
        *(f"{name} is missing" for name in config if name not in baked),
        *(f"{name} has another value" for name in config if baked.get(name, config[name]) != config[name]),
        *(f"{name} is a setting and was baked" for name in baked if name.startswith("_")),
        *(
            f"{name} is no config var and was baked"
            for name in baked
            if name not in config and not name.startswith("_")
        ),
    ]


def without_escapes(output: str) -> str:
    """Leave out what would steer a terminal: colors, and resets like Maven's, who says them uncolored too."""
    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", output)


@dataclass(frozen=True)
class Part:
    """One language's part of the demo: its sample app, and what builds and runs it.

    `tools` have to be on the PATH, `needs` says what to install for them. `build` is what the language's own
    buildpack does when the app is pushed. `settings` are config vars of the app.
    """

    title: str
    app: Path
    tools: tuple[str, ...]
    needs: str
    build: tuple[str, ...]
    runtime: str
    handler: str
    invoke: Callable[[Path, str], Any]
    settings: Mapping[str, str] = field(default_factory=dict)


PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"

PARTS = (
    Part(
        "Python",
        APPS / "python",
        (),
        "",
        (),
        PYTHON,
        "main.handler",
        invoke_python,
        {
            "_LAMBDA_RUNTIME": PYTHON,
            "_LAMBDA_ARCHITECTURE": {"aarch64": "arm64"}.get(platform.machine(), "x86_64"),
            "_LAMBDA_CONFIG_FILES": "env.json",
        },
    ),
    Part(
        "Node.js",
        APPS / "nodejs",
        ("node", "npm"),
        "Node.js 18 or newer, with npm",
        ("npm", "ci", "--no-audit", "--no-fund"),
        "nodejs20.x",
        "index.handler",
        invoke_nodejs,
    ),
    Part(
        "Java",
        APPS / "java",
        ("javac", "mvn"),
        "a JDK and Maven",
        ("mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "package"),
        "java17",
        "com.example.greeter.Handler",
        invoke_java,
    ),
)


def _tell_the_story(folder: Path, cache: Path | None) -> None:
    """Show each language's part. One that fails does not keep the others from being shown."""
    cache = cache or folder / "cache"
    failed, left_out = [], []
    with EmbeddedAWS() as aws:
        _tell(f"An AWS of our own, moto's, listens on {aws.url}.")
        for part in PARTS:
            _title(f"The {part.title} app")
            missing = [tool for tool in part.tools if shutil.which(tool) is None]
            if missing:
                left_out.append(part.title)
                _tell(f"Left out: it needs {part.needs}. Not found on the PATH: {', '.join(missing)}.")
                continue
            try:
                slug = _deploy_app(aws, folder / part.app.name, cache, part)
                if part is PARTS[0]:
                    _show_release(aws, slug, part)
            except (DemoError, simulated.BuildError) as error:
                failed.append(part.title)
                print(f"\nThe {part.title} part failed: {error}", file=sys.stderr)
    if failed:
        raise DemoError(f"the part of {' and '.join(failed)} did. What it said is above.")
    _title("Done")
    _tell("Every handler answered with the very config that was set on its app.")
    if left_out:
        _tell(f"Left out for want of tools: {' and '.join(left_out)}.")


def _show_release(aws: EmbeddedAWS, slug: simulated.Slug, part: Part) -> None:
    _title("A release, step by step")
    function = aws.create_function("demo-release", runtime=part.runtime, handler=part.handler)
    if wrong := show_release(aws, slug, function, _tell, _show):
        raise DemoError(f"{wrong}.")


def _deploy_app(aws: EmbeddedAWS, folder: Path, cache: Path, part: Part) -> simulated.Slug:
    function = aws.create_function(f"demo-{folder.name}", runtime=part.runtime, handler=part.handler)
    _tell(f"The function exists already, as a stub: {function.arn}")

    source = folder / "source"
    ignored = shutil.ignore_patterns("node_modules", "target", "__pycache__")
    shutil.copytree(part.app, source, symlinks=True, ignore=ignored)
    if part.build:
        _tell("What its own language's buildpack does when the app is pushed:")
        _run(part.build, source)

    _tell("What this buildpack does then:")
    slug = simulated.build(source, folder, cache=cache, config=part.settings)
    _show(slug.build_log)

    _tell(
        f"The slug moves to another path, {slug.path}. In a dyno with {len(CONFIG)} config vars and "
        "the deploy's settings runs the Procfile's process:"
    )
    print(f"    $ {slug.process_types['deploy']}")
    dyno = slug.run("deploy", config={**CONFIG, **part.settings, **aws.settings(function)})
    _show(dyno.stdout + dyno.stderr)
    if dyno.returncode != 0:
        raise DemoError(f"the deploy ended with exit status {dyno.returncode}.")

    _tell("What was deployed is fetched back from AWS and unpacked, and its handler called:")
    package = function.code()
    task_root = unpack(package, folder / "task")
    print(f"    $ unzip code.zip  # {len(package):,} bytes")
    try:
        answer = part.invoke(task_root, part.handler)
    except subprocess.CalledProcessError as error:
        raise DemoError(f"the handler ended with exit status {error.returncode}.") from None
    print(f"    $ {part.handler}")
    _show(json.dumps(answer, indent=2, ensure_ascii=False))

    problems = differences(CONFIG, answer["config"])
    if problems:
        raise DemoError(f"the {part.title} handler got another config: {'; '.join(problems)}.")
    _tell(f"The same {len(CONFIG)} config vars, to the byte; no setting, no dyno variable.")
    return slug


def _run(command: Sequence[str], folder: Path) -> None:
    print(f"    $ {shlex.join(command)}")
    result = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    _show(result.stdout)
    if result.returncode != 0:
        raise DemoError(f"{shlex.join(command)} ended with exit status {result.returncode}.")


def _title(text: str) -> None:
    print(f"\n=== {text} ===")


def _tell(text: str) -> None:
    print(f"\n{textwrap.fill(text, 96, break_long_words=False, break_on_hyphens=False)}")


def _show(output: str) -> None:
    output = without_escapes(output)
    if output.strip():
        print(textwrap.indent(output.strip("\n"), "    "))


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""The whole of it once, on this machine alone: `make demo` runs this.

The sample apps are built with the buildpack, deployed by their slugs' `deploy` process to an AWS of
our own on loopback, fetched back from there, and their handlers run: they have to answer with the
very config that was set on the app. The exit status is 0 only if they do.
"""

import argparse
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import simulated
from embedded_aws import EmbeddedAWS
from lambda_runtime import invoke_java, invoke_nodejs, unpack
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


def _tell_the_story(folder: Path, cache: Path | None) -> None:
    _check_tools()
    cache = cache or folder / "cache"
    with EmbeddedAWS() as aws:
        _tell(f"An AWS of our own, moto's, listens on {aws.url}.")
        _deploy_app(
            aws,
            folder / "nodejs",
            cache,
            title="Node.js",
            app=APPS / "nodejs",
            build=["npm", "ci", "--no-audit", "--no-fund"],
            runtime="nodejs20.x",
            handler="index.handler",
            invoke=invoke_nodejs,
        )
        if shutil.which("javac") and shutil.which("mvn"):
            _deploy_app(
                aws,
                folder / "java",
                cache,
                title="Java",
                app=APPS / "java",
                build=["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never", "package"],
                runtime="java17",
                handler="com.example.greeter.Handler",
                invoke=invoke_java,
            )
        else:
            _title("The Java app")
            _tell("Left out: it needs a JDK (javac) and Maven (mvn) on the PATH.")
    _title("Done")
    _tell("Every handler answered with the very config that was set on its app.")


def _check_tools() -> None:
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        raise DemoError(
            f"{' and '.join(missing)} not found on the PATH.\n"
            "The sample app is a Node.js one: install Node.js 18 or newer, with npm, and run\n"
            "`make demo` again."
        )


def _deploy_app(
    aws: EmbeddedAWS,
    folder: Path,
    cache: Path,
    *,
    title: str,
    app: Path,
    build: list[str],
    runtime: str,
    handler: str,
    invoke: Callable[[Path, str], Any],
) -> None:
    _title(f"The {title} app")
    function = aws.create_function(f"demo-{folder.name}", runtime=runtime, handler=handler)
    _tell(f"The function exists already, as a stub: {function.arn}")

    _tell("What its own language's buildpack does when the app is pushed:")
    source = folder / "source"
    ignored = shutil.ignore_patterns("node_modules", "target")
    shutil.copytree(app, source, symlinks=True, ignore=ignored)
    _run(build, source)

    _tell("What this buildpack does then:")
    slug = simulated.build(source, folder, cache=cache)
    _show(slug.build_log)

    _tell(
        f"The slug moves to another path, {slug.path}. In a dyno with {len(CONFIG)} config vars and "
        "the deploy's settings runs the Procfile's process:"
    )
    print(f"    $ {slug.process_types['deploy']}")
    dyno = slug.run("deploy", config={**CONFIG, **aws.settings(function)})
    _show(dyno.stdout + dyno.stderr)
    if dyno.returncode != 0:
        raise DemoError(f"the deploy ended with exit status {dyno.returncode}.")

    _tell("What was deployed is fetched back from AWS and unpacked, and its handler called:")
    package = function.code()
    task_root = unpack(package, folder / "task")
    print(f"    $ unzip code.zip  # {len(package):,} bytes")
    answer = invoke(task_root, handler)
    print(f"    $ {handler}")
    _show(json.dumps(answer, indent=2, ensure_ascii=False))

    problems = differences(CONFIG, answer["config"])
    if problems:
        raise DemoError(f"the {title} handler got another config: {'; '.join(problems)}.")
    _tell(f"The same {len(CONFIG)} config vars, to the byte; no setting, no dyno variable.")


def _run(command: list[str], folder: Path) -> None:
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

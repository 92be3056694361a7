"""Signals at any time of a deploy, from the start of the interpreter to the last line."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import botocore

from command import make_slug
from embedded_aws import Function
from paths import REPOSITORY

RUNS = 100
NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SITE_PACKAGES = Path(botocore.__file__).parents[1]
SDK = ("botocore", "dateutil", "jmespath", "six.py", "urllib3")


def test_signals_at_any_time(function: Function, tmp_path: Path) -> None:
    """The message and status 1, or a deploy that is done; the next deploy finds nothing broken.

    A signal that comes before Python runs the first line of ours is the interpreter's own matter.
    """
    slug = make_slug(tmp_path / "slug")
    runtime = slug / ".lambda-deploy/runtime"
    shutil.copytree(REPOSITORY / "deploy", runtime / "deploy")
    for name in SDK:
        (runtime / name).symlink_to(SITE_PACKAGES / name)
    settings = {**function.aws.settings(function), "_LAMBDA_ALIAS": "live", "DYNO": "run.1234"}
    words = [sys.executable, "-I", "-S", "-X", "utf8", str(runtime / "deploy/__main__.py")]
    started = time.monotonic()
    subprocess.run(words, env=settings, capture_output=True, check=True)
    duration = time.monotonic() - started
    chance, ends = random.Random(RUNS), Counter[str]()  # noqa: S311 - no secret
    for number in range(RUNS):
        signals = [chance.choice(NUMBERS) for _ in range(chance.randrange(1, 4))]
        with subprocess.Popen(
            words,
            env={**settings, "NUMBER": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_default_signals,  # noqa: PLW1509 - no threads here
        ) as process:
            time.sleep(chance.random() * duration * 1.2)
            for each in signals:
                process.send_signal(each)
            stdout, stderr = process.communicate(timeout=30)
        ends[_end(process.returncode, stdout, stderr)] += 1
    print(f"\n{RUNS} deploys: {dict(ends)}")
    assert ends["interrupted"] > RUNS / 2
    assert ends["before our first line"] < RUNS / 5
    subprocess.run(words, env=settings, capture_output=True, check=True)
    assert function.alias() == "1"  # the config of the first deploy again


def _default_signals() -> None:
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)


def _end(status: int, stdout: str, stderr: str) -> str:
    """Return what became of a deploy; raise AssertionError if that must not be."""
    if status == 0:
        assert stderr == ""
        assert "Deployed" in stdout.splitlines()[-1]
        return "done"
    if stdout == "" and not stderr.startswith(" !"):
        assert -status in NUMBERS or "KeyboardInterrupt" in stderr
        assert "deploy" not in stderr or '__main__.py", line 0, in <module>\nKeyboardInterrupt' in stderr
        return "before our first line"
    assert status == 1
    messages = [f" !     Interrupted by {number.name}. " for number in NUMBERS]
    assert any(stderr.startswith(message) for message in messages), stderr
    assert stderr.count("\n") == 1, stderr
    return "interrupted"

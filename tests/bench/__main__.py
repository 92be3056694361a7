"""`make bench`: measures this buildpack against other ways of doing the same, in one table.

Everything runs on this machine, against moto's server on loopback. The first run installs its inputs
into the work folder, which takes the network and a few minutes.
"""

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from bench import inputs, measuring, rows
from bench.measuring import CommandError
from bench.server import Server
from bench.table import Line, markdown
from simulated import BUILDPACK

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Run the bench and return its exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small inputs and one round: only to try it out")
    parser.add_argument("--work", type=Path, default=FOLDER / ".work", help="where the inputs are kept")
    parser.add_argument("--output", type=Path, help="where the report goes; RESULTS.md, if not --quick")
    arguments = parser.parse_args()
    _forget_aws()
    output = arguments.output or (arguments.work / "quick.md" if arguments.quick else FOLDER / "RESULTS.md")
    try:
        report = _measure(arguments.work.resolve(), quick=arguments.quick)
    except (inputs.InputsError, CommandError, rows.WrongResultError) as error:
        print(f"\nThe bench stopped: {error}", file=sys.stderr)
        return 1
    output.write_text(report, encoding="utf-8")
    print(report)
    return 0


def _forget_aws() -> None:
    """Take the machine's own AWS profile, keys and settings out of what the bench itself does.

    Contenders have environments of their own.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def _measure(work: Path, *, quick: bool) -> str:
    missing = [tool for tool in ("zip", "jar") if shutil.which(tool) is None]
    if missing:
        raise inputs.InputsError(f"Not found on PATH, and needed by the original's way: {', '.join(missing)}")
    work.mkdir(parents=True, exist_ok=True)
    programs = inputs.aws_cli(work)
    if quick:
        small, jar, big = inputs.made(work)
        large = small
    else:
        small, large, jar, big = inputs.installed(work)
    runs = work / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    runs.mkdir()
    started = dt.datetime.now(dt.timezone.utc)
    try:
        with Server() as server:
            bench = rows.Bench(
                runs,
                server,
                programs,
                shutil.which("lambroll"),
                small,
                large,
                jar,
                big,
                slow=3,
                fast=5,
                timed=not quick,
            )
            lines = rows.lines(bench)
    finally:
        shutil.rmtree(runs, ignore_errors=True)
    return _report(lines, started, programs, quick=quick)


def _report(lines: list[Line], started: dt.datetime, programs: Path, *, quick: bool) -> str:
    sections = [
        "# Results of `make bench`",
        "**A quick run on small made-up inputs: no figure of it means anything.**" if quick else "",
        f"{started:%Y-%m-%d}, {_commit()}. {_machine()}.",
        f"{', '.join(_versions(programs))}.",
        _about_lambroll(lines),
        markdown(lines).strip(),
        _NOTES.format(interval=round(measuring.SAMPLING_INTERVAL * 1000), other_cli=_other_cli()),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_NOTES = """\
How to read it:

- Each figure is the median of several rounds of one invocation. In a round the contenders of a row take
  their turn one after the other, each time another one first. **ours ÷ this** is the median of the rounds'
  ratios: below 1, ours is faster. Machines are noisy; the ratio is the result.
- Peak memory is that of the whole process tree: the sum of its processes' proportional set sizes (PSS), read
  every {interval} ms. What processes share counts once for all of them; a few MB of Python's own program are
  shared with the bench. Runs that are sampled are not timed.
- Calls and bytes sent (the bodies of requests) are counted in front of moto's server, which runs on loopback
  in a process of its own. What the server needs for a call is part of every contender's time. There is no
  network in it: a line to AWS adds the same seconds to everyone who sends the same bytes.
- A MB is 1,000,000 bytes.
- The original's way is what the old Bash buildpack did on each deploy: `cp -R`, `zip -r` (for Java `cp`,
  `jar uf`), and `aws lambda update-function-code` of the AWS CLI, version 1, installed from PyPI by the
  bench; {other_cli}. Removing its copies is not in its time.
- lambroll gets the same work: a copy with the config in it, `lambroll deploy --src`, without a new version,
  an alias or a change of the configuration.
- After each deploy the function's package is looked at: the config of that round has to be in it.
- Compiling takes the packages of the runtime from PyPI where the cache does not have them, so row 6
  depends on the network.
- Row 9 goes by packages of about 5, 120 (45 to 50 zipped, what Lambda takes directly) and 250 MB unzipped.
"""


def _about_lambroll(lines: Iterable[Line]) -> str:
    if any(line.contender == rows.LAMBROLL for line in lines):
        return ""
    if shutil.which("lambroll"):
        return "lambroll is on the PATH, but did not manage a deploy to this server, so it is left out."
    return "lambroll is not on the PATH, so it is left out."


def _other_cli() -> str:
    found = shutil.which("aws")
    return "there is one on the PATH too, which is not used" if found else "there is none on the PATH"


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    kernel = platform.release().partition("-")[0]
    processor = model[1].strip() if model else platform.machine()
    return f"{rows.CORES} cores of {processor}, {memory:.0f} GB of memory, Linux {kernel}"


def _versions(programs: Path) -> list[str]:
    """Name what took part, with versions."""
    lambroll = shutil.which("lambroll")
    return [
        f"Python {platform.python_version()}",
        f"moto {version('moto')}",
        _first(r"aws-cli/\S+", str(programs / "aws"), "--version"),
        f"zip {_first('(?<=Zip )[0-9.]+', 'zip', '-v')}",
        f"Java {_first('[0-9.]+', 'java', '-version')}",
        f"Node.js {_first('[0-9.]+', 'node', '--version')}",
        *([f"lambroll {_first('v[0-9.]+', lambroll, 'version')}"] if lambroll else []),
    ]


def _commit() -> str:
    commit = _first("[0-9a-f]+", "git", "-C", str(BUILDPACK), "rev-parse", "--short", "HEAD")
    changed = _first("(?s).+", "git", "-C", str(BUILDPACK), "status", "--porcelain", "bin", "lib", "deploy")
    return f"commit {commit}{' and changes to it' if changed != _UNKNOWN else ''}"


_UNKNOWN = "unknown"


def _first(pattern: str, *words: str) -> str:
    """Return the first thing that looks like `pattern` in what a command says."""
    if shutil.which(words[0]) is None:
        return _UNKNOWN
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = re.search(pattern, result.stdout)
    return found[0] if found else _UNKNOWN


if __name__ == "__main__":
    sys.exit(main())

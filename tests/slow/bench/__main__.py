"""`make bench`: measures this buildpack against other ways of doing the same, and reports it.

Everything runs on this machine, against moto's server on loopback. The first run installs its inputs
into the work folder, which takes the network and a few minutes. What is measured works in a folder in
memory, where there is enough of it: see _place.
"""

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from bench import inputs, measuring, rows
from bench.measuring import CommandError
from bench.server import Server, ServerError
from bench.table import Line, summary, tables
from simulated import BUILDPACK

FOLDER = Path(__file__).resolve().parent

_IN_MEMORY = Path("/dev/shm")
_SLOW_ROUNDS, _FAST_ROUNDS = 5, 7
_ROOM = 3_000_000_000  # what a run has at once in its folder takes half of it


def main() -> int:
    """Run the bench and return its exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small inputs and one round: only to try it out")
    parser.add_argument("--work", type=Path, default=FOLDER / ".work", help="where the inputs are kept")
    parser.add_argument("--output", type=Path, help="where the report goes; RESULTS.md, if not --quick")
    arguments = parser.parse_args()
    _forget_aws()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and clean up
    output = arguments.output or (arguments.work / "quick.md" if arguments.quick else FOLDER / "RESULTS.md")
    try:
        report = _measure(arguments.work.resolve(), quick=arguments.quick)
    except (inputs.InputsError, CommandError, rows.WrongResultError, ServerError) as error:
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
        large = small  # rows.Bench.direct has it once, then
    else:
        small, large, jar, big = inputs.installed(work)
    started = dt.datetime.now(dt.timezone.utc)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=_place(work), ignore_cleanup_errors=True) as runs,
        Server() as server,
    ):
        bench = rows.Bench(
            work=Path(runs),
            server=server,
            programs=programs,
            lambroll=shutil.which("lambroll"),
            small=small,
            large=large,
            jar=jar,
            big=big,
            slow=_SLOW_ROUNDS,
            fast=_FAST_ROUNDS,
            timed=not quick,
        )
        lines = rows.lines(bench)
        where = _file_system(bench.work)
    about = [
        f"{started:%Y-%m-%d}, {_commit()}. {_machine()}.",
        f"{', '.join(_versions(programs))}.",
        f"All contenders alike wrote to {where}.",
        f"The apps: {'; '.join(_described(app) for app in (*bench.direct, big))}.",
        _about_lambroll(lines),
    ]
    return _report(lines, about, quick=quick)


def _place(work: Path) -> Path:
    """Return where the folder is that contenders work in: in memory, if there is enough, or with the inputs.

    It is no matter of speed. On an ext4 without a journal `cp -R` of 10,000 files took 0.4 s, and up to 19 s
    within minutes after as many were removed: the kernel then looks for inodes that were not lately in use.
    """
    try:
        file_system = os.statvfs(_IN_MEMORY)
        available = re.search(r"^MemAvailable: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return work
    runs_programs = not file_system.f_flag & os.ST_NOEXEC
    room = file_system.f_bavail * file_system.f_frsize
    # Besides, the processes and moto's copies of the packages need memory.
    enough = available is not None and int(available[1]) * 1024 >= 2 * _ROOM
    writable = os.access(_IN_MEMORY, os.W_OK)
    return _IN_MEMORY if runs_programs and writable and room >= _ROOM and enough else work


def _file_system(folder: Path) -> str:
    kind = _first(r"\S+\s*\Z", "df", "--output=fstype", str(folder)).strip()
    return "tmpfs, that is to memory" if kind == "tmpfs" else f"a file system of the type {kind}"


def _described(app: inputs.App) -> str:
    return f"{app.title}, {app.size / inputs.MB:.0f} MB in {app.files:,} files"


def _report(lines: list[Line], about: list[str], *, quick: bool) -> str:
    notes = [
        _ROUND if quick else _ROUNDS.format(slow=_SLOW_ROUNDS, fast=_FAST_ROUNDS),
        _NOTES.format(interval=round(measuring.SAMPLING_INTERVAL * 1000), other_cli=_other_cli()),
        _LAMBROLL if _took_part(lines) else "",
    ]
    sections = [
        "# Results of `make bench`",
        "**A quick run, one round on small made-up inputs: no figure of it means anything.**"
        if quick
        else "",
        *about,
        summary(lines).strip(),
        tables(lines).strip(),
        "## How to read it",
        "".join(notes).strip(),
        "" if quick else f"## Notes on the results\n\n{_RESULTS.strip()}",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_ROUNDS = """\
- Each figure is the median of {slow} rounds of one invocation, of {fast} where a run takes little time. In a
  round the contenders of a row take their turn one after the other, each time another one first. **ours ÷
  this** is the median of the rounds' ratios: below 1, ours is faster. **ours ÷ its best** is our median by
  the fastest run of the other. Machines are noisy; the ratio is the result.
"""
_ROUND = """\
- Each figure is of one round, and the runs are sampled while they are timed. There are no targets in it.
"""
_NOTES = """\
- Peak memory is that of the whole process tree: the sum of its processes' proportional set sizes (PSS), read
  every {interval} ms. What processes share counts once for all of them; a few MB of Python's own program are
  shared with the bench. In a full run, runs that are sampled are not timed.
- Calls and bytes sent (the bodies of requests) are counted in front of moto's server, which runs on loopback
  in a process of its own. What the server needs for a call is part of every contender's time, and of every
  ratio; **of it moto's** shows how much that is, from the last byte of a body to the answer.
- Moto gets every request as the contender sends it. It takes the body of a direct upload for a form and
  parses all of it, for everyone alike, which is a quarter of its work.
- Row 10 has a network: a process between the contender and the server lets so many bits a second pass each
  way and adds the time there and back, for all contenders alike and also for each new connection. There is no
  loss in it, no slow start and no TLS. The other rows have none.
- A MB is 1,000,000 bytes.
- What contenders write goes to memory where there is enough of it, for all of them alike. On an ext4 without
  a journal, files that are made within minutes after many were removed take the kernel seconds, for it goes
  around inodes that were lately in use: that was most of the time of the original's `cp -R`, and its noise.
- The original's way is what the old Bash buildpack did on each deploy: `cp -R`, `zip -r` (for Java `cp`,
  `jar uf`), and `aws lambda update-function-code` of the AWS CLI, version 1, installed from PyPI by the
  bench; {other_cli}. Removing its copies is not in its time.
- After each deploy the function's package is looked at: the config of that round has to be in it.
- Compiling takes the packages of the runtime from PyPI where the cache does not have them, so row 6
  depends on the network.
"""
_LAMBROLL = """\
- lambroll does the same: a copy with the config in it, `deploy --src`, no version, alias or configuration.
"""
_RESULTS = """\
- Row 1: ours makes three calls (it looks, updates, and looks whether the update is done) and the original's
  way one, which does not wait for the end.
- Row 1: moto reads the JSON and the base64 of a large package several times over, for everyone alike. It is
  about half of our time, and a tenth of the original's, so the ratio can't be as low as in row 2.
- Row 1: what ours does not do there it has done once, at the push: see the rows of compiling and of the base.
- Row 2 has no target for the small Node.js app: to start Python and boto3 is nearly all of our time there,
  and of the AWS CLI's, so that 0.1 is out of reach; the target is for large apps.
- Row 8 does not count what both need: the base, as large as the package, and for the deploy a Python, which
  heroku/python brings where the stack has none.
- Row 9 deploys packages of about 5, 120 (45 to 50 zipped, what Lambda takes directly) and 250 MB unzipped.
- Row 9, flat: the peaks of the direct uploads, 5 and 50 MB, are within 1.25 of each other.
- Row 9, via S3: a second client, with its fixed cost, comes on top, so only the limit of 80 MB applies.
- Package: `cp`, `zip` is faster than ours for the Node.js app, for ours starts an interpreter, and hashes the
  base and the package.
"""


def _took_part(lines: Iterable[Line]) -> bool:
    return any(line.contender == rows.LAMBROLL for line in lines)


def _about_lambroll(lines: Iterable[Line]) -> str:
    if _took_part(lines):
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
    commit = _said("git", "-C", str(BUILDPACK), "rev-parse", "--short", "HEAD")
    changes = _said("git", "-C", str(BUILDPACK), "status", "--porcelain", "bin", "lib", "deploy")
    if commit is None or changes is None:
        return "commit unknown"
    return f"commit {commit.strip()}{' and changes to it' if changes else ''}"


def _first(pattern: str, *words: str) -> str:
    """Return the first thing that looks like `pattern` in what a command says."""
    found = re.search(pattern, _said(*words) or "")
    return found[0] if found else "unknown"


def _said(*words: str) -> str | None:
    """Return what a command says; None where it is not there or fails."""
    if shutil.which(words[0]) is None:
        return None
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout if result.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())

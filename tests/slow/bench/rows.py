"""The rows of the report: what is run, how often, and which target it has."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path

from bench import contenders, fleets
from bench.contenders import ORIGINAL, OURS, Deploy, Job
from bench.inputs import MB, App, copy_app, tree_size
from bench.measuring import Command, CommandError, Cost, run
from bench.network import Line as NetworkLine
from bench.network import Network
from bench.server import Server, Traffic
from bench.table import Line, Target, is_shaky, median, median_ratio

LAMBROLL = "lambroll"
CORES = len(os.sched_getaffinity(0))

_UNCHANGED_TO_ORIGINAL = 0.1
_HELP_TO_PYTHON = 1.5
_NETWORKED_TO_ORIGINAL = 0.05
_SENT_FOR_CONFIG = 1024 * 1024  # bytes
_UNCHANGED_SECONDS, _UNCHANGED_TO_PYTHON = 0.25, 3.5
_SECONDS_MORE_THAN_BASE = 1.0
_SIZE_IN_SLUG = 8 * MB
_SIZE_TO_ZIP = 1.02
_MEMORY = 80 * MB
_FLAT = 1.25

_WITHOUT_BUCKET = "ours, without a bucket"
_LINES = (NetworkLine(100_000_000, 0.04), NetworkLine(10_000_000, 0.04))
_NETWORK_ROUNDS = 3  # a line makes no noise, and takes its time


class Row(Enum):
    """The rows, in the order of the report."""

    CHANGED = "1 Deploy after a config change"
    UNCHANGED = "2 Unchanged redeploy"
    FIRST = "3 First deploy"
    PLAN = "4 `deploy plan`"
    HELP = "5 `deploy --help`"
    COLD = "6 Compile, cold"
    WARM = "7 Compile, with a good cache"
    SIZE = "8 Size added to the slug, besides the base"
    MEMORY = "9 Peak memory of a deploy"
    NETWORK = "10 Deploys over a network"
    FLEETS = "11 Fleets"
    BASE = "Base: making it"
    PACKAGE = "Package: base and config"


class WrongResultError(Exception):
    """A contender that did not do its work, so that its time means nothing."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all rows share."""

    work: Path  # empty at the start
    server: Server
    programs: Path  # the AWS CLI's
    lambroll: str | None
    small: App
    large: App
    jar: App
    big: App
    slow: int  # rounds of what takes seconds
    fast: int  # rounds of what takes less
    timed: bool = True  # a quick run times what it samples, and has no targets

    @property
    def direct(self) -> tuple[App, ...]:
        """Return the apps that are sent directly, each once: a quick run's large app is its small one."""
        return tuple(dict.fromkeys((self.large, self.jar, self.small)))


@dataclass(frozen=True)
class Way:
    """One of several ways to do the same work.

    `prepare` is told the number of the round and an empty folder, and gives the command. `check` looks at
    what came out, and raises WrongResultError.
    """

    name: str
    prepare: Callable[[int, Path], Command]
    check: Callable[[int, Path], None] = lambda _round, _scratch: None


@dataclass(frozen=True)
class Measured:
    """What came out for one way: the time of each round, and of the runs beside them the peak memory."""

    seconds: tuple[float, ...]
    memory: float | None
    traffic: tuple[Traffic, ...]

    @property
    def calls(self) -> float:
        """Return how many calls it made."""
        return median(traffic.all_calls for traffic in self.traffic)

    @property
    def sent(self) -> float:
        """Return how many bytes it sent."""
        return median(traffic.all_sent for traffic in self.traffic)

    @property
    def work(self) -> float:
        """Return the seconds that moto's own work took; no run that is sampled counts."""
        return median(traffic.work for traffic in self.traffic[: len(self.seconds)])

    @property
    def sent_code(self) -> float:
        """Return how many bytes of code it sent at most: what it sent with calls that take code."""
        taking = ("UpdateFunctionCode", "PutObject", "UploadPart")
        return max(sum(each.sent.get(name, 0) for name in taking) for each in self.traffic)


def lines(bench: Bench) -> list[Line]:
    """Measure everything."""
    cold, cache = _cold_compile(bench)
    slugs: dict[str, Path] = {}
    added: dict[str, int] = {}
    for app in (*bench.direct, bench.big):
        slugs[app.title], added[app.title] = _slug(bench, app, cache)
    if bench.lambroll and not _works(bench, contenders.lambroll(bench.lambroll), slugs[bench.small.title]):
        bench = replace(bench, lambroll=None)
    measured = [
        *(line for app in bench.direct for line in _deploys(bench, app, slugs[app.title])),
        *_help(bench, slugs[bench.small.title]),
        *cold,
        *_warm_compile(bench, cache, slugs[bench.large.title]),
        *_sizes(bench, added),
        *_memory(bench, slugs),
        *_network(bench, slugs),
        *_fleets(bench, slugs),
        *_base(bench, slugs[bench.large.title], cache),
        *_package_by_zip(bench, bench.large, slugs[bench.large.title]),
        *_package_by_jar(bench, bench.jar, slugs[bench.jar.title]),
    ]
    if not bench.timed:
        measured = [replace(line, targets=()) for line in measured]
    order = [row.value for row in Row]
    return sorted(measured, key=lambda line: order.index(line.row))


def interleaved(
    bench: Bench, title: str, ways: Sequence[Way], rounds: int, samples: int = 1
) -> list[Measured]:
    """Run each way in turn, round by round, then some rounds more for their memory."""
    timed = rounds if bench.timed else 0
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    traffic: dict[str, list[Traffic]] = {way.name: [] for way in ways}
    for number in range(timed + samples):
        turn = number % len(ways)  # nobody is always the one who comes after the slowest
        for way in (*ways[turn:], *ways[:turn]):
            scratch = _empty(bench.work / "scratch")
            command = way.prepare(number, scratch)
            bench.server.take_traffic()
            cost = run(command, sampled=number >= timed)
            costs[way.name].append(cost)
            traffic[way.name].append(bench.server.take_traffic())
            way.check(number, scratch)
            what = f"{cost.seconds:.3f} s" if cost.memory is None else f"{cost.memory / MB:.1f} MB"
            print(f"{title}, {way.name}: {what}", file=sys.stderr)
    return [
        Measured(
            seconds=tuple(cost.seconds for cost in costs[way.name][: timed or None]),
            memory=_peak(costs[way.name]),
            traffic=tuple(traffic[way.name]),
        )
        for way in ways
    ]


def _peak(costs: Sequence[Cost]) -> float | None:
    # What ends before it is looked at for the first time has none.
    peaks = [cost.memory for cost in costs if cost.memory]
    return median(peaks) if peaks else None


def config(version: int) -> dict[str, str]:
    """Return an app's config vars; with another version, one of them has another value."""
    return {
        **{f"CONFIG_{number:02}": f"{number:02}-" + "0123456789abcdef" * 6 for number in range(20)},
        "CONFIG_VERSION": f"{version}",
    }


# --- rows 1 to 4: deploys -------------------------------------------------------------------------


class _Functions:
    """A function for each contender, and the version of the config that it was last deployed with."""

    def __init__(self, bench: Bench, app: App, slug: Path, bucket: str | None = None) -> None:
        self.line = ""  # where the server is found, if over a network
        self._bench = bench
        self._app = app
        self._slug = slug
        self._bucket = bucket
        self._names: dict[str, str] = {}

    def ways(
        self, deploys: Mapping[str, Deploy], version: Callable[[int], int], *, new: bool = False
    ) -> list[Way]:
        """Return the contenders' deploys of a version of the config, to functions as they are or new ones."""

        def prepare(name: str, deploy: Deploy, number: int, scratch: Path) -> Command:
            if new:
                self._replace(name)
            job = Job(
                self._app,
                self._slug,
                self._bench.server,
                self._names[name],
                config(version(number)),
                self._bucket,
                self.line,
            )
            return deploy(job, scratch)

        def check(name: str, number: int, _scratch: Path) -> None:
            expected = f"CONFIG_VERSION={version(number)}"
            if expected not in self._bench.server.baked_config(self._names[name]).splitlines():
                raise WrongResultError(f"{name}: the function did not get {expected}.")

        return [
            Way(name, partial(prepare, name, deploy), partial(check, name))
            for name, deploy in deploys.items()
        ]

    def plan(self, deployed: int) -> Way:
        """Return `deploy plan` after a config change."""

        def prepare(_number: int, scratch: Path) -> Command:
            name = self._names[OURS]
            job = Job(self._app, self._slug, self._bench.server, name, config(deployed + 1))
            return contenders.ours("plan")(job, scratch)

        return Way(OURS, prepare)

    def delete(self) -> None:
        """Delete the functions."""
        for name in self._names.values():
            self._bench.server.delete_function(name)
        self._names.clear()

    def _replace(self, name: str) -> None:
        if name in self._names:
            self._bench.server.delete_function(self._names[name])
        self._names[name] = self._bench.server.create_function(self._app.runtime)


def _works(bench: Bench, deploy: Deploy, slug: Path) -> bool:
    """Return whether a contender that the machine brought along manages a deploy here."""
    functions = _Functions(bench, bench.small, slug)
    try:
        interleaved(bench, "trial", functions.ways({LAMBROLL: deploy}, lambda number: number, new=True), 0)
    except (CommandError, WrongResultError) as error:
        print(f"Left out: {error}", file=sys.stderr)
        return False
    finally:
        functions.delete()
    return True


def _deploys(bench: Bench, app: App, slug: Path) -> Iterator[Line]:
    deploys: dict[str, Deploy] = {OURS: contenders.ours(), ORIGINAL: contenders.original(bench.programs)}
    if bench.lambroll:
        deploys[LAMBROLL] = contenders.lambroll(bench.lambroll)
    functions = _Functions(bench, app, slug)
    rounds = bench.fast if app is bench.small else bench.slow

    row = Row.FIRST
    ways = functions.ways(deploys, lambda number: number, new=True)
    yield from _compared(row, app, deploys, interleaved(bench, f"{row.value}, {app.title}", ways, rounds))

    row = Row.CHANGED
    last = 1000 + (rounds if bench.timed else 0)
    ways = functions.ways(deploys, lambda number: 1000 + number)
    measured = interleaved(bench, f"{row.value}, {app.title}", ways, rounds)
    limits = {} if app.to_original is None else {ORIGINAL: app.to_original, LAMBROLL: 1.0}
    yield from _compared(row, app, deploys, measured, limits=limits)

    row = Row.UNCHANGED
    measured = interleaved(
        bench, f"{row.value}, {app.title}", functions.ways(deploys, lambda _: last), rounds
    )
    ours = measured[0]
    (python,) = interleaved(
        bench,
        "python3 -c pass",
        [Way(OURS, lambda _, at: contenders.start_python(_python(slug), at))],
        bench.fast,
    )
    limit = max(_UNCHANGED_SECONDS, _UNCHANGED_TO_PYTHON * median(python.seconds))
    took = median(ours.seconds)
    own = (
        Target("one call", f"{ours.calls:g}", ours.calls == 1),
        Target("no bytes of code sent", f"{ours.sent_code:g}", ours.sent_code == 0),
        Target(f"at most {limit:.2f} s", f"{took:.3f} s", took <= limit, is_shaky(ours.seconds)),
    )
    limits = {} if app.to_original is None else {ORIGINAL: _UNCHANGED_TO_ORIGINAL}
    yield from _compared(row, app, deploys, measured, limits=limits, own=own)

    row = Row.PLAN
    measured = interleaved(bench, f"{row.value}, {app.title}", [functions.plan(last)], rounds)
    yield from _compared(row, app, {OURS: None}, measured)
    functions.delete()


def _compared(
    row: Row,
    app: App,
    names: Mapping[str, object],
    measured: Sequence[Measured],
    *,
    limits: Mapping[str, float] | None = None,
    own: tuple[Target, ...] = (),
) -> Iterator[Line]:
    """Return the lines of a row with calls of AWS; the first of its contenders is ours."""
    ours = measured[0]
    for name, figures in zip(names, measured, strict=True):
        limit = (limits or {}).get(name)
        targets = own if name == OURS else ()
        if limit is not None:
            targets = (_at_most(limit, f"{limit:g} of {name}", ours, figures),)
        yield Line(
            row.value,
            app.title,
            name,
            figures.seconds,
            () if name == OURS else ours.seconds,
            figures.memory,
            calls=figures.calls,
            sent=figures.sent,
            work=figures.work,
            targets=targets,
        )


# --- rows 5 to 8: the command itself, and the build -----------------------------------------------


def _help(bench: Bench, slug: Path) -> Iterator[Line]:
    row, python = Row.HELP, "`python3 -c pass`"
    job = Job(bench.small, slug, bench.server, "none", config(0))
    ways = [
        Way(OURS, lambda _, scratch: contenders.ours("--help")(job, scratch)),
        Way(python, lambda _, scratch: contenders.start_python(_python(slug), scratch)),
    ]
    ours, theirs = interleaved(bench, row.value, ways, 3 * bench.fast)
    target = _at_most(_HELP_TO_PYTHON, f"{_HELP_TO_PYTHON:g} of {python}", ours, theirs)
    yield Line(row.value, "", OURS, ours.seconds, memory=ours.memory)
    yield Line(row.value, "", python, theirs.seconds, ours.seconds, theirs.memory, targets=(target,))


def _cold_compile(bench: Bench) -> tuple[list[Line], Path]:
    """Measure compiling without a cache, and return the cache that the last run left."""
    row = Row.COLD
    build = _build_folder(bench, bench.large, "cold")
    cache = bench.work / "cache"

    def prepare(_number: int, scratch: Path) -> Command:
        _empty(cache)
        _take_back(build)
        return contenders.compile_app(build, cache, scratch)

    (ours,) = interleaved(bench, row.value, [Way(OURS, prepare)], bench.slow)
    return [Line(row.value, bench.large.title, OURS, ours.seconds, memory=ours.memory)], cache


def _warm_compile(bench: Bench, cache: Path, slug: Path) -> Iterator[Line]:
    row, base = Row.WARM, "making the base alone"
    build = _build_folder(bench, bench.large, "warm")

    def prepare(_number: int, scratch: Path) -> Command:
        _take_back(build)
        return contenders.compile_app(build, cache, scratch)

    ways = [Way(OURS, prepare), Way(base, lambda _, scratch: contenders.make_base(slug, cache, scratch))]
    ours, alone = interleaved(bench, row.value, ways, bench.slow)
    more = median(one - other for one, other in zip(ours.seconds, alone.seconds, strict=True))
    target = Target(
        f"at most {_SECONDS_MORE_THAN_BASE:g} s more than {base}",
        f"{more:.2f} s",
        more <= _SECONDS_MORE_THAN_BASE,
        is_shaky(ours.seconds) or is_shaky(alone.seconds),
    )
    subject = bench.large.title
    yield Line(row.value, subject, OURS, ours.seconds, memory=ours.memory, targets=(target,))
    yield Line(row.value, subject, base, alone.seconds, ours.seconds, alone.memory)


def _sizes(bench: Bench, added: Mapping[str, int]) -> Iterator[Line]:
    for app in bench.direct:
        size = added[app.title]
        text = f"at most {_SIZE_IN_SLUG / MB:g} MB"
        target = Target(text, f"{size / MB:.1f} MB", size <= _SIZE_IN_SLUG)
        yield Line(Row.SIZE.value, app.title, OURS, size=size, targets=(target,))
    cli = tree_size(bench.programs.parent)
    yield Line(Row.SIZE.value, "any app", f"{ORIGINAL}: the AWS CLI", size=cli)


# --- row 9: memory --------------------------------------------------------------------------------


def _memory(bench: Bench, slugs: Mapping[str, Path]) -> Iterator[Line]:
    row = Row.MEMORY
    deploys: dict[str, Deploy] = {OURS: contenders.ours(), ORIGINAL: contenders.original(bench.programs)}
    peaks: dict[App, float] = {}
    for app in (bench.small, bench.jar, bench.big):
        by_s3 = app is bench.big
        functions = _Functions(bench, app, slugs[app.title], bench.server.create_bucket() if by_s3 else None)
        ways = functions.ways(deploys, lambda number: number, new=True)
        samples = bench.slow if bench.timed else 1
        measured = interleaved(bench, f"{row.value}, {app.title}", ways, 0, samples)
        functions.delete()
        peaks[app] = measured[0].memory or 0
        own = [Target(f"at most {_MEMORY / MB:g} MB", f"{peaks[app] / MB:.1f} MB", peaks[app] <= _MEMORY)]
        if app is bench.jar:
            own.append(_flat(bench, peaks))
        for name, figures in zip(deploys, measured, strict=True):
            yield Line(
                row.value,
                f"{app.title}, via S3" if by_s3 else app.title,
                name,
                memory=figures.memory,
                calls=figures.calls,
                sent=figures.sent,
                targets=tuple(own) if name == OURS else (),
            )


def _flat(bench: Bench, peaks: Mapping[App, float]) -> Target:
    ratio = peaks[bench.jar] / peaks[bench.small]
    return Target(
        f"flat: the peaks of the direct uploads within {_FLAT:g} of each other",
        f"{ratio:.2f}",
        1 / _FLAT <= ratio <= _FLAT,
        subject=f"{bench.small.title} and {bench.jar.title}",
    )


# --- row 10: the network --------------------------------------------------------------------------


def _network(bench: Bench, slugs: Mapping[str, Path]) -> Iterator[Line]:
    """Return the lines of row 10: ours with a bucket, ours without one if that can be, and the others."""
    bucket = bench.server.create_bucket()
    ours = contenders.ours()
    directly, original = (contenders.directly(each) for each in (ours, contenders.original(bench.programs)))
    for app in dict.fromkeys((bench.large, bench.big)):
        deploys: dict[str, Deploy] = {OURS: ours, _WITHOUT_BUCKET: directly, ORIGINAL: original}
        if app is bench.big:
            deploys = {OURS: ours, ORIGINAL: contenders.original(bench.programs)}
        if bench.lambroll and app is not bench.big:
            deploys[LAMBROLL] = contenders.lambroll(bench.lambroll)
        functions = _Functions(bench, app, slugs[app.title], bucket)
        interleaved(bench, f"{app.title}, first", functions.ways(deploys, lambda _: 0, new=True), 0)
        for number, line in enumerate(_LINES, 1):
            # A quick run is to be over soon.
            speed = 1 if bench.timed else 20
            with Network(bench.server.url, NetworkLine(line.rate * speed, line.delay / speed)) as network:
                functions.line = network.url
                yield from _over(bench, app, functions, deploys, line, 1000 * number)
        functions.delete()


def _over(  # noqa: PLR0917 - of this row alone
    bench: Bench,
    app: App,
    functions: "_Functions",
    deploys: Mapping[str, Deploy],
    line: NetworkLine,
    first: int,
) -> Iterator[Line]:
    """Measure a config change and an unchanged deploy over one line."""
    row, subject = Row.NETWORK, f"{app.title}, {line}"
    ways = functions.ways(deploys, lambda number: first + number)
    changed = interleaved(bench, f"{row.value}, {subject}", ways, _NETWORK_ROUNDS)
    ours, original = changed[0], changed[list(deploys).index(ORIGINAL)]
    own = [
        Target(
            f"at most {_MEMORY / MB:g} MB", f"{(ours.memory or 0) / MB:.1f} MB", (ours.memory or 0) <= _MEMORY
        )
    ]
    own.append(_at_most_sent(ours))
    if line is _LINES[-1]:
        text = f"{_NETWORKED_TO_ORIGINAL:g} of {ORIGINAL}"
        own.append(_at_most(_NETWORKED_TO_ORIGINAL, text, ours, original))
    named = replace(app, title=f"{subject}, config change")
    yield from _compared(row, named, deploys, changed, own=tuple(own))
    last = first + (_NETWORK_ROUNDS if bench.timed else 0)
    idle = {OURS: deploys[OURS]}
    unchanged = interleaved(
        bench, f"{row.value}, {subject}", functions.ways(idle, lambda _: last), _NETWORK_ROUNDS
    )
    yield from _compared(row, replace(app, title=f"{subject}, unchanged"), idle, unchanged)


def _at_most_sent(ours: Measured) -> Target:
    return Target(
        f"at most {_SENT_FOR_CONFIG:,} bytes sent", f"{ours.sent:,.0f}", ours.sent <= _SENT_FOR_CONFIG
    )


def _fleets(bench: Bench, slugs: Mapping[str, Path]) -> Iterator[Line]:
    """Return the lines of row 11; the large app is as large as a direct upload may be."""
    chosen = {app.title: slugs[app.title] for app in (bench.small, bench.jar)}
    yield from fleets.lines(Row.FLEETS.value, _empty(bench.work / "fleets"), chosen, quick=not bench.timed)


# --- the packaging alone --------------------------------------------------------------------------


def _base(bench: Bench, slug: Path, cache: Path) -> Iterator[Line]:
    row, app = Row.BASE, bench.large
    made: dict[str, Path] = {}
    sizes: dict[str, int] = {}

    def way(name: str, command: Callable[[Path], Command], result: Callable[[Path], Path]) -> Way:
        def prepare(_number: int, scratch: Path) -> Command:
            made[name] = result(scratch)
            made[name].unlink(missing_ok=True)
            return command(scratch)

        def check(_number: int, _scratch: Path) -> None:
            sizes[name] = made[name].stat().st_size

        return Way(name, prepare, check)

    zipped, by_python = "`zip -r`", "Python's zipfile"
    folder, python = app.folder, _python(slug)
    ways = [
        way(OURS, lambda scratch: contenders.make_base(slug, cache, scratch), lambda _: _base_of(slug)),
        way(zipped, lambda scratch: contenders.zip_folder(folder, scratch), _zip_in),
        way(by_python, lambda scratch: contenders.zip_by_python(python, folder, scratch), _zip_in),
    ]
    measured = interleaved(bench, f"{row.value}, {app.title}", ways, bench.slow)
    ours = measured[0]
    for each, figures in zip(ways, measured, strict=True):
        targets: tuple[Target, ...] = ()
        if each.name == zipped:
            size_ratio = sizes[OURS] / sizes[zipped]
            targets = (
                _at_most(1 / CORES, f"1/{CORES} of {zipped}'s time, for {CORES} cores", ours, figures),
                Target(
                    f"at most {_SIZE_TO_ZIP:g} of {zipped}'s size",
                    f"{size_ratio:.3f}",
                    size_ratio <= _SIZE_TO_ZIP,
                ),
            )
        yield Line(
            row.value,
            app.title,
            each.name,
            figures.seconds,
            () if each.name == OURS else ours.seconds,
            figures.memory,
            sizes[each.name],
            targets=targets,
        )


def _package_by_zip(bench: Bench, app: App, slug: Path) -> Iterator[Line]:
    base = _base_of(slug)
    theirs = Way(
        "`cp`, `zip`",
        lambda number, scratch: contenders.append_to_zip(base, config(number), scratch),
    )
    return _package(bench, app, slug, theirs)


def _package_by_jar(bench: Bench, app: App, slug: Path) -> Iterator[Line]:
    assert app.jar is not None
    jar = app.folder / app.jar
    theirs = Way(
        "`cp`, `jar uf`",
        lambda number, scratch: contenders.update_jar(jar, config(number), scratch),
    )
    return _package(bench, app, slug, theirs)


def _package(bench: Bench, app: App, slug: Path, other: Way) -> Iterator[Line]:
    row = Row.PACKAGE
    own = Way(OURS, lambda number, scratch: contenders.write_package(slug, config(number), scratch))
    ours, theirs = interleaved(bench, f"{row.value}, {app.title}", [own, other], bench.fast)
    yield Line(row.value, app.title, OURS, ours.seconds, memory=ours.memory)
    yield Line(row.value, app.title, other.name, theirs.seconds, ours.seconds, theirs.memory)


# --- what they share ------------------------------------------------------------------------------


def _at_most(limit: float, text: str, ours: Measured, theirs: Measured) -> Target:
    ratio = median_ratio(ours.seconds, theirs.seconds)
    shaky = is_shaky(ours.seconds) or is_shaky(theirs.seconds)
    return Target(f"at most {text}", f"{ratio:.3f}", ratio <= limit, shaky)


def _slug(bench: Bench, app: App, cache: Path) -> tuple[Path, int]:
    """Compile an app; return its slug and the bytes that were added besides the base."""
    folder = _build_folder(bench, app, f"slug-{'jar' if app.jar else 'nodejs'}-{app.size}")
    before = tree_size(folder)
    run(contenders.compile_app(folder, cache, _empty(bench.work / "scratch")))
    base = _base_of(folder).stat().st_size if app.jar is None else 0
    return folder, tree_size(folder) - before - base


def _build_folder(bench: Bench, app: App, name: str) -> Path:
    """Copy an app to where it is built, with the Python that heroku/python puts there."""
    folder = copy_app(app, bench.work / name)
    venv = [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder / ".heroku" / "python")]
    subprocess.run(venv, check=True)
    return folder


def _take_back(build: Path) -> None:
    """Remove what compiling has put into a build folder."""
    shutil.rmtree(build / ".lambda-deploy", ignore_errors=True)
    shutil.rmtree(build / ".profile.d", ignore_errors=True)
    (build / "Procfile").unlink(missing_ok=True)


def _python(slug: Path) -> Path:
    return slug / ".heroku" / "python" / "bin" / "python3"


def _base_of(slug: Path) -> Path:
    return slug / ".lambda-deploy" / "base.zip"


def _zip_in(scratch: Path) -> Path:
    return scratch / "base.zip"


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

"""The row of fleets: many functions in two accounts of the embedded AWS, which runs in this process.

Moto has no packages of versions that could be fetched, so this row has a server of its own.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import OURS, PATH
from bench.measuring import Command, run
from bench.table import Line, Target
from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, release

MB = 1_000_000
_MEMORY = 80 * MB
_CALLS = 2  # for each function that has nothing to do
_RATES = {"unlimited": "999999", "15 calls a second": "15"}


@dataclass(frozen=True)
class _Sizes:
    """How many functions there are in the row."""

    idle: int
    promoted: int


def lines(row: str, work: Path, slugs: Mapping[str, Path], *, quick: bool) -> Iterator[Line]:
    """Measure fleets with nothing to do, and promotions; `slugs` are a small app's and a large one's."""
    sizes = _Sizes(3, 2) if quick else _Sizes(100, 20)
    with EmbeddedAWS() as aws:
        for (app, slug), promotes in zip(slugs.items(), (False, True), strict=True):
            fleet = FleetOfTests(aws, work)
            here, there = fleet.function("model"), fleet.function("model", LOWER)
            release(slug, here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
            release(slug, there, "1.1.0", SOURCE_CONFIG)
            models = (here, there) if promotes else (here,)
            count = sizes.promoted if promotes else sizes.idle
            for rate, calls in _RATES.items():
                what = "promotions of the" if promotes else "functions of the"
                rest = "" if promotes else ", nothing to do"
                subject = f"{count} {what} {app}{rest}, {rate}"
                yield _measured(row, subject, fleet, slug, models, count, calls)


def _measured(  # noqa: PLR0917 - of this module alone
    row: str,
    subject: str,
    fleet: FleetOfTests,
    slug: Path,
    models: tuple[Function, ...],
    count: int,
    rate: str,
) -> Line:
    """Apply a fleet of new functions twice: timed, and sampled."""
    seconds, memory, made = 0.0, 0, 0
    for sampled in (False, True):
        names = [f"{rate}-{sampled:d}-{number}" for number in range(count)]
        for name in names:
            for model in models:
                fleet.copy(model, name)
        promotes = len(models) > 1
        wanted = dict.fromkeys(names, "1.1.0" if promotes else "1.0.0")
        environment = {**fleet.env, "_LAMBDA_MAX_CALLS_PER_SECOND": rate, "PATH": PATH, "DYNO": "run.1"}
        program = str(slug / ".lambda-deploy/bin/deploy")
        command = Command((program, "fleet", "apply", str(fleet.write(wanted))), fleet.folder, environment)
        start = len(fleet.aws.calls)
        cost = run(command, sampled=sampled)
        made = sum(call.service == "lambda" for call in fleet.aws.calls[start:])
        seconds, memory = (seconds, cost.memory or 0) if sampled else (cost.seconds, 0)
        print(f"{row}, {subject}: {cost}", file=sys.stderr)
    targets = [Target(f"at most {_MEMORY / MB:g} MB", f"{memory / MB:.1f} MB", memory <= _MEMORY)]
    if not promotes:
        targets.append(Target("two calls for each function", f"{made / count:g}", made <= _CALLS * count))
    return Line(row, subject, OURS, (seconds,), memory=memory, calls=made, targets=tuple(targets))

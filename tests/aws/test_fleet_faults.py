"""Faults, signals and kills at calls of a fleet: nothing unverified is live, and the next run completes.

Each fault at each call is in tests/slow/test_fleet_faults.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from fault_stage import hurried
from fleet_faults import (
    FAULTS,
    Scene,
    calls_of,
    make_models,
    make_scenes,
    survive_fault,
    survive_interruption,
    survive_kill,
)

# The first call and the last one of each operation, in turns.
FIRST, LAST = 0, 1


@pytest.fixture(scope="module")
def models(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> list[Function]:
    """Return the functions of a fleet."""
    return make_models(aws, tmp_path_factory.mktemp("slugs"))


@pytest.fixture
def scenes(aws: EmbeddedAWS, models: list[Function], tmp_path: Path) -> Iterator[Iterator[Scene]]:
    """Return scenes, as many as are asked for."""
    with hurried(), FaultProxy(aws.url) as proxy:
        yield make_scenes(aws, proxy, models, tmp_path)


def kinds(calls: list[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Return the numbers of the first and the last call of each operation."""
    last = dict(calls)
    return {operation: (1, last[operation]) for operation in last}


@pytest.mark.parametrize(
    ("fault", "attempts", "which"), [(*each, n % 2) for n, each in enumerate(FAULTS)], ids=str
)
def test_a_fault_is_survived(fault: Fault, attempts: int, which: int, scenes: Iterator[Scene]) -> None:
    """At each kind of call: what AWS has not got, and what it has carried out without an answer."""
    for operation, numbers in kinds(calls_of(next(scenes))).items():
        if fault.status or not operation.startswith(("Get", "List")):
            survive_fault(next(scenes), fault, attempts, operation, numbers[which])


def test_an_interruption_is_survived(scenes: Iterator[Scene]) -> None:
    """AWS has carried out the call, and its answer has not come: at each kind of call."""
    for operation, numbers in kinds(calls_of(next(scenes))).items():
        survive_interruption(next(scenes), operation, numbers[-1])


def test_a_kill_is_survived(scenes: Iterator[Scene]) -> None:
    """A process that has no time for anything, where AWS has published a version already."""
    survive_kill(next(scenes), "PublishVersion")

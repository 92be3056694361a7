"""Each fault and each signal at each call of a fleet; what is proved is in tests/aws/test_fleet_faults.py."""

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


@pytest.fixture(scope="module")
def models(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> list[Function]:
    """Return the functions of a fleet."""
    return make_models(aws, tmp_path_factory.mktemp("slugs"))


@pytest.fixture
def scenes(aws: EmbeddedAWS, models: list[Function], tmp_path: Path) -> Iterator[Iterator[Scene]]:
    """Return scenes, as many as are asked for."""
    with hurried(), FaultProxy(aws.url) as proxy:
        yield make_scenes(aws, proxy, models, tmp_path)


@pytest.mark.parametrize(("fault", "attempts"), FAULTS, ids=str)
def test_a_fault_is_survived(fault: Fault, attempts: int, scenes: Iterator[Scene]) -> None:
    """At each call: what AWS has not got, and what it has carried out without an answer."""
    for operation, number in calls_of(next(scenes)):
        if fault.status or not operation.startswith(("Get", "List")):
            survive_fault(next(scenes), fault, attempts, operation, number)


def test_an_interruption_at_each_call_is_survived(scenes: Iterator[Scene]) -> None:
    """AWS has carried out the call, and its answer has not come."""
    for operation, number in calls_of(next(scenes)):
        survive_interruption(next(scenes), operation, number)


@pytest.mark.parametrize("operation", ["UpdateFunctionCode", "CreateAlias", "UpdateAlias"])
def test_a_kill_is_survived(operation: str, scenes: Iterator[Scene]) -> None:
    """A process that has no time for anything."""
    survive_kill(next(scenes), operation)

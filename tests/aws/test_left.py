"""What an error says that it left behind: each kind of fault, and each plan whose answers are lost.

Each fault at each call, also at the reads before the first write, is in tests/slow/test_left.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws import EmbeddedAWS
from fault_stage import PLANS, Stage, set_stage
from fault_truths import FAULTS, WRITES, check_left


@pytest.fixture
def stage(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[Stage]:
    """Set the stage."""
    with set_stage(aws, tmp_path, lambda _name, _value: None) as stage:
        yield stage


# Whoever only moves an alias does not need the answer: the alias tells.
ONE_WRITE = ("alias, reuse", "rollback")
CASES = [("alias, next", name) for name in FAULTS]
CASES += [(plan, "refused") for plan in ONE_WRITE]
CASES += [(plan, "the answer is lost") for plan in PLANS if plan not in {*ONE_WRITE, "alias, next"}]


@pytest.mark.parametrize(("name", "fault_name"), CASES)
def test_each_error_says_what_it_left(name: str, fault_name: str, slug: Path, stage: Stage) -> None:
    """At each kind of call from the first write on, and nothing that is not so."""
    plan, fault = PLANS[name], FAULTS[fault_name]
    calls = stage.calls(slug, plan)
    first_write = next(number for number, call in enumerate(calls) if call in WRITES)
    numbers = {call: number for number, call in enumerate(calls[first_write:], first_write + 1)}
    failures = [
        check_left(stage.scene(slug, plan), plan, fault, number, is_written=True)
        for number in numbers.values()
    ]
    assert any(failures) or fault is FAULTS["nonsense"]

"""What an error says that it left behind: every call is refused, lost, or answered by nonsense.

Once before AWS has it and once after. The quick part is in tests/aws/test_left.py.
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


# Every fault for the plan that has every step, and two of them for the others.
CASES = [("alias, next", name) for name in FAULTS]
CASES += [
    (plan, name) for plan in PLANS for name in ("refused", "the answer is lost") if plan != "alias, next"
]


@pytest.mark.parametrize(("name", "fault_name"), CASES)
def test_each_error_says_what_it_left(name: str, fault_name: str, slug: Path, stage: Stage) -> None:
    """From the first write on, and nothing that is not so."""
    plan, fault = PLANS[name], FAULTS[fault_name]
    calls = stage.calls(slug, plan)
    first_write = next(number for number, call in enumerate(calls) if call in WRITES)
    failures = [
        check_left(stage.scene(slug, plan), plan, fault, number + 1, is_written=number >= first_write)
        for number in range(len(calls))
    ]
    assert any(failures) or fault is FAULTS["nonsense"]

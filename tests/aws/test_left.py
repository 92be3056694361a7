"""What an error says that it left behind: something from the first write on, and always the truth.

Every call of every plan is refused, lost, or answered by nonsense, once before AWS has it and once after.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from command import make_slug
from embedded_aws import EmbeddedAWS
from fault_proxy import Fault, FaultProxy
from fault_stage import PLANS, Scene, Stage, State

FAULTS = {
    "refused": Fault(403, "AccessDeniedException"),
    "not found": Fault(404, "ResourceNotFoundException"),
    "AWS's side": Fault(500, "ServiceException"),
    "the request is lost": Fault(at="within the body"),
    "the answer is lost": Fault(at="before the answer"),
    "nonsense": Fault(content=b"<html>Log in</html>"),
    "nonsense instead": Fault(content=b"<html>Log in</html>", is_lost=True),
}
WRITES = {"UpdateFunctionCode", "PublishVersion", "CreateAlias", "UpdateAlias"}

Truth = Callable[[Scene, State, "re.Match[str]"], bool]


def unchanged(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state == before


def latest_as_it_was(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state[0] == before[0]


def latest_is_one_of_the_two(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state[0] in {before[0], scene.code_sha256}


def latest_is_ours(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state[0] == scene.code_sha256 and scene.state[2:] == before[2:]


def not_published(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state == (scene.code_sha256, *before[1:])


def alias_as_it_was(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state[2] == before[2]


def neither_was_moved(scene: Scene, before: State, _found: "re.Match[str]") -> bool:
    return scene.state[2:] == before[2:]


def name_is_one_of_two(scene: Scene, before: State, found: "re.Match[str]") -> bool:
    return scene.state[3] in {before[3], found["version"]} and scene.state[2] == before[2]


def version_is_there(scene: Scene, before: State, found: "re.Match[str]") -> bool:
    return found["version"] in scene.state[1] and scene.state[2:] == before[2:]


def alias_is_one_of_the_two(scene: Scene, before: State, found: "re.Match[str]") -> bool:
    return scene.state[2] in {before[2], found["version"]}


VERSION = "(?P<version>[0-9]+)"
TRUTHS: dict[str, Truth] = {
    r"Nothing was changed\.": unchanged,
    r"\$LATEST was not changed\.": latest_as_it_was,
    r"AWS may have taken the upload or not; .*": latest_is_one_of_the_two,
    r"AWS has taken the upload; \$LATEST is the new package once .*": latest_is_ours,
    r"\$LATEST is the new package; an alias was not moved\.": latest_is_ours,
    r"\$LATEST is the new package, and not published; the alias was not moved\.": not_published,
    r"A version may have been published; the alias was not moved\.": neither_was_moved,
    r"The new version is published; the alias was not moved\.": neither_was_moved,
    r"The version is published and has its name; a live alias was not moved\.": alias_as_it_was,
    r"The alias 1-1-1 was not (moved|changed)(; live was not moved)?\.": neither_was_moved,
    rf"The alias 1-1-1 is where it was, or at version {VERSION}(; live was not moved)?\.": name_is_one_of_two,
    rf"Version {VERSION} is published; the alias was not moved\.": version_is_there,
    rf"Version {VERSION} was not verified; the alias was not moved\.": version_is_there,
    r"(The alias was not moved|This deploy did not move the alias)\.": alias_as_it_was,
    r"The alias live was not (moved|changed)\.": alias_as_it_was,
    rf"The alias live is where it was, or at version {VERSION}\.": alias_is_one_of_the_two,
}


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an app with its base."""
    return make_slug(tmp_path_factory.mktemp("slug"))


@pytest.fixture
def stage(aws: EmbeddedAWS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Set the stage, without the SDK's pauses."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)
    with FaultProxy(aws.url) as proxy:
        yield Stage(aws, proxy, aws.create_bucket(), tmp_path, lambda _name, _value: None, monkeypatch)


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
    first_write = next(number for number, call in enumerate(calls, 1) if call in WRITES)
    failures = 0
    for number in range(1, len(calls) + 1):
        scene = stage.scene(slug, plan)
        before = scene.state
        stage.proxy.arm(fault, number=number)
        outcome = scene.deploy(*plan.arguments, "--json")
        where = f"{fault} at call {number} of {stage.proxy.seen}: {outcome}"
        assert stage.proxy.struck.is_set(), where
        stage.proxy.reset()
        if outcome.status == 0:
            assert plan.is_home(scene), where
            continue
        failures += 1
        error = json.loads(outcome.stdout)["error"]
        left = error.get("left", "")
        assert left or number < first_write, where
        if left:
            assert left in outcome.stderr, where
            found = {pattern: re.fullmatch(pattern, left) for pattern in TRUTHS}
            true = [TRUTHS[pattern](scene, before, match) for pattern, match in found.items() if match]
            assert true == [True], where
        if "Nothing was changed" in outcome.stderr:
            assert scene.state == before, where
    assert failures or fault is FAULTS["nonsense"]

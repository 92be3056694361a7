"""What an error says that it left behind: something from the first write on, and always the truth."""

import json
import re
from collections.abc import Callable

from fault_proxy import Fault
from fault_stage import Plan, Scene, State

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
    r"\$LATEST is the new package; no alias was moved\.": latest_is_ours,
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


def check_left(scene: Scene, plan: Plan, fault: Fault, number: int, *, is_written: bool) -> bool:
    """Play a plan with a fault at a call; check what the error says, and return whether there was one.

    `is_written` if the call is the plan's first write or one after it.
    """
    before = scene.state
    scene.proxy.arm(fault, number=number)
    outcome = scene.deploy(*plan.arguments, "--json")
    where = f"{fault} at call {number} of {scene.proxy.seen}: {outcome}"
    assert scene.proxy.struck.is_set(), where
    scene.proxy.reset()
    if outcome.status == 0:
        assert plan.is_home(scene), where
        return False
    error = json.loads(outcome.stdout)["error"]
    left = error.get("left", "")
    assert left or not is_written, where
    if left:
        assert left in outcome.stderr, where
        found = {pattern: re.fullmatch(pattern, left) for pattern in TRUTHS}
        true = [TRUTHS[pattern](scene, before, match) for pattern, match in found.items() if match]
        assert true == [True], where
    if "Nothing was changed" in outcome.stderr:
        assert scene.state == before, where
    return True

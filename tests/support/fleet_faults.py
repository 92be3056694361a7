"""Fleets that are applied with faults: one function moves and one is promoted, each verified."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from command import command
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import Fault, FaultProxy
from fleets import CONFIG, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from in_process import Outcome
from in_process import deploy as run
from lambda_invocations import Handler
from paths import REPOSITORY

WANTED = {"moved": "1.1.0", "promoted": "1.1.0"}
SETTINGS = {"_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}', "_LAMBDA_VERIFY_EXPECT": "pong"}
FAULTS = [
    (Fault(503, "ServiceUnavailableException"), 1),
    (Fault(at="within the body"), 1),
    (Fault(at="before the answer"), 1),
    (Fault(at="before the answer"), 3),
]
STUCK = Fault(at="before the answer", stalls=True, seconds=None)
SECONDS = 30  # for what takes a moment


@dataclass
class Scene:
    """A fleet in the state that an apply begins with."""

    fleet: FleetOfTests
    proxy: FaultProxy
    functions: list[Function]
    verified: dict[str, set[str]] = field(default_factory=dict)

    def answer(self, name: str) -> Handler:
        """Return what answers invocations, and notes the versions that have proved themselves with it."""
        seen = self.verified[name] = set()

        def handler(_payload: Any, version: str) -> str:
            seen.add(version)
            return "pong"

        return handler

    def environment(self, attempts: int = 1) -> dict[str, str]:
        """Give the environment of an apply."""
        proxy = {"_AWS_ENDPOINT_URL": self.proxy.url, "_AWS_MAX_ATTEMPTS": str(attempts)}
        return {**self.fleet.env, **SETTINGS, **proxy}

    def apply(self, attempts: int = 1) -> Outcome:
        """Apply the fleet through the proxy."""
        file = self.fleet.write(WANTED)
        outcome = run(self.fleet.folder, "fleet", "apply", str(file), env=self.environment(attempts))
        for untrue in ("Traceback", "stopped at an internal error", "canary", "Another deploy or a person"):
            assert untrue not in outcome.stdout + outcome.stderr, outcome
        return outcome

    @property
    def state(self) -> list[tuple[str, dict[str, str], list[str]]]:
        """Return all that an apply may change."""
        return [(each.code_sha256(), names_of(each), each.versions()) for each in self.functions]

    @property
    def live(self) -> list[str]:
        """Return the live versions."""
        return [names_of(each)["live"] for each in self.functions]

    @property
    def is_home(self) -> bool:
        """Whether everything is as it has to be in the end."""
        names = [names_of(each) for each in self.functions]
        return self.live == ["2", "2"] and all(each["1-1-0"] == each["live"] for each in names)

    def check(self, before: list[str], where: str) -> None:
        """See that what is live was live before or has proved itself, and that all moved or none."""
        for function, version, earlier in zip(self.functions, self.live, before, strict=True):
            assert version == earlier or version in self.verified[function.name], where
        if set(self.live) != set(before):
            assert all("2" in self.verified[function.name] for function in self.functions), where
        assert all(len(function.versions()) <= 2 for function in self.functions), f"twice: {where}"


def make_models(aws: EmbeddedAWS, folder: Path) -> list[Function]:
    """Return the functions of a fleet: one that has both versions, one that has the first, and its source."""
    fleet = FleetOfTests(aws, folder)
    one, two = fleet.slug("one"), fleet.slug("two")
    moved, promoted, lower = (
        fleet.function("moved"),
        fleet.function("promoted"),
        fleet.function("promoted", LOWER),
    )
    for function in (moved, promoted):
        release(one, function, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(two, moved, "1.1.0", CONFIG)
    release(two, lower, "1.1.0", SOURCE_CONFIG)
    return [moved, promoted, lower]


def make_scenes(aws: EmbeddedAWS, proxy: FaultProxy, models: list[Function], folder: Path) -> Iterator[Scene]:
    """Yield scenes, as many as are asked for."""
    while True:
        proxy.reset()
        fleet = FleetOfTests(aws, folder)
        moved, promoted = (fleet.copy(model, name) for model, name in zip(models[:2], WANTED, strict=True))
        fleet.copy(models[2], "promoted")
        scene = Scene(fleet, proxy, [moved, promoted])
        for function in scene.functions:
            aws.answers(function, scene.answer(function.name))
        yield scene


def calls_of(scene: Scene) -> list[tuple[str, int]]:
    """Apply without a fault, and return each call as its operation and number, for the order differs."""
    outcome = scene.apply()
    assert (outcome.status, outcome.stderr) == (0, "")
    assert scene.is_home
    seen = scene.proxy.seen
    return [(each, seen[: number + 1].count(each)) for number, each in enumerate(seen)]


def survive_fault(scene: Scene, fault: Fault, attempts: int, operation: str, number: int) -> None:
    """Apply with a fault at a call: what AWS has not got, or what it has carried out without an answer."""
    state, live = scene.state, scene.live
    scene.proxy.arm(fault, number=number, operation=operation)
    outcome = scene.apply(attempts)
    where = f"{fault} at {operation} {number} of {scene.proxy.seen}: {outcome}"
    scene.proxy.reset()
    assert outcome.status in {0, 1}, where
    if "Nothing was changed" in outcome.stderr and "live alias" not in outcome.stderr:
        assert scene.state == state, where
    scene.check(live, where)
    assert outcome.status == 1 or scene.is_home, where
    again = scene.apply()
    assert again.status == 0, f"{where}, then {again}"
    assert scene.is_home, where
    scene.check(live, where)


def survive_interruption(scene: Scene, operation: str, number: int) -> None:
    """Send SIGTERM at a call that AWS has carried out, and whose answer has not come."""
    state, live = scene.state, scene.live
    scene.proxy.arm(STUCK, number=number, operation=operation)
    outcome = _interrupted(scene)
    where = f"{operation} {number} of {scene.proxy.seen}: {outcome}"
    assert outcome.stderr.startswith(" !     Interrupted by SIGTERM."), where
    if "Interrupted by SIGTERM. Nothing was changed." in outcome.stderr:
        assert scene.state == state, where
    scene.check(live, where)
    again = scene.apply()
    assert again.status == 0, f"{where}, then {again}"
    assert scene.is_home, where
    scene.check(live, where)


def survive_kill(scene: Scene, operation: str) -> None:
    """Kill a process at an operation that AWS has carried out, and whose answer has not come."""
    live = scene.live
    scene.proxy.arm(STUCK, number=1, operation=operation)
    with subprocess.Popen(
        command(scene.fleet.folder, "fleet", "apply", scene.fleet.write(WANTED)),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", **scene.environment()},
        stdout=subprocess.DEVNULL,
    ) as process:
        assert scene.proxy.struck.wait(SECONDS)
        process.kill()
    scene.proxy.reset()
    scene.check(live, operation)
    assert scene.apply().status == 0
    assert scene.is_home
    scene.check(live, operation)


def _interrupted(scene: Scene) -> Outcome:
    """Apply, send this process SIGTERM once the command is stuck, and see that it does not go on."""

    def terminate() -> None:
        assert scene.proxy.struck.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    before = set(threading.enumerate())
    threading.Thread(target=terminate).start()
    outcome = scene.apply()
    assert outcome.status == 1, outcome
    state: Any = scene.state
    scene.proxy.reset()
    for thread in set(threading.enumerate()) - before:
        if "(work)" in thread.name or "(run)" in thread.name:
            thread.join(SECONDS)
    assert scene.state == state, "the command went on"
    return outcome

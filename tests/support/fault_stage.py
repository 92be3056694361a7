"""Where plans are played with faults: each in a function of its own, behind a proxy that has the fault."""

import base64
import hashlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from botocore.retries.standard import ExponentialBackoff

import deploy.artifact.limits
import deploy.cli
from deploy.artifact import base as bases
from deploy.target.record import Record
from embedded_aws import EmbeddedAWS, Function
from fault_proxy import FaultProxy
from in_process import Outcome
from in_process import deploy as run

CONFIG = {"DATABASE_URL": "postgres://a-canary-of-the-config"}
ALIAS = {
    "_LAMBDA_ALIAS": "live",
    "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}',
    "_LAMBDA_VERIFY_EXPECT": "pong",
}


NAME = "1-1-1"

# The code of $LATEST, the versions, and where the alias and the name are.
State = tuple[str, list[str], str | None, str | None]


@dataclass
class Scene:
    """A function in the state that a plan begins with, and what is there to be compared afterwards."""

    aws: EmbeddedAWS
    proxy: FaultProxy
    slug: Path
    package: bytes
    code_sha256: str
    function: Function
    bucket: str
    settings: dict[str, str] = field(default_factory=dict)
    verified: list[str] = field(default_factory=list)

    def deploy(self, *arguments: str, attempts: int = 1) -> Outcome:
        """Run a command through the proxy, with so many tries of the SDK's."""
        return run(self.slug, *arguments, env=self.environment(attempts))

    def environment(self, attempts: int) -> dict[str, str]:
        """Give the environment of a deploy."""
        return {
            **CONFIG,
            **self.aws.settings(self.function),
            "_AWS_ENDPOINT_URL": self.proxy.url,
            "_AWS_MAX_ATTEMPTS": str(attempts),
            **self.settings,
        }

    def publish(self, *packages: bytes) -> None:
        """Publish versions, as the administrator."""
        client = self.aws.client()
        for package in packages:
            client.update_function_code(FunctionName=self.function.name, ZipFile=package)
            client.publish_version(FunctionName=self.function.name)

    def point(self, version: str, description: str = "", name: str = "live") -> None:
        """Make the alias, as the administrator."""
        self.aws.client().create_alias(
            FunctionName=self.function.name, Name=name, FunctionVersion=version, Description=description
        )

    def answer(self, _payload: Any, version: str) -> str:
        """Answer an invocation, and note the version that has proved itself with it."""
        self.verified.append(version)
        return "pong"

    @property
    def left(self) -> list[str]:
        """Return what is left in the bucket."""
        return self.aws.left_in(self.bucket) if "_LAMBDA_S3_BUCKET" in self.settings else []

    @property
    def state(self) -> State:
        """Return all that a deploy may change."""
        function = self.function
        return (function.code_sha256(), function.versions(), function.alias(), function.alias(NAME))


@dataclass(frozen=True)
class Plan:
    """How it begins, what is run, what is run again, and what the function has to be in the end.

    `own` are the operations that no other plan has in this way; all of them if none is named.
    """

    prepare: Callable[[Scene], None]
    is_home: Callable[[Scene], bool]
    arguments: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()


def _nothing(_scene: Scene) -> None:
    pass


def _bucket(scene: Scene) -> None:
    scene.settings |= {"_LAMBDA_S3_BUCKET": scene.bucket, "_LAMBDA_S3_PREFIX": "deploys/"}


def _first(scene: Scene) -> None:
    scene.settings |= ALIAS


def _next(scene: Scene) -> None:
    scene.settings |= {**ALIAS, "_LAMBDA_KEEP_VERSIONS": "2"}
    scene.publish(zip_of("one"), zip_of("two"), zip_of("three"))
    scene.point("3", "points at production [previous version: 2]")


def _back(scene: Scene) -> None:
    scene.settings |= ALIAS
    scene.publish(scene.package, zip_of("two"))
    scene.point("2", "[previous version: 1]")


def _name(scene: Scene) -> None:
    _next(scene)
    scene.settings |= {"_LAMBDA_VERSION": "1.1.1"}


def _name_again(scene: Scene) -> None:
    """Have the name at another config of the same base, and no live alias."""
    scene.settings |= {**ALIAS, "_LAMBDA_VERSION": "1.1.1"}
    del scene.settings["_LAMBDA_ALIAS"]
    base = bases.read(scene.slug).sha256
    scene.publish(zip_of("one"))
    scene.point("1", Record(base, ("env.properties",), 1, name="1.1.1").describe(), NAME)


def _is_latest(scene: Scene) -> bool:
    return scene.function.code_sha256() == scene.code_sha256


def _is_live(scene: Scene) -> bool:
    version = scene.function.alias()
    return version in scene.verified and scene.function.code_sha256("live") == scene.code_sha256


def _is_named(scene: Scene) -> bool:
    version = scene.function.alias(NAME)
    return version in scene.verified and scene.function.code_sha256(NAME) == scene.code_sha256


PLANS = {
    "plain": Plan(_nothing, _is_latest),
    "via S3": Plan(_bucket, _is_latest),
    "alias, first": Plan(_first, _is_live, own=frozenset({"GetAlias", "CreateAlias"})),
    "alias, next": Plan(_next, _is_live),
    "alias and name": Plan(
        _name,
        lambda scene: _is_live(scene) and _is_named(scene),
        own=frozenset({"GetAlias", "CreateAlias", "UpdateAlias"}),
    ),
    "name, next": Plan(_name_again, _is_named, own=frozenset({"GetAlias", "PublishVersion", "UpdateAlias"})),
    "alias, reuse": Plan(_back, _is_live),
    # If a rollback failed, another one without a number could go back to where it came from.
    "rollback": Plan(_back, _is_live, ("rollback",), ("rollback", "1")),
}

_PACKAGES: dict[Path, bytes] = {}
_CALLS: dict[tuple[Path, Plan], list[str]] = {}


@dataclass
class Stage:
    """Where scenes are made and played."""

    aws: EmbeddedAWS
    proxy: FaultProxy
    bucket: str
    folder: Path
    record: Callable[[str, object], None]
    patch: pytest.MonkeyPatch
    models: dict[tuple[Path, Plan], Scene] = field(default_factory=dict)

    def scene(self, slug: Path, plan: Plan) -> Scene:
        """Make a function in the state that a plan begins with."""
        if (slug, plan) not in self.models:
            self.models[slug, plan] = self._prepare(slug, plan)
        model = self.models[slug, plan]
        function, settings = self.aws.copy_function(model.function), dict(model.settings)
        scene = replace(model, function=function, settings=settings, verified=[])
        self.aws.answers(scene.function, scene.answer)
        self.proxy.reset()
        return scene

    def _prepare(self, slug: Path, plan: Plan) -> Scene:
        if slug not in _PACKAGES:
            target = self.folder / "package.zip"
            assert run(slug, "package", "-o", str(target), env=CONFIG).status == 0
            _PACKAGES[slug] = target.read_bytes()
        package = _PACKAGES[slug]
        digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
        scene = Scene(self.aws, self.proxy, slug, package, digest, self.aws.create_function(), self.bucket)
        plan.prepare(scene)
        if "_LAMBDA_S3_BUCKET" in scene.settings:
            self.patch.setattr(deploy.artifact.limits, "DIRECT_LIMIT", 0)
        return scene

    def calls(self, slug: Path, plan: Plan) -> list[str]:
        """Carry out a plan without a fault, and return its calls; once is enough."""
        if (slug, plan) not in _CALLS:
            _CALLS[slug, plan] = self._calls(slug, plan)
        return _CALLS[slug, plan]

    def _calls(self, slug: Path, plan: Plan) -> list[str]:
        scene = self.scene(slug, plan)
        outcome = scene.deploy(*plan.arguments)
        assert outcome.status == 0, outcome.stderr
        assert outcome.stderr == ""
        assert plan.is_home(scene)
        assert scene.left == []
        return list(self.proxy.seen)

    def play(self, name: str, cases: Iterable[Callable[[], bool]]) -> None:
        """Play cases, which tell whether they were survived at once; give the numbers to conftest.py."""
        survived, lost = [], []
        for case in cases:
            try:
                survived.append(case())
            except AssertionError as error:
                lost.append(str(error))
        at_once = sum(survived)
        tried = len(survived) + len(lost)
        self.record("faults", [name, [tried, at_once, len(survived) - at_once, len(lost)]])
        assert not lost, "\n\n".join(lost)


@contextmanager
def hurried() -> Iterator[None]:
    """Take out the SDK's pauses, and wait only a moment for a command that is stuck."""
    with (
        mock.patch.object(ExponentialBackoff, "delay_amount", return_value=0),
        mock.patch.object(deploy.cli, "UNWINDING", 0.1),
    ):
        yield


@contextmanager
def set_stage(aws: EmbeddedAWS, folder: Path, record: Callable[[str, object], None]) -> Iterator[Stage]:
    """Set the stage; `record` takes the numbers for the table at the end of the test run."""
    with hurried(), FaultProxy(aws.url) as proxy, pytest.MonkeyPatch.context() as patch:
        yield Stage(aws, proxy, aws.create_bucket(), folder, record, patch)


def zip_of(text: str) -> bytes:
    """Return a package that holds a text."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("index.js", text)
    return content.getvalue()

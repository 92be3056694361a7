"""Every interleaving of several deploys' calls, with the deploys' real code and a small model of Lambda.

A deploy is deterministic: what it asks next depends on what it was answered so far, and on nothing else. So
its next call is found by running it with the answers that it has got, up to the first call that has none;
it needs no thread, and what was found once is remembered. A search then tries all orders of the calls, and
all faults; two orders that lead to the same function and the same answers are one.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from deploy.artifact.base import Base
from deploy.aws.answers import Alias, Configuration, Invocation
from deploy.aws.codes import CONFLICT, LATEST, LOST, NO_ANSWER, NOT_FOUND, REPLACED
from deploy.cancel import Cancellation
from deploy.config.bake import Bake
from deploy.config.variables import Config
from deploy.errors import DeployError
from deploy.output import Report
from deploy.release import deploy as deploying
from deploy.target.environment import Target, read_target
from deploy.target.provenance import release_in
from deploy.target.record import Record
from deploy.terminal import Console

if TYPE_CHECKING:
    from deploy.aws.function import Function
    from deploy.release.candidate import Candidate

APP = "my-app"
LONGEST_WALK = 1000  # calls
FAULTINESS = 0.05  # of the calls in a walk, until there are no more faults


# --- the model -------------------------------------------------------------------------------------


class AliasRow(NamedTuple):
    """The alias as the model keeps it."""

    version: int
    description: str
    revision: int


class Call(NamedTuple):
    """A call that a deploy makes."""

    operation: str
    arguments: tuple[Any, ...] = ()


class Answer(NamedTuple):
    """What it gets: a value, or AWS's code of a refusal; `is_lost` if there was no answer at all."""

    value: Any = None
    code: str = ""
    is_lost: bool = False


@dataclass(frozen=True)
class Model:
    """One function, its versions and one alias. An update is in place at once.

    A deploy waits for an update that is under way before it does anything else with $LATEST, so that the
    time which it takes changes no order. What it does change is the revision: AWS gives another one when the
    update has ended, and when a version is published.
    """

    code: str = "stub"
    revision: int = 0
    versions: tuple[tuple[int, str], ...] = ()
    published: int = 0
    last_code: str = ""
    alias: AliasRow | None = None

    @property
    def release(self) -> int:
        """The number of the release that the alias records; 0 if there is none."""
        provenance = release_in(self.alias.description)[1] if self.alias else None
        return (provenance.release or 0) if provenance else 0

    @property
    def serving(self) -> str | None:
        """The code that the alias serves."""
        return dict(self.versions).get(self.alias.version) if self.alias else None

    def deployed(self, release: int, code: str) -> "Model":
        """Return the function with a release deployed to the alias."""
        model = replace(self, code=code)
        model, answer = model.answer(Call("publish", (code, "")))
        note = f"[release: {APP} v{release}]"
        if model.alias is None:
            return model.answer(Call("create_alias", (answer.value, note)))[0]
        return model.answer(Call("update_alias", (answer.value, note, model.alias.revision)))[0]

    def answer(self, call: Call) -> "tuple[Model, Answer]":
        """Carry out a call."""
        result: tuple[Model, Answer] = getattr(self, f"_{call.operation}")(*call.arguments)
        return result

    def _configuration(self, qualifier: str) -> "tuple[Model, Answer]":
        if qualifier == LATEST:
            return self, Answer((LATEST, self.code, self.revision))
        code = dict(self.versions).get(int(qualifier))
        return self, Answer((qualifier, code, 0)) if code else Answer(code=NOT_FOUND)

    def _versions(self) -> "tuple[Model, Answer]":
        return self, Answer(self.versions)

    def _alias(self) -> "tuple[Model, Answer]":
        return self, Answer(self.alias)

    def _invoke(self, version: int) -> "tuple[Model, Answer]":
        return self, Answer() if version in dict(self.versions) else Answer(code=NOT_FOUND)

    def _update_code(self, code: str, revision: int) -> "tuple[Model, Answer]":
        if revision != self.revision:
            return self, Answer(code=LOST)
        return replace(self, code=code, revision=self.revision + 2), Answer(code)

    def _publish(self, code: str, _description: str) -> "tuple[Model, Answer]":
        if code != self.code:
            return self, Answer(code=LOST)
        if self.last_code == code and self.published in dict(self.versions):
            return self, Answer(self.published)
        number = self.published + 1
        versions = (*self.versions, (number, code))
        after = replace(self, versions=versions, published=number, last_code=code, revision=self.revision + 1)
        return after, Answer(number)

    def _create_alias(self, version: int, description: str) -> "tuple[Model, Answer]":
        if version not in dict(self.versions):
            return self, Answer(code=NOT_FOUND)
        if self.alias:
            return self, Answer(code=CONFLICT)
        return replace(self, alias=AliasRow(version, description, 0)), Answer()

    def _update_alias(self, version: int, description: str, revision: int) -> "tuple[Model, Answer]":
        if self.alias is None or version not in dict(self.versions):
            return self, Answer(code=NOT_FOUND)
        if revision != self.alias.revision:
            return self, Answer(code=LOST)
        return replace(self, alias=AliasRow(version, description, revision + 1)), Answer()

    def _delete_version(self, version: int) -> "tuple[Model, Answer]":
        if self.alias and self.alias.version == version:
            return self, Answer(code=CONFLICT)
        kept = tuple(each for each in self.versions if each[0] != version)
        return replace(self, versions=kept), Answer() if kept != self.versions else Answer(code=NOT_FOUND)


# --- a deploy --------------------------------------------------------------------------------------


class _AsksError(BaseException):
    """A deploy makes a call that has no answer yet."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.call = call


@dataclass(frozen=True)
class Ended:
    """How a deploy ended: with AWS's or our code of an error, or as done or skipped."""

    code: str = ""
    is_done: bool = False
    is_older: bool = False


class _Remembered:
    """A function that answers from memory, as `deploy.aws.function.Function` does from AWS."""

    name, region = "my-function", "eu-west-1"

    def __init__(self, target: Target, answers: Sequence[Answer]) -> None:
        self.session = cast("Any", self)
        self.target = target
        self._answers = iter(answers)

    def _ask(self, operation: str, *arguments: Any) -> Any:
        call = Call(operation, arguments)
        answer = next(self._answers, None)
        if answer is None:
            raise _AsksError(call)
        if answer.code:
            error = DeployError(f"{operation} was refused.")
            error.code = answer.code
            error.is_refusal = not answer.is_lost
            raise error
        return answer.value

    def configuration(self, qualifier: str = LATEST) -> Configuration:
        return _configuration(*self._ask("configuration", qualifier))

    def versions(self) -> list[Configuration]:
        return [_configuration(str(number), code) for number, code in self._ask("versions")]

    def alias(self, _name: str) -> Alias | None:
        row = self._ask("alias")
        return Alias("live", str(row.version), {}, row.description, str(row.revision)) if row else None

    def aliases(self) -> list[Alias]:
        alias = self.alias("live")
        return [alias] if alias else []

    def update_code(self, _package: object, _progress: object, revision_id: str, *_: object) -> Configuration:
        return _configuration(LATEST, self._ask("update_code", self._package_code, int(revision_id)))

    def source_key(self) -> None:
        """Say that AWS encrypts the package by a key of its own."""

    def publish(self, code_sha256: str, description: str) -> Configuration:
        return _configuration(str(self._ask("publish", code_sha256, description)), code_sha256)

    def create_alias(self, _name: str, version: str, description: str) -> None:
        self._ask("create_alias", int(version), description)

    def update_alias(self, _name: str, version: str, description: str, revision_id: str) -> None:
        self._ask("update_alias", int(version), description, int(revision_id))

    def delete_version(self, version: str) -> None:
        self._ask("delete_version", int(version))

    def invoke(self, version: str, _payload: bytes, _timeout: float) -> Invocation:
        self._ask("invoke", int(version))
        return Invocation("null", "", "")

    @property
    def _package_code(self) -> str:
        return self.target.variables["CODE"]


def _configuration(version: str, code: str, revision: int = 0) -> Configuration:
    return Configuration(
        version, code, str(revision), "Active", "", "Successful", "", "", "", {"MemorySize": 128}
    )


@dataclass(frozen=True)
class _Package:
    code_sha256: str
    size: int = 1
    unzipped_size: int = 1
    source: None = None


@dataclass(frozen=True)
class _Candidate:
    package: _Package
    provenance: object
    baked: Bake = Bake(Config({}, ()), ())  # noqa: RUF009
    record: Record = Record("b" * 64, (), 1)  # noqa: RUF009 - it is frozen
    name: None = None
    base: Base = Base("nodejs", "base.zip", "b" * 64, 1, 1, 1, None, "0.1.0", None, None)  # noqa: RUF009

    def to_dict(self) -> dict[str, object]:
        return {}


class _NoWaiting(Cancellation):
    def wait(self, seconds: float) -> None:
        del seconds

    def wait_between_steps(self, seconds: float) -> None:
        del seconds


@dataclass
class Deployer:
    """One release on its way to the alias: its number, and its code."""

    release: int
    code: str
    settings: Mapping[str, str] = field(default_factory=dict)
    _known: dict[tuple[Answer, ...], Call | Ended] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._target = read_target(
            {
                "_LAMBDA_FUNCTION_ARN": "my-function",
                "_LAMBDA_ALIAS": "live",
                "_AWS_DEFAULT_REGION": "eu-west-1",
                "_AWS_ACCESS_KEY_ID": "key",
                "_AWS_SECRET_ACCESS_KEY": "secret",
                "HEROKU_APP_NAME": APP,
                "HEROKU_RELEASE_VERSION": f"v{self.release}",
                "CODE": self.code,
                **self.settings,
            },
            Path(),
        )

    def after(self, answers: tuple[Answer, ...]) -> Call | Ended:
        """Return what it asks next, after these answers, or how it ends."""
        if answers not in self._known:
            self._known[answers] = self._run(answers)
        return self._known[answers]

    def _run(self, answers: tuple[Answer, ...]) -> Call | Ended:
        function = cast("Function", _Remembered(self._target, answers))
        report, target = Report(Console(StringIO(), StringIO())), self._target
        try:
            package = cast("Candidate", _Candidate(_Package(target.variables["CODE"]), target.provenance))
            deployed = deploying.deploy(package, target, report, _NoWaiting(), function=function)
        except _AsksError as asks:
            return asks.call
        except DeployError as error:
            return Ended(error.code or "failed")
        return Ended(is_done=True, is_older=deployed.is_older)


def prepare(patch: pytest.MonkeyPatch, tries: int) -> None:
    """Have deploys try so many times."""
    patch.setattr(deploying, "TRIES", tries)


# --- the search ------------------------------------------------------------------------------------


class Found(NamedTuple):
    """How much a search went through."""

    states: int
    calls: int
    ends: int


class _State(NamedTuple):
    model: Model
    answers: tuple[tuple[Answer, ...], ...]
    crashed: frozenset[int]
    faults: int


@dataclass
class Search:
    """All orders of the calls of some deploys, with up to `faults` faults among them.

    A fault is a deploy that is killed, before or after its call took effect; an answer that is lost; a
    request that is lost; and a request that the SDK sends again because the answer to the first was lost.
    """

    deployers: Sequence[Deployer]
    faults: int = 0
    longest: int = 0

    def run(self, start: Model) -> Found:
        """Go through all of it, and raise AssertionError where the order of releases is broken."""
        first = _State(start, ((),) * len(self.deployers), frozenset(), self.faults)
        seen, waiting, calls, ends = {first}, [first], 0, 0
        came_from: dict[_State, tuple[_State, str]] = {}
        while waiting:
            state = waiting.pop()
            try:
                self._check(state)
                following = list(self._following(state))
            except AssertionError as error:
                raise AssertionError(f"{error}\n{_story(state, came_from)}") from None
            calls += len(following)
            ends += not following
            for step, after in following:
                try:
                    self._check_step(state.model, after.model)
                except AssertionError as error:
                    raise AssertionError(f"{error}\n{_story(state, came_from)}\n{step}") from None
                if after not in seen:
                    seen.add(after)
                    came_from[after] = state, step
                    waiting.append(after)
        return Found(len(seen), calls, ends)

    def walk(self, start: Model, chance: random.Random) -> int:
        """Go one way at random through all of it, and return how many calls that took."""
        state = _State(start, ((),) * len(self.deployers), frozenset(), self.faults)
        for count in range(LONGEST_WALK):
            self._check(state)
            following = [after for _, after in self._following(state)]
            if not following:
                return count
            faultless = [after for after in following if after.faults == state.faults]
            after = chance.choice(following if chance.random() < FAULTINESS else faultless)
            self._check_step(state.model, after.model)
            state = after
        raise AssertionError("a deploy loops for ever")

    def _following(self, state: _State) -> Iterator[tuple[str, _State]]:
        for number, deployer in enumerate(self.deployers):
            if number in state.crashed:
                continue
            asked = deployer.after(state.answers[number])
            if isinstance(asked, Ended):
                continue
            who = f"v{deployer.release}: {asked.operation}{asked.arguments}"
            model, answer = state.model.answer(asked)
            yield f"{who} -> {_shown(answer)}", self._answered(state, number, model, answer)
            if state.faults:
                less = state._replace(faults=state.faults - 1)
                yield f"{who} is not made: killed", less._replace(crashed=state.crashed | {number})
                yield f"{who} killed after it", less._replace(model=model, crashed=state.crashed | {number})
                lost = Answer(code=NO_ANSWER, is_lost=True)
                yield f"{who} request lost", self._answered(less, number, state.model, lost)
                if model != state.model:
                    yield f"{who} answer lost", self._answered(less, number, model, lost)
                    again, second = model.answer(asked)
                    yield f"{who} sent twice -> {_shown(second)}", self._answered(less, number, again, second)

    def _answered(self, state: _State, number: int, model: Model, answer: Answer) -> _State:
        answers = list(state.answers)
        answers[number] = (*answers[number], answer)
        self.longest = max(self.longest, len(answers[number]))
        return state._replace(model=model, answers=tuple(answers))

    def _check(self, state: _State) -> None:
        """Hold a state against the promises: what has ended well is served, or a newer one is."""
        codes = {deployer.release: deployer.code for deployer in self.deployers}
        model = state.model
        assert model.serving or not model.alias, "the alias points at nothing"
        assert codes.get(model.release, model.serving) == model.serving, "recorded is not what is served"
        for number, deployer in enumerate(self.deployers):
            if number in state.crashed:
                continue
            ended = deployer.after(state.answers[number])
            if isinstance(ended, Ended) and ended.is_done:
                assert model.release >= deployer.release, f"v{deployer.release} ended well, and is not served"
                assert not ended.is_older or model.release > deployer.release, "skipped for nothing"
            if isinstance(ended, Ended) and not ended.is_done and state.faults == self.faults:
                assert ended.code == REPLACED, f"v{deployer.release} failed without a fault: {ended.code}"

    def _check_step(self, before: Model, after: Model) -> None:
        assert after.release >= before.release, "an older release took the place of a newer one"


def _shown(answer: Answer) -> str:
    return answer.code or repr(answer.value)


def _story(state: _State, came_from: Mapping[_State, tuple[_State, str]]) -> str:
    steps = []
    while state in came_from:
        state, step = came_from[state]
        steps.append(step)
    return "\n".join(reversed(steps))


# --- what is searched ------------------------------------------------------------------------------


class Scenario(NamedTuple):
    """Releases with their codes that deploy at the same time, where the alias was before, and settings."""

    releases: tuple[tuple[int, str], ...]
    is_first: bool = False
    settings: Mapping[str, str] = {}

    @property
    def start(self) -> Model:
        """The function before: at release 9, whose code is A; or never deployed to."""
        return Model() if self.is_first else Model().deployed(9, "A")

    def search(self, faults: int = 0) -> Search:
        """Return the search through this scenario."""
        return Search([Deployer(number, code, self.settings) for number, code in self.releases], faults)


SCENARIOS = {
    "two": Scenario(((10, "B"), (11, "C"))),
    "two, first": Scenario(((10, "B"), (11, "C")), is_first=True),
    "two of the same code": Scenario(((10, "B"), (11, "B"))),
    "one back to the code before": Scenario(((10, "B"), (11, "A"))),
    "two that delete versions": Scenario(((10, "B"), (11, "C")), settings={"_LAMBDA_KEEP_VERSIONS": "1"}),
    "two that verify": Scenario(((10, "B"), (11, "C")), settings={"_LAMBDA_VERIFY_PAYLOAD": "{}"}),
}

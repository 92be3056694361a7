"""How the functions of a fleet are reached, and what AWS says of each, up to its plan.

A function whose version is in this account costs two calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy.aws.codes import NOT_FOUND, UNKNOWN_VERSION
from deploy.errors import DeployError
from deploy.fleet.config import bake_for, config_for, read_file, takes_no_config
from deploy.fleet.plan import (
    FunctionPlan,
    Origin,
    check_here,
    check_origin,
    check_size,
    decide,
    unknown_function,
    unknown_source,
    unknown_version,
)
from deploy.fleet.promotion import read_baked_files
from deploy.release.deploy import check_group, connect
from deploy.release.move import ALWAYS
from deploy.release.running import find_running
from deploy.target.record import parse_record
from deploy.target.version import is_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from deploy.aws.answers import Alias, Described
    from deploy.aws.function import Function
    from deploy.cancel import Cancellation
    from deploy.fleet.definition import Definition, Wanted
    from deploy.output import Report
    from deploy.release.steps.shift import ShiftOptions
    from deploy.target.environment import Target
    from deploy.target.fleet import Member


@dataclass(frozen=True)
class Choices:
    """What is chosen for promotions and shifts.

    .env files by functions, whether unknown packages pass, what is asked of shifts, and whether live aliases
    are moved one by one.
    """

    config_files: Mapping[str, Path] = field(default_factory=dict)
    as_is: bool = False
    shift: ShiftOptions = ALWAYS
    one_by_one: bool = False


class Fleet:
    """The functions of a fleet, what is wanted of each, and one connection for all of an account."""

    def __init__(
        self,
        definition: Definition,
        members: Sequence[Member],
        cancellation: Cancellation,
        choices: Choices = Choices(),
    ) -> None:
        self.targets = tuple(member.target for member in members)
        self._wanted = {wanted.name: wanted for wanted in definition.lambdas}
        self._sources = {member.name: member.source for member in members}
        self.choices = choices
        first = members[0]
        self._here = connect(first.target, cancellation)
        self._there = connect(first.source, cancellation) if first.source else None

    @property
    def shifts(self) -> bool:
        """Whether CodeDeploy shifts the live aliases."""
        return any(target.settings.shifting for target in self.targets) and not self.choices.shift.now

    def function(self, target: Target, cancellation: Cancellation) -> Function:
        """Return a function of the fleet."""
        return self._here.sibling(target, cancellation)

    def source(self, target: Target, cancellation: Cancellation) -> Function | None:
        """Return its counterpart in the lower account, if there is one."""
        source = self._sources[target.function.name]
        return self._there.sibling(source, cancellation) if self._there and source else None

    def wanted(self, target: Target) -> Wanted:
        """Return what is wanted of a function."""
        return self._wanted[target.function.name]

    def examine(self, target: Target, report: Report, cancellation: Cancellation) -> FunctionPlan:
        """Decide what a function needs. Raises DeployError if it can't get it."""
        wanted, function = self.wanted(target), self.function(target, cancellation)
        live, named = read_aliases(function, wanted)
        shift = find_running(function, live)
        plan = decide(wanted, live, named, target.settings.alias or "", shift)
        plan = plan or self._promotion(wanted, live, function, cancellation)
        plan = replace(
            plan,
            shift=shift,
            shifts=self._shifts(target, live),
            is_verified=target.settings.verification is not None,
            keeps_config=plan.version is not None and self._has_other_config(function, plan.version),
        )
        if plan.action != "nothing" and not self.choices.shift.now:
            check_group(function)
        report.step(f"{str(plan)[0].upper()}{str(plan)[1:]}")
        return plan

    def _shifts(self, target: Target, live: Alias | None) -> bool:
        """Whether CodeDeploy brings the live alias to a version; $LATEST is nothing to shift from."""
        is_asked = target.settings.shifting is not None and not self.choices.shift.now
        return is_asked and live is not None and is_number(live.version)

    def _described_there(self, source: Function, wanted: Wanted) -> Described:
        """Return the version in the lower account; raises DeployError if it is not there."""
        target = source.session.target
        try:
            return _described(source, unknown_version(wanted, target), wanted.version.alias)
        except DeployError as error:
            if error.code == UNKNOWN_VERSION:  # AWS answers the same for both
                _described(source, unknown_source(wanted, target))
            raise

    def _has_other_config(self, function: Function, version: str) -> bool:
        """Whether a file is given for a function's config, and a version was not published with that."""
        file = self.choices.config_files.get(function.name)
        if file is None:
            return False
        record = parse_record(function.configuration(version).description)
        if record is None or not record.files or not record.config:
            return True  # as far as anybody knows
        return not bake_for(function, record.files, read_file(file)).digest.startswith(record.config)

    def _promotion(
        self,
        wanted: Wanted,
        live: Alias | None,
        function: Function,
        cancellation: Cancellation,
    ) -> FunctionPlan:
        target = function.session.target
        source = self.source(target, cancellation)
        if source is None:
            check_exists(function)
            raise unknown_version(wanted, None)
        here = _described(function, unknown_function(target))
        check_here(wanted.name, here, takes_signed_code_only=function.takes_signed_code_only())
        there = self._described_there(source, wanted)
        record = check_origin(wanted, source.session.target, here, there, as_is=self.choices.as_is)
        check_size(wanted.name, there, target.settings)
        origin = Origin(source.name, there.configuration.version, there.size, record)
        plan = FunctionPlan(wanted, "promote", live, origin=origin)
        path = self.choices.config_files.get(wanted.name)
        if record is None:
            if path:
                raise takes_no_config(wanted.name, path)
            return plan
        files = read_baked_files(source, origin.version, record)
        baked, place = config_for(function, live, files, path, cancellation)
        return replace(plan, origin=replace(origin, files=files), baked=baked, config_from=place)


def read_aliases(function: Function, wanted: Wanted) -> tuple[Alias | None, Alias | None]:
    """Return the live alias of a function, and the one of the wanted version."""
    live = function.alias(function.session.target.settings.alias or "")
    return live, function.alias(wanted.version.alias)


def check_exists(function: Function) -> None:
    """Raise DeployError if there is no such function."""
    try:
        function.configuration()
    except DeployError as error:
        if error.code != NOT_FOUND:
            raise
        raise unknown_function(function.session.target) from error


def _described(function: Function, missing: DeployError, qualifier: str = "$LATEST") -> Described:
    try:
        return function.described(qualifier)
    except DeployError as error:
        if error.code != NOT_FOUND:
            raise
        raise missing from error

"""How the alias comes to a version: by a shift, after one, or at once."""

import json
from dataclasses import replace
from typing import Any

import pytest

from deploy.errors import DeployError
from deploy.infrastructure.cloudformation import template
from deploy.infrastructure.terraform import configuration
from deploy.release.description import PLACEHOLDER, Note, parse_note
from deploy.release.move import clear_alias, move_alias
from deploy.release.running import Running
from deploy.release.steps.alias import MoveAlias
from deploy.release.steps.shift import FollowShift, ShiftAlias, ShiftOptions, StopShift
from deploy.target.arn import FunctionReference
from deploy.target.provenance import Provenance
from deploy.target.settings import Settings
from services import read
from states import alias
from targets import target

SETTINGS = Settings(function=FunctionReference("thumbs"), alias="live", shift="Slowly")
RUNNING = Running("d-1", "3", "4")
V7 = Provenance("my-app", 7)


def test_a_shift_takes_the_place_of_a_move() -> None:
    """If there is a version to shift from, and no one wants it at once."""
    shift = SETTINGS.shifting
    assert shift is not None
    (step,) = move_alias(SETTINGS, alias("3", "mine [previous version: 2]"), "4", V7)
    assert step == ShiftAlias("live", "3", Note("mine", "2"), V7, "alias-revision", shift, version="4")
    for at, options in (("3", ShiftOptions(now=True)), ("$LATEST", ShiftOptions())):
        (moved,) = move_alias(SETTINGS, alias(at), "4", V7, options)
        assert isinstance(moved, MoveAlias)
    (created,) = move_alias(SETTINGS, None, "4", V7)
    assert isinstance(created, MoveAlias)
    assert move_alias(SETTINGS, alias("4"), "4", V7) == ()


@pytest.mark.parametrize(
    ("running", "version", "force", "expected"),
    [
        (RUNNING, "4", False, FollowShift),
        (RUNNING, "4", True, FollowShift),
        (RUNNING, None, False, FollowShift),
        (RUNNING, "5", True, StopShift),
        (replace(RUNNING, is_rollback=True), "5", True, FollowShift),
    ],
)
def test_a_shift_under_way_is_followed_or_stopped(
    running: Running, version: str | None, force: bool, expected: type
) -> None:
    """By force a shift to another version is stopped, and a rollback never is."""
    way = clear_alias(SETTINGS, alias("3", v4=0.1), running, version, force=force)
    assert isinstance(way, expected)
    if isinstance(way, FollowShift):
        assert way.is_wanted == (version == "4")


def test_weights_that_nothing_moves_are_explained_and_removed_by_force() -> None:
    """Without the setting of a shift they are somebody else's business."""
    weighted = alias("3", v4=0.1)
    with pytest.raises(DeployError) as raised:
        clear_alias(SETTINGS, weighted, None, "4")
    assert "stopped without a rollback" in raised.value.why
    removal: Any = clear_alias(SETTINGS, weighted, None, "4", force=True)
    assert (removal.previous, removal.version) == ("3", "3")
    assert clear_alias(replace(SETTINGS, shift=None), weighted, None, "4") is None
    assert clear_alias(SETTINGS, alias("3"), None, "4") is None


@pytest.mark.parametrize("made", [template, configuration])
def test_nothing_goes_back_to_a_placeholder(made: Any) -> None:
    """The alias as templates set it up: the first deploy moves it at once, and forgets where it was."""
    written = json.dumps(made(read({"functions": {"a": {}}}), target()))
    assert f'"{PLACEHOLDER}"' in written
    for settings in (SETTINGS, replace(SETTINGS, shift=None)):
        (moved,) = move_alias(settings, alias("1", f"mine {PLACEHOLDER}"), "2", V7)
        assert isinstance(moved, MoveAlias)
        assert parse_note(moved.description) == Note("mine", None, V7)
        (following,) = move_alias(replace(SETTINGS, shift=None), alias("2", moved.description), "3", V7)
        assert isinstance(following, MoveAlias)
        assert parse_note(following.description).previous == "2"

"""Interruptions: what they leave behind is said once, by the block that knows best."""

import pytest

from deploy.errors import Interrupted, leaving


def consequence(*texts: str) -> str:
    """Interrupt within nested blocks, the outermost first, and give what is told."""
    interrupted = Interrupted("SIGTERM")

    def enter(rest: tuple[str, ...]) -> None:
        if not rest:
            raise interrupted
        with leaving(rest[0]):
            enter(rest[1:])

    with pytest.raises(Interrupted):
        enter(texts)
    return interrupted.consequence


def test_without_a_block_nothing_was_changed() -> None:
    """Before the first change there is nothing to tell."""
    assert consequence() == "Nothing was changed."


def test_the_inner_block_knows_best() -> None:
    """And the advice to run it again stands there once."""
    assert consequence("The step before is done.", "The upload is unknown.") == (
        "The upload is unknown. Run deploy again."
    )

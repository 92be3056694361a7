"""Errors: what a person and a program are told of them."""

from deploy.errors import DeployError, InputError, unexpected


def test_a_program_reads_the_same_as_a_person() -> None:
    """What, why and what to do; what was left only if something was."""
    error = DeployError("What.", why="Why.", todo="Do this.")
    assert error.to_dict() == {"error": {"what": "What.", "why": "Why.", "todo": "Do this."}}
    error.left = "Half of it is done."
    assert error.to_dict()["error"] == {
        "what": "What.",
        "why": "Why.",
        "todo": "Do this.",
        "left": "Half of it is done.",
    }


def test_the_exit_status_says_whose_turn_it_is() -> None:
    """1 for what may go away by itself, 2 for what the owner has to correct."""
    assert (DeployError("").exit_code, InputError("").exit_code) == (1, 2)


def test_what_nobody_foresaw_is_explained_without_its_text() -> None:
    """The text of an exception may hold anything, also a secret."""
    explained = unexpected(ValueError("canary"))
    assert "ValueError" in explained.what
    assert explained.exit_code == 1
    assert "canary" not in str(explained.to_dict())

"""One app with several functions: one base, one package, and each function by itself."""

import itertools
import json
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import EmbeddedAWS, Function
from in_process import Outcome, deploy

MISSING = "arn:aws:lambda:eu-west-1:123456789012:function:missing"


@pytest.fixture
def functions(aws: EmbeddedAWS, function: Function) -> list[Function]:
    """Three functions of one app."""
    return [function, aws.create_function(), aws.create_function()]


def settings(functions: list[Function], *others: str, **changed: str) -> dict[str, str]:
    arns = ",\n".join([*(function.arn for function in functions), *others])
    return {**functions[0].aws.settings(functions[0]), "_LAMBDA_FUNCTION_ARN": arns, **changed}


CHANGES = ("before", "after", "outcome")


def rows(outcome: Outcome, *columns: str) -> dict[str, list[str]]:
    """Return the cells of the table at the end, which has just these columns and the time, by function."""
    table = outcome.stdout.partition(" functions\n")[2].splitlines()
    cells = [re.split(" {2,}", line.strip()) for line in table]
    assert cells[0] == ["function", *(columns or CHANGES), "time"], outcome.stdout
    return {name: [cell.strip() for cell in rest[:-1]] for name, *rest in cells[1:]}


def documents(outcome: Outcome) -> list[dict[str, Any]]:
    found = json.loads(outcome.stdout)
    assert isinstance(found, list)
    return found


def test_all_get_the_same_package(slug: Path, functions: list[Function]) -> None:
    """The base and the config are read once; a second deploy finds nothing to do for any of them."""
    env = settings(functions, NAME="canary")
    outcome = deploy(slug, env=env)
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.count("-----> Reading the config") == 1
    assert len({function.code_sha256() for function in functions}) == 1
    assert {cells[2] for cells in rows(outcome).values()} == {"deployed"}
    again = deploy(slug, env=env)
    assert {cells[2] for cells in rows(again).values()} == {"unchanged"}
    assert set(rows(again)) == {function.name for function in functions}


def test_one_that_fails_does_not_stop_the_others(slug: Path, functions: list[Function]) -> None:
    """Exit status 1, an error with its name, and a deploy of all others."""
    outcome = deploy(slug, env=settings(functions, MISSING, _LAMBDA_ALIAS="live"))
    assert outcome.status == 1
    assert "missing: There is no function missing in the region eu-west-1" in outcome.stderr
    assert "1 of 4 functions failed: missing." in outcome.stderr
    assert "Nothing was changed.\n\n" not in outcome.stderr.rpartition("1 of 4")[2]
    assert [function.alias() for function in functions] == ["1", "1", "1"]
    assert rows(outcome)["missing"] == ["failed"]


def test_in_the_release_phase_the_last_line_tells_how_it_went(slug: Path, functions: list[Function]) -> None:
    """People read the end of the log."""
    outcome = deploy(slug, env=settings(functions, MISSING, DYNO="release.1"))
    assert outcome.stderr.splitlines()[-1] == " !     Not released: 1 of 4 functions failed: missing."


def test_programs_read_a_list(slug: Path, functions: list[Function]) -> None:
    """One document for each function, in the order of the setting; an error is one of them."""
    env = settings(functions, MISSING, _LAMBDA_ALIAS="live")
    deployed = documents(deploy(slug, "--json", env=env))
    names = [*(function.name for function in functions), "missing"]
    assert [document["function"] for document in deployed] == names
    assert [document.get("version") for document in deployed] == ["1", "1", "1", None]
    assert deployed[3]["error"]["what"].startswith("There is no function missing")
    for command in ("plan", "status", "doctor"):
        told = documents(deploy(slug, command, "--json", env=env))
        assert [document["function"] for document in told] == names


def test_each_goes_back_to_its_own_version(slug: Path, functions: list[Function]) -> None:
    """Versions are numbered by function, so a number can't be named for several."""
    first = functions[0]
    assert deploy(slug, env=settings([first], _LAMBDA_ALIAS="live", NAME="before")).status == 0
    env = settings(functions, _LAMBDA_ALIAS="live")
    for name in ("one", "two"):
        assert deploy(slug, env={**env, "NAME": name}).status == 0
    assert [function.alias() for function in functions] == ["3", "2", "2"]
    outcome = deploy(slug, "rollback", env=env)
    assert outcome.status == 0, outcome.stderr
    assert [function.alias() for function in functions] == ["2", "1", "1"]
    assert rows(outcome)[first.name] == ["3", "2", "rolled back"]
    refused = deploy(slug, "rollback", "1", env=env)
    assert refused.status == 2
    assert "Versions are numbered function by function" in refused.stderr


def test_after_a_partial_failure_no_rollback_goes_too_far(slug: Path, functions: list[Function]) -> None:
    """The deploy says what to run; a rollback of all is refused, and one of those that moved is not."""
    first, second, failing = functions
    env = settings(functions, _LAMBDA_ALIAS="live", _LAMBDA_VERIFY_PAYLOAD="{}")
    for name in ("one", "two"):
        assert deploy(slug, env={**env, "NAME": name}).status == 0

    def fail(_payload: object, _version: str) -> object:
        raise RuntimeError("no way")

    first.aws.answers(failing, fail)
    outcome = deploy(slug, env={**env, "NAME": "three"})
    assert [function.alias() for function in functions] == ["3", "3", "2"]
    summary = outcome.stderr.rpartition("1 of 3 functions failed")[2]
    assert "Those that failed run what they ran before" in summary
    assert "heroku run -e _LAMBDA_FUNCTION_ARN=NAME -- deploy rollback" in summary
    refused = deploy(slug, "rollback", env=env)
    assert refused.status == 2
    assert f"live on {first.name}, {second.name}; on {failing.name}." in refused.stderr
    assert "Nothing was changed." in refused.stderr
    assert (
        deploy(slug, "rollback", env={**env, **settings([first, second], _LAMBDA_ALIAS="live")}).status == 0
    )
    assert [function.alias() for function in functions] == ["2", "2", "2"]


def test_if_all_fail_nothing_was_changed(slug: Path, functions: list[Function]) -> None:
    """And the last lines say so."""
    outcome = deploy(slug, "rollback", "9.9.9", env=settings(functions, _LAMBDA_ALIAS="live"))
    assert outcome.status == 1
    assert outcome.stderr.rstrip().endswith("Nothing was changed.")


def test_an_end_in_the_middle_shows_what_became_of_each(slug: Path, functions: list[Function]) -> None:
    """A table for people and a list for programs; what to do stands behind the lines of the functions."""
    first, second, _ = functions
    env = settings([first, second], _LAMBDA_ALIAS="live", _LAMBDA_VERIFY_PAYLOAD="{}")

    def end(_payload: object, version: str) -> object:
        while first.alias() != version:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)  # the signal is on its way
        return "too late"

    first.aws.answers(second, end)
    outcome = deploy(slug, env={**env, "NAME": "one"})
    assert outcome.status == 1
    assert {name: cells[-1] for name, cells in rows(outcome).items()} == {
        first.name: "deployed",
        second.name: "interrupted",
    }
    assert f"{first.name}: The deploy itself is done" in outcome.stderr
    assert outcome.stderr.rstrip().endswith(" !\n !     Run deploy again.")
    done, interrupted = documents(deploy(slug, "--json", env={**env, "NAME": "two"}))
    assert done["version"] == "2"
    assert interrupted["error"]["what"] == "Interrupted by SIGINT."
    assert "the alias was not moved" in interrupted["error"]["left"]


def test_a_plan_tells_which_would_change(slug: Path, functions: list[Function]) -> None:
    """Status 3 by --exit-code if one of them would, and no call that changes anything."""
    first, *others = functions
    env = settings(functions, NAME="same")
    assert deploy(slug, env=settings(others, NAME="same")).status == 0
    outcome = deploy(slug, "plan", "--exit-code", env=env)
    assert outcome.status == 3
    assert rows(outcome)[first.name][2] == "would take 1 step"
    assert {rows(outcome)[other.name][2] for other in others} == {"would do nothing"}
    status = rows(deploy(slug, "status", env=env), "now", "outcome")
    assert status[first.name][1] == "a deploy would change it"
    assert len({cells[0] for cells in status.values()}) == 2
    assert deploy(slug, env=env).status == 0
    assert deploy(slug, "plan", "--exit-code", env=env).status == 0


def test_doctor_tells_for_each_what_is_missing(slug: Path, functions: list[Function]) -> None:
    """The app is checked once; the policy names all functions in the same statements."""
    env = settings(functions)
    outcome = deploy(slug, "doctor", env=env)
    assert outcome.status == 0, outcome.stderr
    assert outcome.stdout.count("base: ") == 1
    told = rows(outcome, "outcome").values()
    assert all(cells[-1].startswith("A deploy should work") for cells in told)
    policy = json.loads(deploy(slug, "doctor", "--policy", env=env).stdout)
    upload = next(each for each in policy["Statement"] if "lambda:UpdateFunctionCode" in each["Action"])
    assert upload["Resource"] == [function.arn for function in functions]


@pytest.mark.parametrize("command", ["doctor", "status", "plan"])
def test_the_lines_of_a_function_stand_together(slug: Path, functions: list[Function], command: str) -> None:
    """What is only read is shown function by function, whichever is ready first."""
    lines = deploy(slug, command, env=settings(functions, _LAMBDA_ALIAS="live")).stdout.splitlines()
    named = [re.sub(r"^(-----> | +)", "", line).partition(": ")[0] for line in lines]
    told = [name for name, _ in itertools.groupby(named) if name in {function.name for function in functions}]
    assert sorted(told) == sorted(function.name for function in functions)


def test_a_plan_shows_versions_beside_versions(slug: Path, functions: list[Function]) -> None:
    """One that is there, by its number, or a new one; digests without an alias."""
    first = functions[0]
    env = settings(functions, _LAMBDA_ALIAS="live", NAME="one")
    assert deploy(slug, env=settings([first], _LAMBDA_ALIAS="live", NAME="one")).status == 0
    planned = rows(deploy(slug, "plan", env=env))
    assert planned[first.name][:2] == ["1", "1"]
    assert {tuple(planned[other.name][:2]) for other in functions[1:]} == {("-", "a new one")}
    client = first.aws.client()
    client.update_alias(FunctionName=first.name, Name="live", FunctionVersion="$LATEST")
    assert rows(deploy(slug, "plan", env=env))[first.name][:2] == ["$LATEST", "1"]
    plain = rows(deploy(slug, "plan", env=settings(functions, NAME="two")))
    assert all(len(cell) == 8 for cells in plain.values() for cell in cells[:2])


def test_the_same_function_twice_is_a_mistake(slug: Path, functions: list[Function]) -> None:
    """Two deploys would race for it."""
    outcome = deploy(slug, env=settings(functions, functions[0].name, _AWS_DEFAULT_REGION="eu-west-1"))
    assert outcome.status == 2
    assert f"_LAMBDA_FUNCTION_ARN names {functions[0].name} twice" in outcome.stderr

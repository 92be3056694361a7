"""Traffic shifting by CodeDeploy: what a deploy, a status and a rollback make of a shift."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from codedeploy import Group
from embedded_aws import Function
from examination import printed_policy
from in_process import deploy as run
from releases import ALIAS, EXPECT, Deploy, answered, operations

SHIFT = {**ALIAS, "_LAMBDA_SHIFT": "Canary10Percent5Minutes"}
SLOWLY = {**ALIAS, "_LAMBDA_SHIFT": "Slowly"}  # 25 percent every 10 minutes
HOOKS = {**SHIFT, "_LAMBDA_HOOK_BEFORE": "CodeDeployHook_b", "_LAMBDA_HOOK_AFTER": "CodeDeployHook_a"}
RELEASE = {"HEROKU_APP_NAME": "my-app"}


@pytest.fixture
def group(function: Function) -> Iterator[Group]:
    """Create CodeDeploy's application and group."""
    yield function.aws.deployments.create_group(function.name)
    function.aws.deployments.reset()


@pytest.fixture
def live(deployed: Deploy, group: Group) -> Deploy:
    """Give what deploys, after a first deploy of release v1."""
    assert group.platform == "Lambda"
    deployed(NAME="canary 1", **SHIFT, **release(1))
    return deployed


def release(number: int) -> dict[str, str]:
    return {**RELEASE, "HEROKU_RELEASE_VERSION": f"v{number}"}


def description(function: Function) -> str:
    return function.client.get_alias(FunctionName=function.name, Name="live")["Description"]


def weights(function: Function) -> dict[str, float]:
    alias = function.client.get_alias(FunctionName=function.name, Name="live")
    return alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def begin(function: Function, deployed: Deploy, name: str = "canary 2", **settings: str) -> str:
    """Begin a shift that nobody follows, and let no more time pass; return the deployment's ID."""
    deployed("--no-wait", NAME=name, **{**SLOWLY, **settings})
    function.aws.deployments.pace = 0
    return function.aws.deployments.of(function.name)[-1].id


# --- deploys ---------------------------------------------------------------------------------------


def test_the_first_deploy_creates_the_alias_and_the_next_one_shifts(function: Function, live: Deploy) -> None:
    """A line for each phase, the outcome, and a record of the release; then there is nothing to do."""
    assert function.aws.deployments.of(function.name) == []
    outcome = live(NAME="canary 2", **SHIFT, **release(2))
    assert "Shifting live from version 1 to version 2 (CodeDeployDefault.LambdaCanary10" in outcome.stdout
    assert outcome.stdout.count("Version 2 gets 10% of the traffic; all of it in about 5 minutes") == 1
    assert ": live 1 → 2 (config changed, code unchanged)\n" in outcome.stdout
    assert (function.alias(), weights(function)) == ("2", {})
    assert description(function) == "[previous version: 1] [release: my-app v2]"
    (shift,) = function.aws.deployments.of(function.name)
    assert shift.asked["autoRollbackConfiguration"]["enabled"]
    assert "overrideAlarmConfiguration" not in shift.asked
    again = live(NAME="canary 2", **SHIFT, **release(2))
    assert "Nothing to do" in again.stdout


def test_a_version_that_fails_its_verification_gets_no_traffic(function: Function, live: Deploy) -> None:
    """Our own verification stays in front of the shift."""
    settings = {**EXPECT, **SHIFT}
    assert "does not match" in live(status=1, NAME="canary 2", **settings).stderr
    assert function.aws.deployments.of(function.name) == []
    answered(function)
    live(NAME="canary 2", **settings)
    assert function.alias() == "2"


def test_hooks_are_part_of_it_and_are_reported(function: Function, live: Deploy) -> None:
    """Before the traffic and after it."""
    for name in ("CodeDeployHook_b", "CodeDeployHook_a"):
        function.aws.deployments.hooks[name] = lambda _deployment: "Succeeded"
    stdout = live(NAME="canary 2", **HOOKS).stdout
    lines = [
        "BeforeAllowTraffic: CodeDeployHook_b has passed",
        "Version 2 gets 10% of the traffic",
        "AfterAllowTraffic: CodeDeployHook_a has passed",
    ]
    assert sorted(map(stdout.index, lines)) == [stdout.index(line) for line in lines]


@pytest.mark.parametrize("event", ["b", "a"])
@pytest.mark.parametrize(("reported", "why"), [("Failed", "reported Failed"), (None, "within an hour")])
def test_a_hook_that_fails_takes_the_traffic_back(
    function: Function, live: Deploy, event: str, reported: str | None, why: str
) -> None:
    """Also one that never reports; the error names it, with CodeDeploy's message."""
    hooks = function.aws.deployments.hooks
    hooks.update({f"CodeDeployHook_{name}": lambda _deployment: "Succeeded" for name in "ab"})
    hooks[f"CodeDeployHook_{event}"] = lambda _deployment: reported
    function.aws.deployments.pace = 600
    outcome = live(status=1, NAME="canary 2", **HOOKS, **release(2))
    assert "The shift of live to version 2 failed (d-" in outcome.stderr
    assert f"The hook CodeDeployHook_{event} (" in outcome.stderr
    assert why in outcome.stderr
    assert "All traffic of live goes to version 1." in outcome.stderr
    assert (function.alias(), weights(function)) == ("1", {})
    assert description(function) == "[release: my-app v1] [shift: 1 to 2, my-app v2]"
    shown = live("status", NAME="canary 2", **HOOKS).stdout
    assert "the last one, version 1 to 2, did not get there" in shown


def test_an_alarm_takes_the_traffic_back_and_can_be_ignored(
    function: Function, group: Group, live: Deploy
) -> None:
    """It is named; an old one would block the very fix."""
    group.alarms, group.alarms_on = ("too-many-errors",), {"too-many-errors"}
    outcome = live(status=1, NAME="canary 2", **SHIFT)
    assert "Activated alarms: too-many-errors" in outcome.stderr
    assert "`deploy --ignore-alarms`" in outcome.stderr
    assert function.alias() == "1"
    live("--ignore-alarms", NAME="canary 2", **SHIFT)
    assert function.alias() == "2"


def test_an_alarm_after_the_traffic_has_shifted_takes_it_back(
    function: Function, group: Group, live: Deploy
) -> None:
    """CodeDeploy rolls back by another deployment, and the deploy waits for it."""
    group.alarms = ("too-many-errors",)
    hooks = function.aws.deployments.hooks
    hooks["CodeDeployHook_b"] = lambda _deployment: "Succeeded"
    hooks["CodeDeployHook_a"] = lambda _deployment: group.alarms_on.add("too-many-errors")
    outcome = live(status=1, NAME="canary 2", **HOOKS)
    assert "CodeDeploy rolls it back (d-" in outcome.stdout
    assert "All traffic of live goes to version 1." in outcome.stderr
    assert (function.alias(), weights(function)) == ("1", {})


def test_now_moves_the_alias_at_once(function: Function, live: Deploy) -> None:
    """Without CodeDeploy, which is not even asked."""
    live("--now", NAME="canary 2", **SHIFT)
    assert function.alias() == "2"
    assert function.aws.deployments.of(function.name) == []


def test_a_shift_that_nobody_waits_for_goes_on(slug: Path, function: Function, live: Deploy) -> None:
    """The deploy ends once traffic shifts, and the next one, or the status, says how far it is."""
    outcome = live("--no-wait", NAME="canary 2", **SLOWLY, **release(2))
    assert "CodeDeploy carries on" in outcome.stdout
    assert (function.alias(), weights(function)) == ("1", {"2": 0.25})
    function.aws.deployments.pace = 0
    settings = {"NAME": "canary 2", **SLOWLY, **release(2)}
    status = live("status", **settings).stdout
    assert "version 1 to 2 (AllowTraffic): 25% of the traffic so far" in status
    assert "as soon as the shift has come to its end" in status
    document = run(slug, "status", "--json", env={**function.aws.settings(function), **settings})
    shown = json.loads(document.stdout)["shift"]
    assert (shown["from"], shown["to"], shown["weight"]) == ("1", "2", 0.25)
    function.aws.deployments.advance(4000)
    assert "Nothing to do" in live(NAME="canary 2", **SLOWLY, **release(2)).stdout
    assert function.alias() == "2"


# --- shifts under way -----------------------------------------------------------------------------


def test_a_second_deploy_of_the_same_follows_the_shift(function: Function, live: Deploy) -> None:
    """The first one may have died."""
    begin(function, live, **release(2))
    function.aws.deployments.pace = 120
    outcome = live(NAME="canary 2", **SLOWLY, **release(2))
    assert "Following a shift of live that is under way (d-" in outcome.stdout
    assert ": live 1 → 2 (" in outcome.stdout
    assert description(function) == "[previous version: 1] [release: my-app v2]"
    assert len(function.aws.deployments.of(function.name)) == 1


def test_a_new_release_waits_for_a_shift(function: Function, live: Deploy) -> None:
    """And then shifts from where that one has brought the alias."""
    begin(function, live, **release(2))
    function.aws.deployments.pace = 120
    outcome = live(NAME="canary 3", **SLOWLY, **release(3))
    assert "Waiting for a shift of live that is under way" in outcome.stdout
    assert "Shifting live from version 2 to version 3" in outcome.stdout
    assert description(function) == "[previous version: 2] [release: my-app v3]"


def test_a_new_release_by_force_stops_a_shift(function: Function, live: Deploy) -> None:
    """All traffic goes back first, and then it shifts from there."""
    begin(function, live)
    function.aws.deployments.pace = 120
    outcome = live("--force", NAME="canary 3", **SLOWLY)
    assert "Stopping the shift of live" in outcome.stdout
    assert "Shifting live from version 1 to version 3" in outcome.stdout
    assert function.alias() == "3"


def test_an_older_release_does_not_come_between(function: Function, live: Deploy) -> None:
    """The release that is being shifted counts as live, whoever finishes the shift."""
    begin(function, live, **release(3))
    for _ in range(2):
        function.aws.deployments.advance(4000)
        older = live("plan", NAME="canary old", **SLOWLY, **release(2))
        assert "A deploy would be skipped" in older.stdout


def test_a_release_whose_shift_has_failed_is_not_live(function: Function, group: Group, live: Deploy) -> None:
    """CodeDeploy has taken it back while nobody looked: what counts is the release that has the traffic."""
    begin(function, live, **release(3))
    group.alarms, group.alarms_on = ("alarm",), {"alarm"}
    function.aws.deployments.advance(600)
    assert function.alias() == "1"
    group.alarms_on = set()
    assert "did not get there" in live("status", NAME="canary 2", **SLOWLY).stdout
    function.aws.deployments.pace = 120
    live(NAME="canary 4", **SLOWLY, **release(2))
    assert description(function) == "[previous version: 1] [release: my-app v2]"


@pytest.mark.parametrize("wipes", [False, True])
def test_the_record_holds_whatever_codedeploy_leaves_of_it(
    function: Function, live: Deploy, wipes: bool
) -> None:
    """A deploy that follows the shift to its end records the release in each case."""
    function.aws.deployments.wipes_descriptions = wipes
    live(NAME="canary 2", **SHIFT, **release(2))
    assert description(function) == "[previous version: 1] [release: my-app v2]"


def test_an_alias_is_not_moved_under_a_shift_that_it_does_not_record(
    function: Function, live: Deploy
) -> None:
    """Somebody else has begun it, and neither a weight nor the description hints at it yet."""
    hook = "CodeDeployHook_b"
    function.aws.deployments.hooks[hook] = lambda _deployment: "Succeeded"
    begin(function, live, _LAMBDA_HOOK_BEFORE=hook)
    function.client.update_alias(FunctionName=function.name, Name="live", Description="", RoutingConfig={})
    error = live("--now", status=1, NAME="canary 3", **SLOWLY).stderr
    assert "CodeDeploy is shifting live (d-" in error
    assert function.alias() == "1"


# --- rollback -------------------------------------------------------------------------------------


def test_a_rollback_stops_a_shift(function: Function, live: Deploy) -> None:
    """And waits until the alias is whole; a second one goes no version too far."""
    live("--now", NAME="canary 2", **SLOWLY)
    begin(function, live, "canary 3")
    assert "There is no version 99" in live("rollback", "99", status=2, **SLOWLY).stderr
    function.aws.deployments.pace = 60
    outcome = live("rollback", **SLOWLY)
    assert "All traffic goes to version 2" in outcome.stdout
    assert "live is version 2, and the shift to version 3 was stopped" in outcome.stdout
    for again in ((), ("--now",), ("--force",)):
        outcome = live("rollback", *again, **SLOWLY)
        assert "Nothing to do: live is version 2 already" in outcome.stdout
        assert "to version 3, did not get there; `deploy rollback 1` goes" in outcome.stdout
    assert (function.alias(), weights(function)) == ("2", {})
    live("rollback", "1", "--now", **SLOWLY)
    assert description(function) == "[previous version: 2] [release: my-app v1]"


def test_the_shift_of_a_rollback_is_not_undone_by_what_is_said_of_it(
    function: Function, group: Group, live: Deploy
) -> None:
    """Status and errors name what goes back; its version named follows it, a failure repeats it."""
    live("--now", NAME="canary 2", **SLOWLY)
    begun = live("rollback", "--no-wait", **SLOWLY).stdout
    assert "CodeDeploy shifts live to version 1, away from version 2" in begun
    function.aws.deployments.pace = 0
    assert "nothing needs to be run" in live("status", NAME="canary 2", **SLOWLY).stdout
    group.alarms, group.alarms_on = ("alarm",), {"alarm"}
    function.aws.deployments.pace = 120
    error = live("rollback", "1", status=1, **SLOWLY).stderr
    assert "`deploy rollback --now` goes back at once" in error
    assert "`deploy rollback --ignore-alarms` shifts back" in error
    live("rollback", "--ignore-alarms", **SLOWLY)
    assert description(function) == "[previous version: 2] [release: my-app v1]"


def test_a_shift_is_not_overlooked_without_the_setting(function: Function, live: Deploy) -> None:
    """What is said then is to set it again, and not to move the alias under the shift."""
    begin(function, live)
    for command in ((), ("plan",), ("rollback",)):
        error = live(*command, status=1, NAME="canary 3", **ALIAS).stderr
        assert "CodeDeploy is shifting it, version 1 to 2" in error
        assert "Set _LAMBDA_SHIFT again" in error
        assert "--force" not in error
    assert "set _LAMBDA_SHIFT again" in live("status", NAME="canary 3", **ALIAS).stdout


def test_a_rollback_shifts_unless_it_is_to_be_now(function: Function, live: Deploy) -> None:
    """Back and forth."""
    live(NAME="canary 2", **SHIFT)
    assert "Shifting live from version 2 to version 1" in live("rollback", **SHIFT).stdout
    assert function.alias() == "1"
    live("rollback", "--now", **SHIFT)
    assert function.alias() == "2"
    assert len(function.aws.deployments.of(function.name)) == 2


def test_weights_without_a_deployment_are_explained_and_removed_by_force(
    slug: Path, function: Function, live: Deploy
) -> None:
    """A deployment that was stopped without a rollback leaves them, and each later one would fail."""
    shift = begin(function, live)
    function.aws.deployments.stop(shift)
    function.aws.deployments.pace = 120
    for command in ((), ("rollback",)):
        error = live(*command, status=1, NAME="canary 2", **SLOWLY).stderr
        assert "stopped without a rollback leaves such weights" in error
    assert "none is under way" in live("status", NAME="canary 2", **SLOWLY).stdout
    examined = run(slug, "doctor", env={**function.aws.settings(function), **SLOWLY})
    assert (examined.status, "stopped without a rollback" in examined.stdout) == (1, True)
    live("rollback", "--force", **SLOWLY)
    assert (function.alias(), weights(function)) == ("1", {})
    begin(function, live)
    function.aws.deployments.stop(function.aws.deployments.of(function.name)[-1].id)
    function.aws.deployments.pace = 120
    live("--force", NAME="canary 2", **SLOWLY)
    assert (function.alias(), weights(function)) == ("2", {})


# --- what is missing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"_LAMBDA_CODEDEPLOY": "nothing/live"}, "There is no CodeDeploy application nothing"),
        ({"_LAMBDA_CODEDEPLOY": "{name}/other"}, "There is no deployment group other"),
        ({"_LAMBDA_SHIFT": "MyOwn"}, "There is no deployment config MyOwn"),
        ({"_LAMBDA_CODEDEPLOY": "servers/live"}, "is for Server, and not for Lambda"),
    ],
)
def test_what_is_missing_is_found_before_anything_is_changed(
    slug: Path, function: Function, live: Deploy, settings: dict[str, str], expected: str
) -> None:
    """By plan, by doctor and by the deploy itself."""
    function.aws.deployments.create_group("servers", platform="Server")
    wrong = {**SHIFT, **settings}
    for command in (("plan",), ()):
        assert expected in live(*command, status=2, NAME="canary 2", **wrong).stderr
    examined = run(slug, "doctor", env={**function.aws.settings(function), **wrong})
    assert (examined.status, expected in examined.stdout) == (2, True)
    assert function.versions() == ["1"]


def test_a_first_deploy_finds_that_the_group_is_missing(function: Function, deployed: Deploy) -> None:
    """Which the second one needs; one that shifts nothing at all does not look."""
    for command in (("plan",), ()):
        error = deployed(*command, status=2, NAME="canary", **SHIFT).stderr
        assert f"There is no CodeDeploy application {function.name}" in error
    deployed("--now", NAME="canary", **SHIFT)
    assert function.alias() == "1"


def test_a_plan_shows_the_shift_and_its_calls_change_nothing(function: Function, live: Deploy) -> None:
    """With the group, the config and the hooks; and while one is under way, that a deploy waits for it."""
    plan = live("plan", NAME="canary 2", **HOOKS).stdout
    assert (
        f"shift the alias live to it, away from version 1, by CodeDeploy ({function.name}/live, "
        "CodeDeployDefault.LambdaCanary10Percent5Minutes, with CodeDeployHook_b and CodeDeployHook_a)"
    ) in plan
    begin(function, live)
    assert "wait until CodeDeploy has shifted live (d-" in live("plan", NAME="canary 3", **SLOWLY).stdout
    assert "follow the shift of live to version 2" in live("plan", NAME="canary 2", **SLOWLY).stdout
    assert "UpdateAlias" not in operations(function)[-4:]


def test_the_printed_policy_is_enough_and_each_permission_needed(
    slug: Path, function: Function, live: Deploy
) -> None:
    """For a shift, a status and a rollback that stops one; without it the missing permission is named."""
    aws = function.aws
    settings = {**aws.settings(function), **SLOWLY}
    aws.policy = printed_policy(slug, settings)
    shift = begin(function, live)
    assert shift in live("status", NAME="canary 2", **SLOWLY).stdout
    aws.deployments.pace = 60
    live("rollback", **SLOWLY)
    aws.deployments.pace = 600
    live(NAME="canary 2", **SLOWLY)
    for action in ("CreateDeployment", "GetDeployment", "GetDeploymentGroup", "ListDeploymentTargets"):
        aws.denied = {f"codedeploy:{action}"}
        refused = live(status=1, NAME=f"canary {action}", **SLOWLY)
        assert f"The deployer lacks the permission codedeploy:{action}" in refused.stderr
        aws.denied = set()
        aws.deployments.advance(6000)
    doctor = run(slug, "doctor", env={**settings, "NAME": "canary 3"})
    assert "ok       codedeploy:GetDeploymentGroup: " in doctor.stdout, doctor
    assert "ok       shift: " in doctor.stdout

"""Fleets for two accounts in one process: no call of one carries the credentials of the other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.cancel import Cancellation
from deploy.fleet.apply import plan_fleet
from deploy.fleet.definition import Definition, Wanted
from deploy.fleet.survey import Fleet
from deploy.output import Report
from deploy.target.fleet import read_fleet
from deploy.target.version import parse_name
from deploy.terminal import Console
from fleets import CONFIG, SOURCE_CONFIG, FleetOfTests, release

FIRST, SECOND = "222222222222", "555555555555"


def check_credentials(fleet: FleetOfTests, slugs: tuple[Path, Path], *, starts: int) -> None:
    """Start fleets at once in this process, for two accounts with functions of the same names.

    Each looks for a promotion from a lower account of its own, by a role there.
    """
    aws, prefix, lower = fleet.aws, fleet.prefix, {FIRST: "333333333333", SECOND: "444444444444"}
    keys, roles = {account: aws.root(account) for account in lower}, {}
    for account, source in lower.items():
        roles[account] = aws.create_role(f"of-{account}", account=source)
        here, there = (aws.create_function(f"{prefix}orders", account=each) for each in (account, source))
        release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
        release(slugs[1], there, "1.1.0", SOURCE_CONFIG)
    start, barrier = len(aws.calls), threading.Barrier(starts)
    wanted = Wanted(f"{prefix}orders", parse_name("1.1.0"))

    def plan(number: int) -> str:
        account = (FIRST, SECOND)[number % 2]
        variables = {
            "_LAMBDA_FLEET_PREFIX": prefix,
            "_LAMBDA_ALIAS": "live",
            "_LAMBDA_SOURCE_ROLE_ARN": roles[account],
            "_LAMBDA_MAX_CALLS_PER_SECOND": "999999",
            "_AWS_DEFAULT_REGION": "eu-west-1",
            "_AWS_ACCESS_KEY_ID": keys[account].access_key,
            "_AWS_SECRET_ACCESS_KEY": keys[account].secret_key,
            "_AWS_ENDPOINT_URL": aws.url,
            # In a header of each call: whose it is, whatever key it carries.
            "_AWS_SDK_UA_APP_ID": account,
        }
        barrier.wait()
        fleet = Fleet(Definition((wanted,)), read_fleet(variables, [wanted.name]), Cancellation())
        (outcome,) = plan_fleet(fleet, Report(Console(None, None)), Cancellation())
        return str(outcome.error or (outcome.plan and outcome.plan.action))

    with ThreadPoolExecutor(starts) as pool:
        assert list(pool.map(plan, range(starts))) == ["promote"] * starts
    calls = [call for call in aws.calls[start:] if call.service in {"lambda", "sts"}]
    assert len(calls) > 6 * starts
    for call in calls:
        (account,) = (each for each in lower if f"app/{each}" in call.headers["user-agent"])
        is_source = call.function.get("account") == lower[account]
        assert call.function.get("account", "") in {"", lower[account]}
        assert aws.account_of(call) == (lower[account] if is_source else account)

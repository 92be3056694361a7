"""What is shown at the end of a fleet."""

import io

from deploy.errors import DeployError
from deploy.fleet.apply import Outcome
from deploy.fleet.definition import Wanted
from deploy.fleet.failure import fail
from deploy.fleet.plan import FunctionPlan
from deploy.fleet.summary import show_outcomes
from deploy.output import Report
from deploy.target.version import parse_name
from deploy.terminal import Console

ORDERS, MAIL = (Wanted(name, parse_name("1.1.0")) for name in ("orders", "mail"))


class Terminal(io.StringIO):
    """What shows the board, which is gone at the end."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_a_terminal_shows_at_the_end_what_was_planned() -> None:
    """Where the config comes from stands nowhere else there; a log has the lines of each function."""
    planned = [
        Outcome(ORDERS, 0.1, FunctionPlan(ORDERS, "move", None, "7", is_verified=True)),
        Outcome(MAIL, 0.1, FunctionPlan(MAIL, "nothing", None, "3")),
    ]
    for stream, is_shown in ((Terminal(), True), (io.StringIO(), False)):
        show_outcomes(planned, Report(Console(stream, stream)), is_plan=True)
        line = "       orders: move to 1.1.0, version 7 here, verified\n"
        assert (line in stream.getvalue()) is is_shown
        assert "mail: nothing to do" not in stream.getvalue()


def test_a_failure_that_all_have_is_told_once() -> None:
    """CodePipeline takes a message of limited length."""
    refused = DeployError("The role was refused.", why="It asks for another _LAMBDA_SOURCE_EXTERNAL_ID.")
    _, message = fail([Outcome(wanted, 0.1, error=refused) for wanted in (ORDERS, MAIL)])
    assert "orders, mail: The role was refused. It asks for another source_external_id." in message
    assert message.count("refused") == 1

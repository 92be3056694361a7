"""What the command `lambda-deploy` of an installed package runs: it starts deploy/__main__.py isolated.

The wheel has the package as lambda_deploy/deploy, so no other package's top-level `deploy` is in its way, nor
it in theirs. The interpreter starts again because what PYTHONPATH, PYTHONSTARTUP and the like change can't be
undone later.
"""

import os
import sys


def main() -> None:
    """Replace this process by one that neither the working folder nor PYTHON… variables have a say in."""
    if os.environ.get("LC_CTYPE") == "C.UTF-8":
        # Python itself exports it if it finds no locale but C; the launcher of a slug leaves this note, too.
        os.environ.setdefault("_DEPLOY_SET_LC_CTYPE", "C.UTF-8")
    program = os.path.join(os.path.dirname(os.path.realpath(__file__)), "__main__.py")  # noqa: PTH118, PTH120
    os.execv(sys.executable, [sys.executable, "-I", "-X", "utf8", program, *sys.argv[1:]])  # noqa: S606

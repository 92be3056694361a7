"""Runs pip for another Python than its own: `python -I pip_runner.py`, with a job in JSON on stdin.

pip takes the platform and the version to install for from its options, but evaluates environment markers for
its own interpreter (https://github.com/pypa/pip/issues/11664). So the job holds the values of the markers and
the arguments of pip.

Any Python on the machine may be asked whether it has a pip: there is no syntax here that is newer than Python
3.6, and nothing of this package.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

NO_PIP = 77  # the exit status of a Python without a pip that can be used


def main(markers: "dict[str, str]", arguments: "list[str]", wheel: "str | None" = None) -> int:
    """Run pip with these values of environment markers and return its exit status.

    It is the pip of a wheel, if that is named, or else any that this Python has.
    """
    found = find(wheel)
    if found is None:
        return NO_PIP
    run, module = found
    module.default_environment = lambda: dict(markers)
    return int(run(arguments))


def find(wheel: "str | None") -> "tuple[Callable[[list[str]], int], Any] | None":
    """Return what runs pip, and pip's module of markers: of the wheel, or of any that is there."""
    library = Path(json.__file__).parent.parent
    folders = (library / "ensurepip" / "_bundled", Path("/usr/share/python-wheels"))
    bundled = [str(path) for folder in folders for path in sorted(folder.glob("pip-*.whl"))]
    for each in [wheel] if wheel else [None, *bundled]:
        if each:
            sys.path.insert(0, each)
        try:
            from pip._internal.cli.main import main as run
            from pip._vendor.packaging import markers
        except Exception:  # noqa: BLE001, S112 - it may be broken in any way
            continue
        if hasattr(markers, "default_environment"):
            return run, markers
    return None


if __name__ == "__main__":
    job = json.load(sys.stdin)
    sys.exit(main(job["markers"], job["arguments"], job["wheel"]))

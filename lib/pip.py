"""Downloads pip where an image has none: pip.py <folder> prints the path of its wheel, or what went wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the buildpack's folder is not ours
sys.path.append(str(Path(__file__).parents[1]))

from deploy.build.python.pip_wheel import DownloadError, download  # noqa: E402 - after the path was set

if __name__ == "__main__":
    try:
        print(download(Path(sys.argv[1]), os.environ))
    except DownloadError as error:
        sys.exit(str(error))

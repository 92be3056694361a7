"""Entry point: `.lambda-deploy/bin/deploy` runs this file with an isolated interpreter."""

import sys
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent

if __package__ in {None, ""}:
    # Started as a file by `python -I`, which puts nothing on the path: neither the app's folder,
    # whose `json.py` or `boto3/` would otherwise be ours, nor this one.
    sys.path.insert(0, str(RUNTIME))

from deploy.cli import main  # noqa: E402

if __name__ == "__main__":
    try:
        # The runtime lies at <slug>/.lambda-deploy/runtime, wherever the slug was moved to.
        sys.exit(main(sys.argv[1:], slug=RUNTIME.parent.parent))
    except KeyboardInterrupt:
        sys.exit(" !     Interrupted by SIGINT. Nothing was changed.")

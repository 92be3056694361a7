"""The README's transcript: plan and deploy of a config change, run against the AWS of the tests."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from command import make_slug
from embedded_aws import EmbeddedAWS
from in_process import deploy

DEPLOYS = 4  # before the one that is shown


def transcript(seconds: float) -> str:
    """Return eight lines. A deploy of that app takes no time, so it shows what the bench measured."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedAWS() as aws:
        slug = make_slug(Path(folder))
        env = {**aws.settings(aws.create_function("my-function")), "_LAMBDA_ALIAS": "live"}
        for number in range(DEPLOYS):
            deploy(slug, env={**env, "GREETING": str(number)})
        plan = deploy(slug, "plan", env={**env, "GREETING": "Hello"}).stdout.splitlines()
        last = deploy(slug, env={**env, "GREETING": "Hello"}).stdout.splitlines()[-1]
    shown = (
        "$ heroku run deploy plan",
        "…",
        *plan[plan.index("-----> Config") :],
        "$ heroku run deploy",
        "…",
        re.sub(r" in [0-9.]+ s:", f" in {seconds:.1f} s:", last),
    )
    return "```console\n" + "\n".join(shown) + "\n```"

"""Commands on several functions whose output is lost: what they have done is said nevertheless."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from command import command
from embedded_aws import EmbeddedAWS
from fleets import CONFIG, FleetOfTests, names_of, release
from paths import REPOSITORY


def _stderr(arguments: list[str], env: Mapping[str, str]) -> str:
    """Run a command whose stdout takes nothing."""
    full = Path("/dev/full").open("w")  # noqa: SIM115 - closed below
    with full:
        ended = subprocess.run(
            arguments,
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "DYNO": "run.1", **env},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "could not be written to stdout" in ended.stderr
    return ended.stderr


def test_what_was_done_is_said_without_a_document(aws: EmbeddedAWS, tmp_path: Path) -> None:
    """By a fleet's apply and by a deploy of several functions; that nothing was changed would be false."""
    fleet = FleetOfTests(aws, tmp_path)
    slug, first, second = fleet.slug("app"), fleet.function("first"), fleet.function("second")
    release(slug, first, "1.0.0", CONFIG)
    file = fleet.write({"first": "1.0.0"})
    applied = _stderr(command(fleet.folder, "fleet", "apply", str(file), "--json"), fleet.env)
    assert f"{first.name}: Done: version 1 is live." in applied
    assert names_of(first)["live"] == "1"
    env = {**aws.settings(first), "_LAMBDA_FUNCTION_ARN": f"{first.arn},{second.arn}", **CONFIG}
    deployed = _stderr(command(slug, "--json"), env)
    assert f"{second.name}: The deploy itself is done" in deployed
    for stderr in (applied, deployed):
        assert "Nothing was changed" not in stderr
    aws.reset()

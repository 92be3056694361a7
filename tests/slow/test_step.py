"""A run of the CodePipeline step, cut off at each call; the quick part is in tests/aws/test_step.py."""

from pathlib import Path

from embedded_aws import EmbeddedAWS
from fleets import FleetOfTests
from step_cuts import survive_cuts
from steps import StepOfTests


def test_a_run_may_be_cut_off_at_any_call(aws: EmbeddedAWS, tmp_path: Path) -> None:
    """What is live is complete, and the same event, which Lambda runs again, completes the job."""
    survive_cuts(StepOfTests(FleetOfTests(aws, tmp_path)), every=1)

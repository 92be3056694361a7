"""200 fleets that start at once; the quick part is in tests/aws/test_fleet_accounts.py."""

from pathlib import Path

from embedded_aws import EmbeddedAWS
from fleet_credentials import check_credentials
from fleets import FleetOfTests


def test_no_call_ever_carries_the_others_credentials(aws: EmbeddedAWS, tmp_path: Path) -> None:
    """For two accounts with functions of the same names, and their sources."""
    fleet = FleetOfTests(aws, tmp_path)
    check_credentials(fleet, (fleet.slug("one"), fleet.slug("two")), starts=200)

"""Files of a fleet's functions: each that is meant is read, and no other is waited for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.errors import InputError
from deploy.fleet.folder import find_files, match_files, read_payloads

NAMES = ("team-orders", "team-billing")


def test_a_file_belongs_to_the_function_of_its_name(tmp_path: Path) -> None:
    """Files of other functions do not matter if each of these has its own, nor do files of other kinds."""
    for name in ("team-orders.env", "team-billing.env", "team-mail.env", "README", ".env", "x.json"):
        (tmp_path / name).touch()
    assert find_files(tmp_path, NAMES, ".env") == {name: tmp_path / f"{name}.env" for name in NAMES}


@pytest.mark.parametrize(
    ("present", "wrong"),
    [
        ([], "No file in the folder x belongs"),
        (["orders.json"], "No file in the folder x belongs"),
        (["team-orders.json", "billing.json"], "no function in the fleet file: billing.json"),
        (["team-orders.json", "Team-Billing.json"], "no function in the fleet file: Team-Billing.json"),
    ],
)
def test_a_name_that_may_be_misspelt_is_refused(present: list[str], wrong: str) -> None:
    """Otherwise its function would go live without what the file says."""
    with pytest.raises(InputError, match=wrong):
        match_files(present, NAMES, ".json", "in the folder x")
    assert match_files(["team-orders.json"], NAMES, ".json", "") == {"team-orders": "team-orders.json"}


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (os.mkfifo, "is not a regular file"),
        (os.mkdir, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.symlink_to(path.parent / "nowhere"), "can't be read"),
        (lambda path: path.symlink_to(path), "can't be read"),
        (lambda path: path.write_bytes(b'"' + b"a" * 1024 * 1024 + b'"'), "larger than 1 MiB"),
        (lambda path: path.write_bytes(b'"\xff"'), "not JSON in UTF-8"),
        (lambda path: path.write_bytes(b"{"), "not JSON in UTF-8"),
    ],
    ids=["pipe", "folder", "device", "dangling link", "endless link", "large", "binary", "no JSON"],
)
def test_what_can_not_be_a_payload_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object], wrong: str
) -> None:
    """A pipe would be waited for, a device read without an end, and the version not be verified."""
    make(tmp_path / "team-orders.json")
    with pytest.raises(InputError, match=wrong):
        read_payloads(tmp_path, NAMES)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """Whatever is there instead."""
    (tmp_path / "file").touch()
    for name, wrong in (("file", "is not a folder"), ("none", "can't be read: No such file")):
        with pytest.raises(InputError, match=wrong):
            find_files(tmp_path / name, NAMES, ".env")

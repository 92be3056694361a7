"""The package: where config may be baked, and where secrets lie on the disk."""

import hashlib
import io
import os
import resource
import signal
import stat
import subprocess
import sys
import zipfile
from base64 import b64encode
from pathlib import Path

import pytest

from command import deploy, make_slug
from deploy.errors import DeployError, InputError
from deploy.formats import ConfigFile
from deploy.package import build, write


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base with a module in a folder."""
    path = tmp_path / "base.zip"
    names = (
        "index.js index.json package.json config/index.js native.node data/index.json lib/tool.js env.json"
    )
    with zipfile.ZipFile(path, "w") as file:
        for name in names.split():
            file.writestr(name, name)
    return path


def config_file(name: str) -> ConfigFile:
    return ConfigFile(name, b"canary")


def test_digest_and_sizes_are_those_of_the_file(base: Path) -> None:
    """CodeSha256 is the base64 of the SHA-256, as Lambda gives it."""
    with build(base, [config_file("env.properties")]) as package:
        package.file.seek(0)
        content = package.file.read()
        assert package.code_sha256 == b64encode(hashlib.sha256(content).digest()).decode()
        assert package.size == len(content)
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            assert package.unzipped_size == sum(info.file_size for info in file.infolist())


def test_the_temporary_file_has_no_name_and_is_private(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other user can open it, and nothing is left even by SIGKILL."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with build(base, [config_file("env.properties")]) as package:
        assert list(folder.iterdir()) == []
        status = os.fstat(package.file.fileno())
        assert status.st_nlink == 0
        assert stat.S_IMODE(status.st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("index.json", "has a file of this name"),
        ("package.json", "has a file of this name"),
        ("lib/package.json", "would tell Node.js about the modules"),
        ("config.json", "would find it in place of config/index.js"),
        ("native.json", "would find it in place of native.node"),
        ("data.json", "would find it in place of data/index.json"),
        ("lib", "has a folder of this name"),
        ("index.js/env.json", "index.js is a file"),
    ],
)
def test_config_never_takes_the_place_of_code(base: Path, name: str, why: str) -> None:
    """The message names the file and another name for it, and nothing is written."""
    with pytest.raises(InputError, match=why) as caught, build(base, [config_file(name)]):
        pass
    assert name in caught.value.what
    assert "_LAMBDA_CONFIG_FILES" in caught.value.todo


@pytest.mark.parametrize("name", ["env.json", "lib/env.json", "lib.json", "config.sh"])
def test_config_may_stand_beside_code_and_replace_an_older_env_file(base: Path, name: str) -> None:
    """A folder without a module in it is not shadowed, and env.json is an earlier bake."""
    with build(base, [config_file(name)]) as package, zipfile.ZipFile(package.file) as file:
        assert file.read(name) == b"canary"
        assert file.namelist().count(name) == 1


def test_a_missing_base_is_explained(tmp_path: Path) -> None:
    """The slug was changed after the build."""
    with (
        pytest.raises(InputError, match=r"base\.zip, can't be read: No such file"),
        build(tmp_path / "base.zip", []),
    ):
        pass


def test_a_full_disk_is_explained(base: Path) -> None:
    """RLIMIT_FSIZE stands for it: the write fails in the middle, and the message says where and why."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
        with pytest.raises(DeployError, match="no room left in the temporary folder"), build(base, []):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_errors_of_the_caller_are_not_taken_for_the_disks(base: Path) -> None:
    """A broken network is an OSError too, but no fault of the package."""
    with pytest.raises(ConnectionResetError), build(base, []):
        raise ConnectionResetError


def test_a_written_package_is_private_and_whole_or_not_there(base: Path, tmp_path: Path) -> None:
    """0600 whatever the umask; an older file stays until the new one is whole."""
    target = tmp_path / "out" / "package.zip"
    with pytest.raises(DeployError, match="can't be written to"):
        write(base, [], target)
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(InputError):
        write(base, [config_file("config.json")], target)
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]
    write(base, [config_file("env.properties")], target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_the_command_writes_the_package_without_aws(tmp_path: Path) -> None:
    """`deploy package -o FILE` needs no credentials and no network, and prints no value."""
    slug = make_slug(tmp_path / "slug")
    target = tmp_path / "package.zip"
    result = deploy(
        slug, "package", "-o", target, env={"NAME": "canary", "_SECRET": "canary", "PORT": "5000"}
    )
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(target) as file:
        assert file.read("env.properties") == b"NAME=canary\n"
        assert file.namelist() == ["index.js", "package.json", "env.properties"]
    assert "canary" not in result.stdout + result.stderr
    assert result.stdout.endswith("It holds the config: keep it safe.\n")


def test_boto3_is_not_imported_where_aws_is_not_called(tmp_path: Path) -> None:
    """Its import takes longer than making a package."""
    slug = make_slug(tmp_path / "slug")
    program = (
        "import sys, pathlib, deploy.cli\n"
        f"slug = pathlib.Path({str(slug)!r})\n"
        f"assert deploy.cli.main(['package', '-o', {str(tmp_path / 'p.zip')!r}], slug=slug) == 0\n"
        "assert not {'boto3', 'botocore'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent.parent, check=True, env={})

"""The package: where config may be baked, and that no secret lies on a disk."""

import contextlib
import hashlib
import io
import resource
import signal
import stat
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import in_process
from buildpack import contents
from command import deploy, make_slug
from deploy.artifact.base import Base
from deploy.artifact.package import check_env_file, open_package, write
from deploy.config.formats import ConfigFile
from deploy.errors import DeployError, InputError

NAMES = (
    "först/index.js index.js index.json package.json config/index.js native.node data/index.json lib/tool.js "
    "env.json ./env.sh ./ folder.properties/x lib//env.sh ./other/index.js ./plain"
)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with a base that has a module in a folder."""
    folder = tmp_path / "app"
    folder.mkdir()
    with zipfile.ZipFile(folder / "base.zip", "w") as file:
        for name in NAMES.split():
            file.writestr(name, name)
    return folder


def base_of(app: Path) -> Base:
    """Describe the base as the build does, that far as a package asks for it."""
    content = (app / "base.zip").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Base("nodejs", "base.zip", digest, len(content), 0, 0, None, "1", None, None)


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow beyond 100 bytes, as on a full disk."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, old[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def config_file(name: str) -> ConfigFile:
    return ConfigFile(name, b"canary")


def test_digest_and_sizes_are_those_of_the_file(app: Path) -> None:
    """CodeSha256 is the base64 of the SHA-256, as Lambda gives it."""
    with open_package(app, base_of(app), [config_file("env.properties")]) as package:
        content = package.open().read()
        assert package.code_sha256 == b64encode(hashlib.sha256(content).digest()).decode()
        assert package.size == len(content)
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            assert package.unzipped_size == sum(info.file_size for info in file.infolist())


def test_a_package_is_written_nowhere(app: Path) -> None:
    """Where no file can be written it is read all the same: no disk ever holds its secrets."""
    with no_room(), open_package(app, base_of(app), [config_file("env.properties")]) as package:
        assert b"canary" in package.open().read()


def test_a_base_that_was_changed_since_the_build_is_refused(app: Path) -> None:
    """What is deployed is what was built: changed, damaged and missing are told apart."""
    base = base_of(app)
    content = (app / "base.zip").read_bytes()
    for changed in (content.replace(b"native.node", b"nature.node"), content + b"x", b""):
        (app / "base.zip").write_bytes(changed)
        with pytest.raises(InputError, match="is not what the build left there"), open_package(app, base, []):
            pass
    (app / "base.zip").unlink()
    with pytest.raises(InputError, match=r"can't be read: No such file"), open_package(app, base, []):
        pass


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
        ("först", "has a folder of this name"),
        ("folder.properties", "has a folder of this name"),
        ("env.sh", "has a file that is unpacked to the same place"),
        ("lib/env.sh", "has a file that is unpacked to the same place"),
        ("other.json", "would find it in place of other/index.js"),
        ("other", "has a folder of this name"),
        ("plain/env.json", "plain is a file"),
    ],
)
def test_config_never_takes_the_place_of_code(app: Path, name: str, why: str) -> None:
    """The message names the file and another name for it, and nothing is written."""
    with pytest.raises(InputError, match=why) as caught, open_package(app, base_of(app), [config_file(name)]):
        pass
    assert name in caught.value.what
    assert "_LAMBDA_CONFIG_FILES" in caught.value.todo
    assert f"for example {name}." not in caught.value.todo


@pytest.mark.parametrize(
    ("kind", "path", "is_refused"),
    [
        ("nodejs", "app/config/index.js", True),
        ("nodejs", "app/dist/config/index.js", False),
        ("other", "app/dist/config/index.js", True),
        ("nodejs", "app/secret.env", False),
        ("nodejs", "config/index.js", False),
        ("nodejs", "outside", True),
    ],
)
def test_the_file_of_the_config_is_not_deployed(
    app: Path, tmp_path: Path, kind: str, path: str, *, is_refused: bool
) -> None:
    """It holds the deployer's keys. A base of a folder has its files' paths in that folder."""
    (app / "config").mkdir()
    (app / "config/index.js").touch()
    (tmp_path / "outside").symlink_to("app/config/index.js")
    base = replace(base_of(app), kind=kind)
    with pytest.raises(InputError, match="is in the base") if is_refused else contextlib.nullcontext():
        check_env_file(app, base, tmp_path / path)


def test_an_env_file_in_the_app_is_refused_unless_it_is_ignored(tmp_path: Path) -> None:
    """By the command, with the way out; before the build it stands for nothing."""
    slug = make_slug(tmp_path, {"secret.env": b"NAME=canary\n"})
    option = ("--env-file", str(slug / "secret.env"))
    refused = in_process.deploy(slug, "plan", "--offline", *option, env={})
    assert refused.status == 2
    assert "secret.env is in the base, and would be deployed with the app." in refused.stderr
    assert "name it in .lambdaignore, and build the app again" in refused.stderr
    make_slug(tmp_path, {".lambdaignore": b"secret.env\n"})
    assert in_process.deploy(slug, "plan", "--offline", *option, env={}).status == 0


@pytest.mark.parametrize("name", ["env.json", "lib/env.json", "lib.json", "config.sh"])
def test_config_may_stand_beside_code_and_replace_an_older_env_file(app: Path, name: str) -> None:
    """A folder without a module in it is not shadowed, and env.json is an earlier bake."""
    with (
        open_package(app, base_of(app), [config_file(name)]) as package,
        zipfile.ZipFile(package.open()) as file,
    ):
        assert file.read(name) == b"canary"
        assert file.namelist().count(name) == 1


def test_a_written_package_is_private_and_whole_or_not_there(app: Path, tmp_path: Path) -> None:
    """0600 whatever the umask; an older file stays until the new one is whole."""
    target = tmp_path / "out" / "package.zip"
    with open_package(app, base_of(app), [config_file("env.properties")]) as package:
        with pytest.raises(DeployError, match="can't be written to"):
            write(package, target)
        target.parent.mkdir()
        target.write_text("old")
        with no_room(), pytest.raises(DeployError, match=r"can't be written to .*: File too large"):
            write(package, target)
        assert target.read_text() == "old"
        assert list(target.parent.iterdir()) == [target]
        write(package, target)
        assert target.read_bytes() == package.open().read()
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


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("slug/package.zip", "is in the app's folder"),
        ("slug/public/deep/package.zip", "is in the app's folder"),
        ("slug/index.js", "is in the app's folder"),
        ("slug/.lambda-deploy/base.zip", "is in the app's folder"),
        ("slug/../slug/new.zip", "is in the app's folder"),
        ("link-to-slug/new.zip", "is in the app's folder"),
        ("link-to-base.zip", "is in the app's folder"),
        ("link-to-nothing.zip", "is in the app's folder"),
        ("slug", "is not a regular file"),
        ("slug/public", "is not a regular file"),
        ("/dev/stdout", "is not a regular file"),
        ("/dev/null", "is not a regular file"),
    ],
)
def test_a_package_is_written_nowhere_in_the_app(tmp_path: Path, target: str, why: str) -> None:
    """It holds secrets, and what lies in the app is committed, served or deployed; that is said at once."""
    slug = make_slug(tmp_path / "slug", {"public/a.html": b""})
    (tmp_path / "link-to-slug").symlink_to(slug)
    (tmp_path / "link-to-base.zip").symlink_to(slug / ".lambda-deploy/base.zip")
    (tmp_path / "link-to-nothing.zip").symlink_to(slug / "not-yet.zip")
    before = contents(slug)
    result = deploy(slug, "package", "-o", tmp_path / target, env={"NAME": "canary"})
    assert (result.returncode, result.stdout) == (2, "")
    assert why in result.stderr
    assert contents(slug) == before


def test_a_relative_path_counts_from_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`deploy package -o package.zip` in the app's own folder is the most natural mistake."""
    slug = make_slug(tmp_path / "slug")
    monkeypatch.chdir(slug)
    assert "is in the app's folder" in in_process.deploy(slug, "package", "-o", "new.zip", env={}).stderr
    assert not (slug / "new.zip").exists()
    assert in_process.deploy(slug, "package", "-o", "../slug.zip", env={"NAME": "canary"}).status == 0
    assert (tmp_path / "slug.zip").exists()


def test_a_name_that_is_too_long_is_said_so(tmp_path: Path) -> None:
    """The system's own words, with the name."""
    slug = make_slug(tmp_path / "slug")
    result = deploy(slug, "package", "-o", tmp_path / ("x" * 300), env={"NAME": "canary"})
    assert result.returncode == 1
    assert "File name too long" in result.stderr

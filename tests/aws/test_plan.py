"""`deploy plan` and what it knows of the difference, read from the end of the deployed package alone."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from command import make_slug
from deploy.artifact.base import read
from deploy.artifact.differences import Changes, Difference, compare
from deploy.artifact.package import open_package
from deploy.aws.download import RemoteFile
from deploy.aws.function import Function
from deploy.config.formats import encode
from deploy.errors import DeployError
from deploy.release.deploy import connect
from deploy.target.environment import read_target
from embedded_aws import EmbeddedAWS
from embedded_aws import Function as Deployed
from in_process import Impatient, deploy

NOTHING = Changes((), (), ())


@pytest.fixture
def slug(tmp_path: Path) -> Path:
    """Make an app that a test may change."""
    return make_slug(tmp_path / "slug", {"lib/tool.js": b"1", "lib/old.js": b"1"})


def plan(slug: Path, env: dict[str, str], *arguments: str) -> tuple[int, str]:
    result = deploy(slug, "plan", *arguments, env=env)
    assert result.status in {0, 3}, result.stderr
    assert "canary" not in result.stdout + result.stderr
    assert result.stderr == ""
    return result.status, result.stdout.partition("-----> A deploy would")[2]


# --- the command -----------------------------------------------------------------------------------


def test_each_kind_of_change_is_shown_by_name(slug: Path, aws: EmbeddedAWS, function: Deployed) -> None:
    """First deploy, nothing, config only, code only, both: steps, names, and the exit status for scripts."""
    env = {**aws.settings(function), "KEPT": "canary-1", "CHANGED": "canary-1", "GONE": "canary-1"}
    status, shown = plan(slug, env, "--exit-code")
    assert status == 3
    assert "as the code of $LATEST\n" in shown
    assert "       + CHANGED\n       + GONE\n       + KEPT\n" in shown
    assert "       + lib/tool.js\n" in shown

    assert deploy(slug, env=env).status == 0
    aws.denied.add("GetFunction")  # what is the same by its CodeSha256 is not read to be compared
    unchanged = " do nothing: the function runs this already\n-----> Config: unchanged; code: unchanged\n"
    assert plan(slug, env, "--exit-code") == (0, unchanged)
    aws.denied.clear()

    changed = {**env, "CHANGED": "canary-2", "NEW": "canary-2"}
    del changed["GONE"]
    status, shown = plan(slug, changed, "--exit-code")
    assert status == 3
    assert "-----> Config\n       + NEW\n       ~ CHANGED\n       - GONE\n" in shown
    assert shown.endswith("-----> Config: 1 added, 1 changed, 1 removed; code: unchanged\n")

    (slug / "lib/old.js").unlink()
    make_slug(slug, {"lib/tool.js": b"2", "lib/new.js": b"2"})
    code = "-----> Code\n       + lib/new.js\n       ~ lib/tool.js\n       - lib/old.js\n"
    summary = "-----> Config: unchanged; code: 1 added, 1 changed, 1 removed\n"
    assert plan(slug, env)[1].endswith(f"{code}{summary}")
    both = plan(slug, changed)[1]
    assert "       + NEW\n" in both
    assert code in both


def test_a_plan_changes_nothing(slug: Path, aws: EmbeddedAWS, function: Deployed) -> None:
    """Read calls only, whatever there is to do."""
    before = function.get()["Configuration"]
    plan(slug, {**aws.settings(function), "_LAMBDA_ALIAS": "live"})
    operations = {call.operation for call in function.deploy_calls}
    assert operations == {"GetFunctionConfiguration", "GetAlias", "ListVersionsByFunction", "GetFunction"}
    assert function.get()["Configuration"]["RevisionId"] == before["RevisionId"]


def test_a_plan_names_the_version_that_would_be_used_again(
    slug: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """Back to the config of an earlier release: the alias moves, nothing is uploaded."""
    env = {**aws.settings(function), "_LAMBDA_ALIAS": "live"}
    for value in ("canary-1", "canary-2"):
        assert deploy(slug, env={**env, "NAME": value}).status == 0
    steps = json.loads(deploy(slug, "plan", "--json", env={**env, "NAME": "canary-1"}).stdout)["steps"]
    assert steps == ["move the alias live to version 1, away from version 2"]


def test_a_plan_of_an_older_release_is_to_be_skipped(
    slug: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """As the deploy would; --force plans what it would do all the same."""
    env = {**aws.settings(function), "_LAMBDA_ALIAS": "live", "HEROKU_APP_NAME": "my-app"}
    assert deploy(slug, env={**env, "HEROKU_RELEASE_VERSION": "v42"}).status == 0
    older = {**env, "HEROKU_RELEASE_VERSION": "v41", "NAME": "canary"}
    status, shown = plan(slug, older, "--exit-code")
    assert status == 0
    assert shown.startswith(" be skipped: a newer release of this app is live\n")
    assert plan(slug, older, "--exit-code", "--force")[0] == 3


def test_a_new_release_that_changes_nothing_is_nothing_to_do(
    slug: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """Its number is recorded, which is no change of the function."""
    env = {**aws.settings(function), "_LAMBDA_ALIAS": "live", "HEROKU_APP_NAME": "my-app"}
    assert deploy(slug, env={**env, "HEROKU_RELEASE_VERSION": "v42"}).status == 0
    assert plan(slug, {**env, "HEROKU_RELEASE_VERSION": "v43"}, "--exit-code")[0] == 0


def test_offline_asks_nobody(slug: Path) -> None:
    """No credentials, no network: the steps of a first deploy."""
    result = deploy(slug, "plan", "--offline", "--json", "--exit-code", env={"NAME": "canary"})
    assert result.status == 3
    document = json.loads(result.stdout)
    assert document["steps"] == [f"upload {document['size']} bytes as the code of $LATEST"]
    assert document["difference"] is None
    assert document["config"]["baked"] == ["NAME"]


def test_a_config_file_of_someone_elses_shows_no_name(
    slug: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """Another tool wrote a value of several lines as it is: its lines look like names. Code is compared."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("env.properties", "KEY=-----BEGIN KEY-----\ncanary+secret==\n-----END KEY-----\n")
    aws.client().update_function_code(FunctionName=function.name, ZipFile=content.getvalue())
    env = {**aws.settings(function), "NAME": "new"}
    shown = plan(slug, env)[1]
    assert "-----> Config\n       The env.properties of the deployed package would be replaced;" in shown
    assert "       + lib/tool.js\n" in shown
    document = deploy(slug, "plan", "--json", env=env).stdout
    assert "canary" not in document
    assert json.loads(document)["difference"]["config"] is None


def test_without_the_permission_the_steps_are_shown_all_the_same(
    slug: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """lambda:GetFunction is needed for the difference alone, and is named."""
    aws.denied.add("GetFunction")
    try:
        result = deploy(slug, "plan", env=aws.settings(function))
    finally:
        aws.denied.clear()
    assert result.status == 0
    assert "       upload " in result.stdout
    assert "lacks the permission lambda:GetFunction" in result.stderr


def test_long_lists_are_cut_for_people_but_not_for_programs(slug: Path, aws: EmbeddedAWS) -> None:
    """A new dependency has thousands of files: its folder is one line, and so are very many at the top."""
    env = aws.settings(aws.create_function())
    files = [*(f"many/{number:03}.js" for number in range(120)), *(f"f{number}.js" for number in range(60))]
    make_slug(slug, dict.fromkeys(files, b""))
    shown = plan(slug, env)[1]
    assert "       + many/ (120 files)\n" in shown
    assert "       + and " in shown
    document = json.loads(deploy(slug, "plan", "--json", env=env).stdout)
    assert len([name for name in document["difference"]["code"]["added"] if name.startswith("many/")]) == 120


# --- ranged requests -------------------------------------------------------------------------------


def test_a_large_package_is_compared_by_reading_less_than_a_hundredth_of_it(
    tmp_path: Path, aws: EmbeddedAWS, function: Deployed
) -> None:
    """10 MB in 300 files, over HTTP: the requests are counted and their bytes weighed."""
    files = {f"node_modules/package-{number}/index.js": os.urandom(35_000) for number in range(300)}
    slug = make_slug(tmp_path / "slug", files)
    env = {**aws.settings(function), "NAME": "old"}
    assert deploy(slug, env=env).status == 0
    assert len(function.code()) > 10_000_000

    counted = _Counting(connect(read_target(env, slug), Impatient()))
    new = [encode("env.properties", {"NAME": "new"})]
    with open_package(slug, read(slug), new) as package:
        difference = compare(RemoteFile(counted, "$LATEST"), package.open(), new)
    assert difference == Difference(Changes((), ("NAME",), ()), NOTHING)
    assert counted.requests <= 2
    assert counted.received < len(function.code()) / 100


def test_an_address_that_does_not_answer_is_told_by_its_host(
    aws: EmbeddedAWS, function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package lies at another host than the API; its signed address is a secret."""
    read = connect(read_target(aws.settings(function), Path()), Impatient())
    monkeypatch.setattr(read, "code_location", lambda _: ("http://127.0.0.1:9/code?signature=canary", 100))
    with pytest.raises(DeployError, match=r"no answer from 127\.0\.0\.1, where AWS keeps it") as caught:
        RemoteFile(read, "$LATEST")
    assert caught.value.todo == "Let the network reach 127.0.0.1, and run it again."
    assert "canary" not in str(caught.value.to_dict())


class _Counting(Function):
    """A function that counts what is fetched of it."""

    requests = received = 0

    def __init__(self, function: Function) -> None:
        super().__init__(function.session, Impatient())

    def fetch(self, url: str, first: int, last: int) -> bytes:
        content = super().fetch(url, first, last)
        self.requests += 1
        self.received += len(content)
        return content


def test_an_address_that_has_expired_is_told(aws: EmbeddedAWS, function: Deployed) -> None:
    """Code.Location holds for ten minutes; S3 answers 403 afterwards."""
    connected = connect(read_target(aws.settings(function), Path()), Impatient())
    with pytest.raises(DeployError, match=r"can't be read from AWS \(HTTP 40"):
        connected.fetch(f"{aws.url}/deployed-code/nothing", 0, 10)

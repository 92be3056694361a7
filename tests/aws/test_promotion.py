"""Promotion between two accounts: the same base, with the config of the account that it goes to."""

import errno
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import Self

from deploy.fleet import promotion
from embedded_aws import EmbeddedAWS, Function
from fleets import CONFIG, HERE, LOWER, SOURCE_CONFIG, FleetOfTests, names_of, release
from in_process import deploy
from zips import zip_of

WANTED = {"orders": "1.1.0"}


@pytest.fixture(scope="module")
def slugs(aws: EmbeddedAWS, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two versions of an app."""
    fleet = FleetOfTests(aws, tmp_path_factory.mktemp("slugs"), "none-")
    return fleet.slug("one"), fleet.slug("two")


@pytest.fixture
def fleet(aws: EmbeddedAWS, tmp_path: Path) -> Iterator[FleetOfTests]:
    """Return a fleet with a prefix of its own."""
    yield FleetOfTests(aws, tmp_path)
    aws.reset()


def both(
    fleet: FleetOfTests, slugs: tuple[Path, Path], name: str = "orders", **settings: str
) -> tuple[Function, Function]:
    """Create a function in both accounts: 1.0.0 is live here, 1.1.0 is in the lower account."""
    here, there = fleet.function(name), fleet.function(name, LOWER)
    release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live", **settings)
    release(slugs[1], there, "1.1.0", SOURCE_CONFIG, _LAMBDA_ALIAS="live", **settings)
    return here, there


def contents(function: Function, qualifier: str = "live") -> dict[str, bytes]:
    """Return the files of a package."""
    with zipfile.ZipFile(io.BytesIO(function.code(qualifier))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def description(function: Function, qualifier: str = "live") -> str:
    return function.get(qualifier)["Configuration"]["Description"]


def test_the_base_is_the_same_and_the_config_is_ours(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """What is live afterwards is what a deploy of that slug with this account's config would have made."""
    here, there = both(fleet, slugs)
    promoted = fleet.document("apply", WANTED)["orders"]
    assert (promoted["outcome"], promoted["before"], promoted["after"]) == ("promoted", "1", "2")
    assert names_of(here) == {"1-0-0": "1", "1-1-0": "2", "live": "2"}
    twin = fleet.function("twin")
    release(slugs[1], twin, "1.1.0", CONFIG, _LAMBDA_ALIAS="live")
    assert here.code("live") == twin.code("live")
    base = hashlib.sha256((slugs[1] / ".lambda-deploy/base.zip").read_bytes()).hexdigest()
    for function in (here, there):
        assert f"base {base}" in description(function)
    alias = here.client.get_alias(FunctionName=here.name, Name="1-1-0")
    assert alias["Description"].startswith("version 1.1.0, ")
    assert fleet.document("apply", WANTED)["orders"]["outcome"] == "live"


def test_no_byte_of_the_lower_accounts_config_is_left_anywhere(
    fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the package, in a file, in a bucket, in an answer of AWS's here, or in what is printed."""
    kept: list[bytes] = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    class Recorder:
        """A temporary file that tells what was written into it."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.seek(0)
            kept.append(self.file.read())
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

    real = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Recorder(real(dir=temporary)))
    bucket = fleet.aws.create_bucket()
    monkeypatch.setattr("deploy.artifact.limits.DIRECT_LIMIT", 300)
    monkeypatch.setattr("deploy.fleet.plan.DIRECT_LIMIT", 300)
    settings = {"_LAMBDA_S3_BUCKET": bucket}
    here, there = both(fleet, slugs, **settings)
    fleet.run("apply", WANTED, settings=settings)
    assert SOURCE_CONFIG["SECRET"].encode() in there.code("live")
    assert len(kept) == 1
    assert hashlib.sha256(kept[0]).hexdigest() in description(here)
    everything = [*kept, here.code("live"), json.dumps(here.get("live"), default=str).encode()]
    everything += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert fleet.aws.left_in(bucket) == []
    for part in ("staging-canary", "hello from staging"):
        assert not [each for each in everything if part.encode() in each]
    assert list(temporary.iterdir()) == []


def test_the_lower_account_is_only_read(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """By one kind of call, with the credentials of the role, which are used for nothing else."""
    both(fleet, slugs)
    start = len(fleet.aws.calls)
    fleet.run("apply", WANTED)
    calls = [call for call in fleet.aws.calls[start:] if call.service == "lambda"]
    of_role = [call for call in calls if call.access_key.startswith("ASIA")]
    assert {call.operation for call in of_role} == {"GetFunction"}
    assert {call.function["account"] for call in of_role} == {LOWER}
    others = {call.access_key for call in calls} - {call.access_key for call in of_role}
    assert others == {fleet.aws.deployer.access_key}


def test_a_first_promotion_has_to_be_told_its_config(
    fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path
) -> None:
    """Nothing is live to take it from; a file says it, and wins over what is live later."""
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    for slug, version in zip(slugs, ("1.0.0", "1.1.0"), strict=True):
        release(slug, there, version, SOURCE_CONFIG)
    refused = fleet.run("plan", {"orders": "1.0.0"}, status=1)
    assert "Nothing is live" in refused.stderr
    assert f"{here.name}.env" in refused.stderr
    folder = tmp_path / "config"
    folder.mkdir()
    for version, greeting in (("1.0.0", "first"), ("1.1.0", "second")):
        text = f"GREETING={greeting}\n_AWS_ACCESS_KEY_ID=not-for-here\nPASSWORD='p w'\n"
        (folder / f"{here.name}.env").write_text(text)
        fleet.run("apply", {"orders": version}, "--config-dir", str(folder))
        assert contents(here)["env.properties"] == f"GREETING={greeting}\nPASSWORD=p w\n".encode()


def test_the_plan_says_how_much_config_a_file_gives(
    fleet: FleetOfTests, slugs: tuple[Path, Path], tmp_path: Path
) -> None:
    """And what is left out of it, as a deploy leaves it out; an empty file is a mistake unless it says so."""
    here, _ = both(fleet, slugs)
    file = tmp_path / "config" / f"{here.name}.env"
    file.parent.mkdir()
    for text, shown in (
        ("A=1\nB=\nPORT=80\n_X=1\n", f"of {file.name} (2 config vars, without PORT, _X)"),
        ("# none\n", f"of {file.name} (0 config vars)"),
    ):
        file.write_text(text)
        assert shown in fleet.run("plan", WANTED, "--config-dir", str(file.parent)).stdout
    file.write_text("\n")
    refused = fleet.run("plan", WANTED, "--config-dir", str(file.parent), status=1)
    assert "is empty" in refused.stderr


def test_the_config_may_be_in_ssm(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """All pages of what is directly below the path, decrypted; the name's last part is the variable."""
    here, _ = both(fleet, slugs)
    for number in range(25):
        fleet.aws.put_parameter(f"/shop/{here.name}/VALUE_{number:02}", f"canary {number}")
    fleet.aws.put_parameter(f"/shop/{here.name}/deeper/OTHER", "canary")
    fleet.run("apply", WANTED, settings={"_LAMBDA_CONFIG_FROM": "ssm:/shop/{name}"})
    lines = contents(here)["env.properties"].decode().splitlines()
    assert lines == [f"VALUE_{number:02}=canary {number}" for number in range(25)]
    nothing = fleet.run("plan", {"orders": "1.1.1"}, status=1, settings={"_LAMBDA_CONFIG_FROM": "ssm:/none/"})
    assert "There is no version 1.1.1" in nothing.stderr


def test_several_formats_are_taken_over(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """Each config file with its own bytes and permissions; other files than here are refused."""
    files = {"_LAMBDA_CONFIG_FILES": "env.sh,config/env.json"}
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live", **files)
    release(slugs[1], there, "1.1.0", SOURCE_CONFIG, **files)
    before = contents(here)
    fleet.run("apply", WANTED)
    after = contents(here)
    assert {name: after[name] for name in ("env.sh", "config/env.json")} == {
        name: before[name] for name in ("env.sh", "config/env.json")
    }
    twin = fleet.function("twin")
    release(slugs[1], twin, "1.1.0", CONFIG, _LAMBDA_ALIAS="live", **files)
    assert here.code("live") == twin.code("live")
    release(slugs[0], there, "2.0.0", SOURCE_CONFIG)
    refused = fleet.run("plan", {"orders": "2.0.0"}, status=1)
    assert "has its config in other files" in refused.stderr


def test_names_may_differ_between_the_accounts(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """What stands for the prefix in the lower account is a setting."""
    here = fleet.function("orders")
    there = fleet.aws.create_function(f"staging-{fleet.prefix}orders", account=LOWER)
    release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(slugs[1], there, "1.1.0", SOURCE_CONFIG)
    fleet.run("apply", WANTED, settings={"_LAMBDA_SOURCE_PREFIX": f"staging-{fleet.prefix}"})
    assert names_of(here)["live"] == "2"


def test_the_lower_account_may_be_in_another_region(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """Each call goes to the region of its account."""
    here, there = fleet.function("orders"), fleet.function("orders", LOWER, region="us-east-1")
    release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(slugs[1], there, "1.1.0", SOURCE_CONFIG)
    fleet.run("plan", WANTED, status=1)
    fleet.run("apply", WANTED, settings={"_LAMBDA_SOURCE_REGION": "us-east-1"})
    assert names_of(here)["live"] == "2"


# --- what is refused ------------------------------------------------------------------------------


def test_what_we_did_not_make_is_refused_unless_it_may_pass_as_it_is(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """Nobody knows what it carries; --as-is copies it byte for byte, and says so."""
    here, there = both(fleet, slugs)
    foreign = zip_of({"index.js": b"exports.handler = 7\n"})
    there.client.update_function_code(FunctionName=there.name, ZipFile=foreign, Publish=True)
    there.client.create_alias(FunctionName=there.name, Name="2-0-0", FunctionVersion="2")
    refused = fleet.run("apply", {"orders": "2.0.0"}, status=1)
    assert "nobody knows what its package carries" in refused.stderr
    assert names_of(here)["live"] == "1"
    passed = fleet.run("apply", {"orders": "2.0.0"}, "--as-is")
    assert "AS IT IS" in passed.stdout
    assert here.code("live") == foreign
    assert fleet.document("apply", {"orders": "2.0.0"})["orders"]["outcome"] == "live"


def test_a_base_that_can_not_be_proved_is_refused(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """The app had an env.properties itself, which the deploy there replaced: --as-is does not help either."""
    here, there = both(fleet, slugs)
    slug = fleet.slug("own", {"index.js": b"1\n", "env.properties": b"OWN=1\n"})
    release(slug, there, "2.0.0", SOURCE_CONFIG)
    for arguments in ((), ("--as-is",)):
        refused = fleet.run("apply", {"orders": "2.0.0"}, *arguments, status=1)
        assert "can't be taken apart into its base and its config" in refused.stderr
        assert names_of(here)["live"] == "1"
        assert "2-0-0" not in names_of(here)


@pytest.mark.parametrize(
    "text",
    [
        "my-app, v42, commit 0123456789ab, base bbbbbbbbbbbb, config cccccccccccc",
        f"base {'b' * 64}, config {'c' * 12}, files other.properties",
        f"base {'b' * 64}, config {'c' * 12}, files env.properties",
        f"base {'b' * 64}, config {'c' * 12}, 7 files",
    ],
    ids=["earlier buildpack", "other file", "other base", "too many files"],
)
def test_a_record_that_does_not_fit_is_refused(
    fleet: FleetOfTests, slugs: tuple[Path, Path], text: str
) -> None:
    """Whoever wrote it: what is not proved goes nowhere, not even with --as-is."""
    here, there = both(fleet, slugs)
    there.client.update_function_configuration(FunctionName=there.name, Timeout=7)
    version = there.client.publish_version(FunctionName=there.name, Description=text)["Version"]
    there.client.create_alias(FunctionName=there.name, Name="2-0-0", FunctionVersion=version)
    before = here.code()
    fleet.run("apply", {"orders": "2.0.0"}, "--as-is", status=1)
    assert (here.code(), names_of(here)["live"]) == (before, "1")


def test_what_could_not_run_here_is_found_in_the_plan(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """Code signing, another architecture, another runtime; and no function is touched then."""
    here, _ = both(fleet, slugs)
    fleet.aws.requires_signature(here)
    assert "takes signed code only" in fleet.run("plan", WANTED, status=1).stderr
    fleet.aws.requires_signature(here, "warn")
    fleet.run("plan", WANTED)
    for name, change, wrong in (
        ("arm", {"Architectures": ["arm64"]}, "has the architecture arm64, and the function here has x86_64"),
        (
            "new",
            {"runtime": "nodejs22.x"},
            "has the runtime nodejs22.x, and the function here has nodejs20.x",
        ),
    ):
        function, other = fleet.function(name), fleet.function(name, LOWER, **change)
        release(slugs[0], function, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
        release(slugs[1], other, "1.1.0", SOURCE_CONFIG)
        assert wrong in fleet.run("plan", {name: "1.1.0"}, status=1).stderr
        refused = fleet.run("apply", {**WANTED, name: "1.1.0"}, status=1)
        assert "1 failed, 1 not moved" in refused.stdout
    assert names_of(here) == {"1-0-0": "1", "live": "1"}


def test_packages_that_aws_keeps_back_are_found_in_the_plan(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """A KMS key encrypts them, and the deployer or the role may not use it."""
    here, there = both(fleet, slugs)
    for function, wrong in ((there, "Allow the role"), (here, "Allow the deployer kms:Decrypt")):
        fleet.aws.keeps_back = {function.arn}
        assert wrong in fleet.run("plan", WANTED, status=1).stderr
    fleet.aws.keeps_back = set()
    fleet.run("plan", WANTED)


def test_a_package_that_needs_a_bucket_is_found_in_the_plan(
    fleet: FleetOfTests, slugs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over 50 MB Lambda takes it out of S3 alone."""
    both(fleet, slugs)
    monkeypatch.setattr("deploy.fleet.plan.DIRECT_LIMIT", 300)
    assert "_LAMBDA_S3_BUCKET" in fleet.run("plan", WANTED, status=1).stderr


def test_a_wrong_external_id_is_explained(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """The role and the setting are named, the value is not; nothing is changed."""
    here, _ = both(fleet, slugs)
    refused = fleet.run("apply", WANTED, status=1, settings={"_LAMBDA_SOURCE_EXTERNAL_ID": "wrong-canary"})
    assert f"The role {fleet.role} can't be assumed." in refused.stderr
    assert "the value of _LAMBDA_SOURCE_EXTERNAL_ID" in refused.stderr
    assert names_of(here) == {"1-0-0": "1", "live": "1"}


def test_an_alias_that_moved_meanwhile_is_not_moved_again(
    fleet: FleetOfTests, slugs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promotion has the config of what was live when it was planned, which may be rotated by now."""
    here, _ = both(fleet, slugs)
    release(slugs[1], here, "1.0.5", {**CONFIG, "SECRET": "rotated-canary"})
    fetch = promotion._fetch

    def overtaken(*arguments: Any) -> str:
        here.client.update_alias(FunctionName=here.name, Name="live", FunctionVersion="2")
        return fetch(*arguments)

    monkeypatch.setattr(promotion, "_fetch", overtaken)
    refused = fleet.run("apply", WANTED, status=1)
    assert "moved the alias live at the same time" in refused.stderr
    assert "It points at version 2 now" in refused.stderr
    assert names_of(here) == {"1-0-0": "1", "1-0-5": "2", "live": "2"}
    monkeypatch.setattr(promotion, "_fetch", fetch)
    fleet.run("apply", WANTED)
    assert contents(here)["env.properties"] == contents(here, "2")["env.properties"]


@pytest.mark.parametrize(
    ("account", "wrong"), [(HERE, "There is no function"), (LOWER, "There is no version 1.1.0")]
)
def test_a_function_that_is_deleted_meanwhile_is_said_to_be_gone(
    fleet: FleetOfTests,
    slugs: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    account: str,
    wrong: str,
) -> None:
    """In the fleet's words: it has no ARN that could be corrected."""
    deleted = both(fleet, slugs)[account == LOWER]
    fetch = promotion._fetch

    def overtaken(*arguments: Any) -> str:
        deleted.client.delete_function(FunctionName=deleted.name)
        return fetch(*arguments)

    monkeypatch.setattr(promotion, "_fetch", overtaken)
    refused = fleet.run("apply", WANTED, status=1)
    assert wrong in refused.stderr
    assert "_LAMBDA_FUNCTION_ARN" not in refused.stderr


def test_an_alias_that_leaves_latest_does_not_remember_it(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """$LATEST is no version: nothing could go back there."""
    here, _ = both(fleet, slugs)
    here.client.update_alias(FunctionName=here.name, Name="live", FunctionVersion="$LATEST")
    moved = fleet.run("apply", {"orders": "1.0.0"})
    assert "deploy rollback" not in moved.stdout
    live = here.client.get_alias(FunctionName=here.name, Name="live")
    assert (live["FunctionVersion"], "previous version" in live["Description"]) == ("1", False)


def test_what_is_live_already_is_only_named(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """The lower account's version is the same package here: no alias that serves traffic moves."""
    here, there = fleet.function("orders"), fleet.function("orders", LOWER)
    release(slugs[0], here, "1.0.0", CONFIG, _LAMBDA_ALIAS="live")
    release(slugs[0], there, "1.1.0", SOURCE_CONFIG)
    named = fleet.document("apply", WANTED)["orders"]
    assert (named["outcome"], named["before"], named["after"]) == ("named, live already", "1", "1")
    assert names_of(here) == {"1-0-0": "1", "1-1-0": "1", "live": "1"}


def test_debug_shows_where_the_errors_of_functions_come_from(
    fleet: FleetOfTests, slugs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without their texts: no variable holds the config of a function, so nobody could take it out."""
    both(fleet, slugs)

    def stumble(*_: object) -> str:
        raise KeyError(CONFIG["SECRET"])

    monkeypatch.setattr(promotion, "_fetch", stumble)
    refused = deploy(fleet.folder, "fleet", "apply", str(fleet.write(WANTED)), "--debug", env=fleet.env)
    assert "internal error (KeyError)" in refused.stderr
    assert "in stumble" in refused.stderr
    assert CONFIG["SECRET"] not in refused.stderr


def test_a_version_is_promoted_under_its_own_name_alone(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """1.1-0 has the same alias in the lower account, and would take the place of 1.1.0 here."""
    here, _ = both(fleet, slugs)
    refused = fleet.run("apply", {"orders": "1.1-0"}, status=1)
    assert "stands for the version 1.1.0, and not for 1.1-0" in refused.stderr
    assert names_of(here) == {"1-0-0": "1", "live": "1"}
    fleet.run("apply", {"orders": "1-1-0"})  # which is the alias itself
    assert fleet.document("apply", WANTED)["orders"]["outcome"] == "live"


def test_a_version_may_have_another_name_by_now(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """The next release of the same code and config is the same version, with a second name."""
    here, there = both(fleet, slugs)
    release(slugs[1], there, "1.2.0", SOURCE_CONFIG)
    assert names_of(there)["1-2-0"] == names_of(there)["1-1-0"]
    fleet.run("apply", {"orders": "1.2.0"})
    assert names_of(here) == {"1-0-0": "1", "1-2-0": "2", "live": "2"}


def test_a_machine_without_a_temporary_folder_is_said_to_have_none(
    fleet: FleetOfTests, slugs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written, that is no bug."""
    here, _ = both(fleet, slugs)

    def fail(**_: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    refused = fleet.run("apply", WANTED, status=1)
    assert "No usable temporary directory found." in refused.stderr
    assert "internal error" not in refused.stderr
    assert names_of(here) == {"1-0-0": "1", "live": "1"}


def test_a_verification_that_fails_stops_the_promotion(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """The version has no name then, and the log that is shown has no config in it."""
    here, _ = both(fleet, slugs)

    def crash(_payload: object, _version: str) -> None:
        raise RuntimeError(f"no way to {CONFIG['SECRET']}")

    fleet.aws.answers(here, crash)
    refused = fleet.run("apply", WANTED, status=1, settings={"_LAMBDA_VERIFY_PAYLOAD": "{}"})
    assert "no way to" in refused.stderr
    assert names_of(here) == {"1-0-0": "1", "live": "1"}
    fleet.aws.answers(here, lambda _payload, _version: "pong")
    again = fleet.document("apply", WANTED, settings={"_LAMBDA_VERIFY_PAYLOAD": "{}"})["orders"]
    assert (again["outcome"], again["after"]) == ("promoted", "2")


def test_a_version_keeps_its_config_and_it_is_said(fleet: FleetOfTests, slugs: tuple[Path, Path]) -> None:
    """A file that says something else is pointed out, with the way to make it count; the same file is not."""
    here, _ = both(fleet, slugs)
    folder = fleet.folder / "config"
    folder.mkdir()
    file = folder / f"{here.name}.env"
    file.write_text("GREETING=one\n")
    planned = fleet.document("plan", WANTED, "--config-dir", str(folder))["orders"]
    assert (planned["config"], planned["verified"]) == (f"of {file.name} (1 config var)", False)
    fleet.run("apply", WANTED, "--config-dir", str(folder))
    same = fleet.run("apply", WANTED, "--config-dir", str(folder))
    assert same.stderr == ""
    file.write_text("GREETING=two\n")
    kept = fleet.run("plan", WANTED, "--config-dir", str(folder))
    assert f"not used: {file.name}." in kept.stderr
    assert f"delete-alias --function-name {here.name} --name 1-1-0`" in kept.stderr
    here.client.delete_alias(FunctionName=here.name, Name="1-1-0")
    fleet.run("apply", WANTED, "--config-dir", str(folder))
    assert b"two" in contents(here)["env.properties"]
    assert names_of(here)["1-1-0"] == names_of(here)["live"] == "3"


def test_an_unknown_function_there_is_told_from_an_unknown_version(
    fleet: FleetOfTests, slugs: tuple[Path, Path]
) -> None:
    """AWS answers the same for both; a wrong region or prefix is the usual reason for the first."""
    here, _ = both(fleet, slugs)
    place = f"function {here.name} in the region eu-west-1 of the account {LOWER}"
    unknown = fleet.run("plan", {"orders": "9.9.9"}, status=1)
    assert f"There is no version 9.9.9 of {here.name} in this account, nor of {place}." in unknown.stderr
    nowhere = fleet.run("plan", WANTED, status=1, settings={"_LAMBDA_SOURCE_PREFIX": "another-"})
    assert "there is no function another-orders in the region eu-west-1" in nowhere.stderr
    assert "_LAMBDA_SOURCE_PREFIX" in nowhere.stderr

"""`make bench`: it runs end to end, and what it counts, reads and works out is right."""

import itertools
import json
import os
import re
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import boto3
import pytest

from bench import inputs, measuring, rows, table
from bench.measuring import Command, CommandError
from bench.server import ACCESS_KEY, REGION, SECRET_KEY, Server
from tools import require

TESTS = Path(__file__).resolve().parent
MB = 1_000_000

ROWS = [
    "1 deploy after a config change",
    "2 unchanged redeploy",
    "3 first deploy",
    "4 deploy plan",
    "5 deploy --help",
    "6 compile, cold",
    "7 compile, with a good cache",
    "8 size added to the slug, besides the base",
    "9 peak memory of a deploy",
    "base: making it",
    "package: base and config",
]


def command(folder: Path, *words: str) -> Command:
    return Command(words, folder, dict(os.environ))


def cells(report: str) -> list[dict[str, str]]:
    """Read the table of a report, a dictionary for each line."""
    lines = [line.strip("| \n").split(" | ") for line in report.splitlines() if line.startswith("| ")]
    titles = [title.strip() for title in lines[0]]
    return [
        dict(itertools.zip_longest(titles, (cell.strip() for cell in line), fillvalue=""))
        for line in lines[2:]
    ]


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_a_quick_run_makes_a_table_of_every_row(tmp_path: Path) -> None:
    """A quick run measures every row with real figures, leaves out a lambroll that fails, and cleans up."""
    require("zip", "jar")
    work, output = tmp_path / "work", tmp_path / "results.md"
    (tmp_path / "bin").mkdir()
    lambroll = tmp_path / "bin" / "lambroll"
    lambroll.write_text("#!/bin/sh\nexit 1\n")
    lambroll.chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--work", str(work), "--output", str(output)],
        cwd=TESTS,
        env={
            **os.environ,
            "PATH": f"{lambroll.parent}:{os.environ['PATH']}",
            "AWS_PROFILE": "of-this-machine",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stderr
    report = output.read_text(encoding="utf-8")

    lines = cells(report)
    assert list(dict.fromkeys(line["row"] for line in lines)) == ROWS
    for line in lines:
        if not line["row"].startswith(("8", "9")):
            assert number(line["median s"]) > 0, line
        if line["contender"] != "ours" and line["median s"]:
            assert number(line["ours ÷ this"]) > 0, line
        if line["row"].startswith(("1", "2", "3", "9")):
            assert number(line["peak MB"]) > 5, line
    unchanged = [line for line in lines if line["row"] == "2 unchanged redeploy"]
    for line in unchanged:
        calls, sent = number(line["calls"]), number(line["sent bytes"])
        assert (calls, sent) == (1, 0) if line["contender"] == "ours" else sent > MB, line
    by_bucket = [line for line in lines if line["of"].endswith("by way of S3")]
    assert [number(line["sent bytes"]) > 50 * MB for line in by_bucket] == [True, True]

    assert "lambroll is on the PATH, but did not manage a deploy to this server" in report
    assert not (work / "runs").exists()
    for secret in (str(tmp_path), str(Path.home()), os.uname().nodename):
        assert not re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", report)


def test_the_median_is_taken_of_all_rounds() -> None:
    """The time in the table is the median of the rounds, with the fastest and the slowest beside it."""
    report = table.markdown([table.Line("1 row", "app", "ours", (0.5, 30.0, 0.25))])

    (line,) = cells(report)
    assert (line["median s"], line["min to max s"]) == ("0.500", "0.250 to 30.00")


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A round that the machine slowed down for both contenders changes nothing in the ratio."""
    assert table.median_ratio((1.0, 10.0, 1.0), (2.0, 20.0, 4.0)) == 0.5


def test_a_target_is_met_or_missed_in_so_many_words() -> None:
    """The table shows what was to be reached, what was reached, and whether that is enough."""
    targets = (table.Target("one call", "1", True), table.Target("at most 8 MB", "9.9 MB", False))

    report = table.markdown([table.Line("1 row", "app", "ours", targets=targets)])

    assert "one call: 1<br>at most 8 MB: 9.9 MB | met<br>**missed** |" in report


def test_peak_memory_is_that_of_the_whole_process_tree(tmp_path: Path) -> None:
    """What a child and a grandchild of a shell hold at once is seen, together."""
    hold = f"import time; held = b'x' * {50 * MB}; time.sleep(0.5)"
    both = f'{sys.executable} -c "{hold}" & (cd . && {sys.executable} -c "{hold}"); wait'

    cost = measuring.run(command(tmp_path, "sh", "-c", both), sampled=True)

    assert cost.memory is not None
    assert 100 * MB < cost.memory < 160 * MB


def test_memory_is_read_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """A run that is timed is not sampled."""
    assert measuring.run(command(tmp_path, "true")).memory is None


def test_a_command_that_fails_stops_the_bench_with_what_it_said(tmp_path: Path) -> None:
    """A failed run is no figure."""
    with pytest.raises(CommandError, match=r"exit status 3\nno such thing"):
        measuring.run(command(tmp_path, "sh", "-c", "echo no such thing >&2; exit 3"))


def test_contenders_take_their_turn_in_each_round(tmp_path: Path) -> None:
    """Round by round each contender runs once, a different one first, each in an empty folder."""
    runs: list[tuple[int, str]] = []

    def way(name: str) -> rows.Way:
        def prepare(number: int, scratch: Path) -> Command:
            assert not list(scratch.iterdir())
            runs.append((number, name))
            return command(scratch, "touch", "left-behind")

        return rows.Way(name, prepare)

    app = inputs.App("app", tmp_path, 0, 0)
    with Server() as server:
        bench = rows.Bench(tmp_path, server, tmp_path, None, app, app, app, app, slow=2, fast=2)
        measured = rows.interleaved(bench, "row", [way("one"), way("other")], 2, 1)

    assert runs == [(0, "one"), (0, "other"), (1, "other"), (1, "one"), (2, "one"), (2, "other")]
    assert [len(figures.seconds) for figures in measured] == [2, 2]


def test_the_server_counts_calls_and_the_bytes_of_their_bodies(tmp_path: Path) -> None:
    """What is sent is counted by operation, to the byte, also where its length is not told before."""
    part = b"x" * 100_000
    with Server() as server:
        function, bucket = server.create_function("nodejs20.x"), server.create_bucket()
        server.take_traffic()
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        client = boto3.client("lambda", region_name=REGION, endpoint_url=server.url, **keys)  # type: ignore[call-overload]
        sent = []
        client.meta.events.register(
            "before-send.lambda", lambda request, **_: sent.append(len(request.body or b""))
        )
        with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
            archive.writestr("env.properties", "NAME=value\n")
        client.update_function_code(FunctionName=function, ZipFile=(tmp_path / "code.zip").read_bytes())
        client.get_function_configuration(FunctionName=function)
        request = urllib.request.Request(  # noqa: S310
            f"{server.url}/{bucket}/key",
            data=iter([part, part]),  # chunked
            method="PUT",
            headers={"Authorization": _signed_for("s3")},
        )
        urllib.request.urlopen(request).close()  # noqa: S310

        traffic = server.take_traffic()
        assert traffic.calls == {"UpdateFunctionCode": 1, "GetFunctionConfiguration": 1, "PutObject": 1}
        assert traffic.sent == {
            "UpdateFunctionCode": sum(sent),
            "GetFunctionConfiguration": 0,
            "PutObject": 2 * len(part),
        }
        assert (traffic.all_calls, traffic.all_sent) == (3, sum(sent) + 2 * len(part))
        assert server.take_traffic().calls == {}
        assert server.baked_config(function) == "NAME=value\n"


def test_the_code_of_a_function_can_be_fetched_as_deploy_plan_does() -> None:
    """GetFunction names an address that serves the deployed package, in ranges too."""
    with Server() as server:
        function = server.create_function("nodejs20.x")
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
        client = boto3.client("lambda", region_name=REGION, endpoint_url=server.url, **keys)  # type: ignore[call-overload]
        answer = client.get_function(FunctionName=function)
        request = urllib.request.Request(answer["Code"]["Location"], headers={"Range": "bytes=0-3"})  # noqa: S310
        with urllib.request.urlopen(request) as part:  # noqa: S310
            assert (part.status, part.read()) == (206, b"PK\x03\x04")


def test_merged_jars_keep_the_first_of_each_file_and_no_signature(tmp_path: Path) -> None:
    """A fat JAR is one that `jar` and the JVM take: a manifest first, no name twice, no signatures."""
    for name, content in (("a", "first"), ("b", "second")):
        with zipfile.ZipFile(tmp_path / f"{name}.jar", "w") as jar:
            jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nSealed: true\n")
            jar.writestr("META-INF/KEY.SF", "signature")
            jar.writestr("com/", "")
            jar.writestr("com/Same.class", content)
            jar.writestr(f"com/{name}.class", content)

    inputs.merge([tmp_path / "a.jar", tmp_path / "b.jar"], tmp_path / "fat.jar")

    with zipfile.ZipFile(tmp_path / "fat.jar") as fat:
        assert fat.namelist() == ["META-INF/MANIFEST.MF", "com/Same.class", "com/a.class", "com/b.class"]
        assert fat.read("com/Same.class") == b"first"


def test_the_inputs_are_pinned_and_name_no_registry() -> None:
    """The lock files say what is installed, by version and digest, and nothing of where it came from."""
    locks = sorted(inputs.RECIPES.glob("*/package-lock.json"))
    assert len(locks) == 2
    for lock in locks:
        packages = json.loads(lock.read_text())["packages"]
        for name, package in packages.items():
            assert "resolved" not in package, name
            assert not name or package["integrity"], name
    requirements = (inputs.RECIPES / "aws-cli" / "requirements.lock").read_text()
    assert "--hash=sha256:" in requirements
    assert "://" not in requirements
    assert len(list(inputs.RECIPES.glob("*/pom.xml"))) == 2


def _signed_for(service: str) -> str:
    scope = f"{ACCESS_KEY}/20240101/{REGION}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"

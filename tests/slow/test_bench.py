"""`make bench`: it runs end to end, and what it counts, reads and works out is right."""

import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench import __main__ as bench_main
from bench import inputs, measuring, rows, table
from bench import server as bench_server
from bench.measuring import Command, CommandError
from bench.network import Line as NetworkLine
from bench.network import Network
from bench.server import ACCESS_KEY, REGION, SECRET_KEY, Server, ServerError, Traffic
from paths import REPOSITORY, TESTS
from tools import require

MB = 1_000_000


def command(folder: Path, *words: str) -> Command:
    return Command(words, folder, dict(os.environ))


def cells(report: str) -> list[dict[str, str]]:
    """Read the tables of a report, a dictionary for each line, its row and its subject among them."""
    found: list[dict[str, str]] = []
    for section in re.split(r"^## ", report, flags=re.MULTILINE)[1:]:
        row, _, text = section.partition("\n")
        lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
        subject = ""
        for line in lines[2:]:
            cell = dict(zip(lines[0], line, strict=True))
            subject = cell.get("of") or subject
            found.append({**cell, "row": row, "of": subject})
    return found


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_a_quick_run_makes_a_table_for_every_row(tmp_path: Path) -> None:
    """A quick run has real figures in every row and no target, and leaves out a lambroll that fails."""
    require("zip", "jar")
    work, output = tmp_path / "work", tmp_path / "results.md"
    (tmp_path / "bin").mkdir()
    lambroll = tmp_path / "bin" / "lambroll"
    lambroll.write_text("#!/bin/sh\nexit 1\n")
    lambroll.chmod(0o755)
    result = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--work", str(work), "--output", str(output)],
        cwd=TESTS / "slow",
        env={
            **os.environ,
            "PYTHONPATH": ":".join(map(str, (REPOSITORY, TESTS / "support", TESTS / "fakes"))),
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
    assert list(dict.fromkeys(line["row"] for line in lines)) == [row.value for row in rows.Row]
    for line in lines:
        if not line["row"].startswith(("8", "9")):
            assert number(line["median s"]) > 0, line
        if line["contender"] != "ours" and line.get("median s"):
            assert number(line["ours ÷ this"]) > 0, line
        if line["row"].startswith(("1", "2", "3", "9")):
            assert number(line["peak MB"]) > 5, line
    unchanged = [line for line in lines if line["row"] == rows.Row.UNCHANGED.value]
    for line in unchanged:
        calls, sent = number(line["calls"]), number(line["sent bytes"])
        assert (calls, sent) == (1, 0) if line["contender"] == "ours" else sent > MB, line
    by_bucket = [line for line in lines if line["of"].endswith("via S3")]
    assert [number(line["sent bytes"]) > 50 * MB for line in by_bucket] == [True, True]

    assert "lambroll is on the PATH, but did not manage a deploy to this server" in report
    assert "one round" in report
    assert not re.search(r"\b(met|missed|at most)\b", report)
    assert not list(work.glob("bench-*"))
    for secret in (str(tmp_path), str(Path.home()), os.uname().nodename):
        assert not re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", report)


def test_the_median_is_taken_of_all_rounds() -> None:
    """The time in the table is the median of the rounds, with the fastest and the slowest beside it."""
    report = table.tables([table.Line("1 Row", "app", "ours", (0.5, 0.6, 0.45))])

    (line,) = cells(report)
    assert (line["median s"], line["min to max s"]) == ("0.500", "0.450 to 0.600")


def test_each_row_has_a_table_of_its_own_without_empty_columns() -> None:
    """Rows stay in order, "10" after "2"; a subject is said once; what a row does not have is no column."""
    report = table.tables(
        [
            table.Line("2 Time", "app", "ours", (1.0, 2.0, 3.0)),
            table.Line("2 Time", "app", "another", (4.0, 4.0, 5.0), ours=(1.0, 2.0, 3.0)),
            table.Line("10 Size", "", "ours", size=MB),
        ]
    )

    assert report == (
        "## 2 Time\n\n"
        "| of | contender | median s | min to max s | ours ÷ this | ours ÷ its best |\n"
        "| --- | --- | ---: | ---: | ---: | ---: |\n"
        "| app | ours | 2.00 | 1.00 to 3.00 † |  |  |\n"
        "|  | another | 4.00 | 4.00 to 5.00 | 0.500 | 0.500 |\n\n"
        "† The slowest run took over 1.5 times as long as the fastest: ratios with these times are shaky.\n\n"
        "## 10 Size\n\n"
        "| contender | size MB |\n"
        "| --- | ---: |\n"
        "| ours | 1.0 |\n"
    )


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """A round that the machine slowed down for both contenders changes nothing in the ratio."""
    assert table.median_ratio((1.0, 10.0, 1.0), (2.0, 20.0, 4.0)) == 0.5


def test_a_target_is_met_or_missed_in_so_many_words() -> None:
    """Below the table and in the summary: what was to be reached, what was reached, and if that is enough."""
    targets = (
        table.Target("one call", "1", met=True),
        table.Target("at most 8 MB", "9.9 MB", met=False),
        table.Target("at most 0.5 of another", "0.4", met=True, shaky=True, subject="both"),
    )
    lines = [table.Line("1 Row", "app", "ours", calls=1, targets=targets)]

    below = (
        "- one call (app): 1, met\n"
        "- at most 8 MB (app): 9.9 MB, **missed**\n"
        "- at most 0.5 of another (both): 0.4, met †\n"
    )
    assert table.tables(lines).endswith(f"| app | ours | 1 |\n\n{below}")
    summary = table.summary(lines)
    assert summary.startswith("## 2 of 3 targets are met\n\n" + below.replace("- ", "- 1 Row: ") + "\n† ")


def test_targets_are_those_of_the_contender_they_are_for(tmp_path: Path) -> None:
    """What ours is held to by itself is said once, and a ratio where there is a limit for it."""
    app = inputs.App("app", tmp_path, 0, 0)
    own = (table.Target("one call", "1", met=True),)
    names = {"ours": None, "limited": None, "free": None}
    measured = [rows.Measured((seconds,), None, (Traffic({}, {}, 0.0),)) for seconds in (1.0, 4.0, 2.0)]

    lines = rows._compared(rows.Row.CHANGED, app, names, measured, limits={"limited": 0.3}, own=own)

    assert [[target.text for target in line.targets] for line in lines] == [
        ["one call"],
        ["at most 0.3 of limited"],
        [],
    ]


def test_without_git_the_code_is_not_said_to_be_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What git does not say, or where there is no repository, is unknown; changes are told."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bench_main._commit() == "commit unknown"

    git = tmp_path / "git"
    git.write_text('#!/bin/sh\necho "fatal: not a git repository"\nexit 128\n')
    git.chmod(0o755)
    assert bench_main._commit() == "commit unknown"

    git.write_text('#!/bin/sh\n[ "$3" = status ] || echo abc1234\n')
    assert bench_main._commit() == "commit abc1234"

    git.write_text('#!/bin/sh\n[ "$3" = status ] && echo " M deploy/cli.py" || echo abc1234\n')
    assert bench_main._commit() == "commit abc1234 and changes to it"


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has what the process said on stderr."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no module named moto >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with pytest.raises(
        ServerError, match=r"moto's server did not start: exit status 1\nno module named moto"
    ):
        Server().__enter__()


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
        bench = rows.Bench(
            work=tmp_path,
            server=server,
            programs=tmp_path,
            lambroll=None,
            small=app,
            large=app,
            jar=app,
            big=app,
            slow=2,
            fast=2,
        )
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


def test_the_servers_own_work_is_what_comes_after_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds in which a contender sends are its own; those of several calls are added up."""
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    class SlowBody(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            nonlocal now
            now += 5.0
            return super().read(size)

    def moto(environ: Any, start_response: Any) -> list[bytes]:
        nonlocal now
        assert environ["wsgi.input"].read() == b"body"
        now += 0.25
        start_response("200 OK", [])
        return []

    layer = bench_server.CountingLayer(moto)
    for _ in range(2):
        run_wsgi_app(layer, EnvironBuilder(method="PUT", input_stream=SlowBody(b"body")).get_environ())
    content, *_ = run_wsgi_app(layer, EnvironBuilder(bench_server._TRAFFIC_PATH).get_environ())
    assert json.loads(b"".join(content))["work"] == 0.5


def test_a_line_carries_so_many_bits_a_second_and_takes_its_time() -> None:
    """Both ways; what arrives is what was sent."""
    body = b"x" * 250_000
    with Server() as server:
        bucket = server.create_bucket()
        with Network(server.url, NetworkLine(10_000_000, 0.04)) as network:
            for data in (body, None):
                request = urllib.request.Request(  # noqa: S310
                    f"{network.url}/{bucket}/key",
                    data=data,
                    method="PUT" if data else "GET",
                    headers={"Authorization": _signed_for("s3"), "Content-Type": "application/zip"},
                )
                start = time.perf_counter()
                with urllib.request.urlopen(request) as answer:  # noqa: S310
                    content = answer.read()
                took = time.perf_counter() - start
                assert took > len(body) * 8 / 10_000_000 + 0.04
    assert content == body


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

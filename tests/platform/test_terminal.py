"""What a person sees on a terminal: every line fits, whatever the width."""

import fcntl
import os
import re
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from command import command, make_slug
from embedded_aws import EmbeddedAWS
from paths import REPOSITORY

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def seen(slug: Path, columns: int, env: Mapping[str, str], *arguments: str) -> list[str]:
    """Run a command on a terminal of this width, and return the lines that it shows, without colours."""
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        command(slug, *arguments),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "DYNO": "run.1", "TERM": "xterm", **env},
        stdin=writer,
        stdout=writer,
        stderr=writer,
    ):
        os.close(writer)
        content = b""
        while piece := _read(reader):
            content += piece
    os.close(reader)
    text = ESCAPE.sub("", content.decode()).replace("\r\n", "\n")
    return [line.rpartition("\r")[2].rstrip() for line in text.splitlines()]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the last one that wrote to it has gone
        return b""


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_every_line_fits(columns: int, aws: EmbeddedAWS, tmp_path: Path) -> None:
    """From the help to a rollback, errors too; a word that is longer than a line stays in one piece."""
    slug = make_slug(tmp_path)
    function = aws.create_function()
    aws.answers(function, lambda _invoked, _version: {"status": "fine"})
    env = {
        **aws.settings(function),
        "_LAMBDA_ALIAS": "live",
        "_LAMBDA_VERIFY_PAYLOAD": '{"ping": true}',
        "GREETING": "Hello",
    }
    for wrong, arguments in (
        ({}, ["doctor"]),
        ({}, ["plan"]),
        ({}, []),
        ({"GREETING": "Bye"}, []),
        ({"GREETING": "Oh", "_LAMBDA_VERIFY_EXPECT": "pong"}, []),
        ({}, ["status", "--versions"]),
        ({}, ["rollback"]),
        ({"_LAMBDA_FUNCTION_ARN": "nonsense:"}, ["plan"]),
    ):
        lines = seen(slug, columns, {**env, **wrong}, *arguments)
        assert lines, arguments
        wide = [line for line in lines if len(line) > columns]
        # Nothing but a long word, such as an ARN, and what marks its line.
        assert [line for line in wide if len(line.removeprefix(" !").split()) > 2] == [], arguments

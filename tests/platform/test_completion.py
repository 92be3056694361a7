"""Completion in real shells."""

import shutil
import subprocess
from pathlib import Path

import pytest

import in_process
from tools import require

ASK = {
    "bash": """
source "$1"
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_complete_deploy
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": "source $argv[1]; complete --do-complete '{words}'",
    # Its completion works in an editor alone, so what it would offer is caught.
    "zsh": """
function compdef () {{ }}
function _files () {{ }}
function compadd () {{ shift; print -l -- "$@" }}
source "$1"
words=({words}) CURRENT=${{#words}}
_complete_deploy
""",
}


@pytest.mark.parametrize("shell", ASK)
@pytest.mark.parametrize(
    ("words", "expected"),
    [("deploy ro", "rollback"), ("deploy plan --exit", "--exit-code"), ("deploy fleet ap", "apply")],
)
def test_a_shell_completes_commands_and_options(
    slug: Path, tmp_path: Path, shell: str, words: str, expected: str
) -> None:
    """Each shell takes the script without a complaint, and offers what goes on."""
    require(shell)
    script = tmp_path / "script"
    script.write_text(in_process.deploy(slug, "completion", shell, env={}).stdout)
    ask = tmp_path / "ask"
    ask.write_text(ASK[shell].format(words=words))
    program = shutil.which(shell)
    assert program
    bare = {"bash": ["--norc"], "fish": ["--no-config"], "zsh": ["-f"]}[shell]
    asked = subprocess.run(
        [program, *bare, ask, script], capture_output=True, text=True, check=True, timeout=20,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert asked.stderr == ""
    assert expected in asked.stdout.split()

"""env.sh: every shell passes the config on unharmed, and what no process can take is refused.

Names and sizes are proved on the shells and the kernel that the tests run on.
"""

import errno
import io
import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings

import nasty
from deploy.artifact.archive import read_directory
from deploy.artifact.assembly import AssembledFile, assemble
from deploy.config import formats
from deploy.config.formats import KEPT_BY_SHELL, LARGEST_ENVIRONMENT, LONGEST_STRING, POINTER, encode
from deploy.errors import InputError
from read_back import PRINT_ENVIRONMENT, nul_separated
from tools import require
from zips import zip_of

pytest_plugins = ["reader_fixtures"]

pytestmark = pytest.mark.xdist_group("readers")

SHELLS = {
    "dash": ["dash"],
    "bash": ["bash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
}
ENV = "/usr/bin/env"

# Lambda sets LANG=en_US.UTF-8. Without it bash takes text for bytes, and older JVMs for ASCII.
UTF_8 = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
NO_LOCALE = {"PATH": UTF_8["PATH"]}


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] = UTF_8,
    cwd: Path | None = None,
    check: bool = True,
) -> "subprocess.CompletedProcess[bytes]":
    """Run a program in an environment of PATH and LANG."""
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, check=check)


def baked(folder: Path, config: Mapping[str, str]) -> Path:
    """Bake env.sh into a folder, with the mode that it has in a package."""
    file = encode("env.sh", config)
    path = folder / file.name
    path.write_bytes(file.content)
    path.chmod(file.mode)
    return path


def of(config: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return those variables of an environment that a config names; shells add some of their own."""
    return {name: value for name, value in environment.items() if name in config}


@pytest.fixture(scope="session", params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Return the command of a shell."""
    command = SHELLS[request.param]
    require(command[0])
    return command


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that hypothesis's examples use one after the other."""
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.parametrize("environment", [UTF_8, NO_LOCALE], ids=["UTF-8", "no locale"])
def test_every_shell_passes_the_table_on(
    shell: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    """`env.sh env -0` shows each value of the table as it was, and nothing in them was evaluated."""
    script = baked(tmp_path, nasty.SHELL_CONFIG)
    result = run([*shell, script, ENV, "-0"], environment=environment, cwd=tmp_path)
    assert of(nasty.SHELL_CONFIG, nul_separated(result.stdout)) == nasty.SHELL_CONFIG
    assert result.stderr == b""
    assert list(tmp_path.iterdir()) == [script]


@settings(max_examples=50)
@given(config=nasty.shell_configs)
def test_every_shell_passes_every_config_on(shell: list[str], scratch: Path, config: dict[str, str]) -> None:
    """Hypothesis finds no text that a shell gets wrong."""
    result = run([*shell, baked(scratch, config), ENV, "-0"])
    assert of(config, nul_separated(result.stdout)) == config


def test_a_strict_script_can_source_it(shell: list[str], tmp_path: Path) -> None:
    """It exports, and neither runs nor touches the arguments of the script that sources it."""
    baked(tmp_path, nasty.SHELL_CONFIG)
    script = tmp_path / "wrapper"
    script.write_text('set -eu\n. ./env.sh\nexec "$@"\n')
    result = run([*shell, script, ENV, "-0", "ARGUMENT=two words"], cwd=tmp_path)
    environment = nul_separated(result.stdout)
    assert of(nasty.SHELL_CONFIG, environment) == nasty.SHELL_CONFIG
    assert environment["ARGUMENT"] == "two words"


def test_an_interactive_shell_can_source_it(shell: list[str], tmp_path: Path) -> None:
    """A developer looks at a config in a shell, which goes on after it."""
    baked(tmp_path, {"NAME": "value"})
    result = run([*shell, "-c", '. ./env.sh && printf %s "$NAME"'], cwd=tmp_path)
    assert result.stdout == b"value"


def test_arguments_and_exit_status_pass_through(shell: list[str], tmp_path: Path) -> None:
    """The runtime gets its own command line, and Lambda the runtime's own exit status."""
    script = baked(tmp_path, {})
    result = run(
        [*shell, script, "sh", "-c", 'printf "[%s]" "$@"; exit 3', "sh", "", "two words", "*", "-n"],
        check=False,
    )
    assert result.returncode == 3
    assert result.stdout == b"[][two words][*][-n]"


def test_it_becomes_the_process_that_it_starts(shell: list[str], tmp_path: Path) -> None:
    """No shell stays between Lambda and the runtime, which would swallow signals."""
    with subprocess.Popen(
        [*shell, baked(tmp_path, {}), "sh", "-c", "echo $$"], stdout=subprocess.PIPE
    ) as process:
        output, _ = process.communicate()
    assert int(output) == process.pid


def test_it_does_nothing_without_arguments(shell: list[str], tmp_path: Path) -> None:
    """Running it by hand is harmless, with a config as without one."""
    for config in ({}, {"NAME": "value"}):
        result = run([*shell, "-eu", baked(tmp_path, config)])
        assert (result.stdout, result.stderr) == (b"", b"")


def test_the_runtime_keeps_what_it_owns(shell: list[str], tmp_path: Path) -> None:
    """An app's own AWS keys do not take the place of the function's role."""
    owned = {"AWS_ACCESS_KEY_ID": "role", "AWS_REGION": "eu-west-1", "LAMBDA_TASK_ROOT": "/var/task"}
    script = baked(tmp_path, {**dict.fromkeys(owned, "app"), "NAME": "value"})
    result = run([*shell, script, ENV, "-0"], environment={**UTF_8, **owned})
    assert of({**owned, "NAME": ""}, nul_separated(result.stdout)) == {**owned, "NAME": "value"}


@pytest.fixture(scope="session", params=PRINT_ENVIRONMENT)
def program(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the command of a program that prints its environment as JSON."""
    command = PRINT_ENVIRONMENT[request.param]
    require(command[0])
    if request.param == "java":
        return (*command, "-cp", str(request.getfixturevalue("java_classes")), "PrintEnvironment")
    return command


def test_programs_find_the_table_in_their_environment(program: tuple[str, ...], tmp_path: Path) -> None:
    """process.env, System.getenv and os.environ hold each value, from a package that unzip unpacked."""
    require("unzip")
    package, task_root = tmp_path / "package.zip", tmp_path / "task"
    base = io.BytesIO(zip_of({}))
    assembly = assemble(read_directory(base), [encode("env.sh", nasty.SHELL_CONFIG)])
    package.write_bytes(AssembledFile(base, assembly.parts).read())
    run(["unzip", "-q", package, "-d", task_root])
    result = run([task_root / "env.sh", *program])
    assert of(nasty.SHELL_CONFIG, json.loads(result.stdout)) == nasty.SHELL_CONFIG


@settings(max_examples=5)
@given(config=nasty.shell_configs.filter(lambda config: len(config) > 10))
def test_programs_find_every_config_in_their_environment(
    program: tuple[str, ...], scratch: Path, config: dict[str, str]
) -> None:
    """Hypothesis finds no text that is harmed on its way into a process."""
    result = run([baked(scratch, config), *program])
    assert of(config, json.loads(result.stdout)) == config


# --- what a shell can't pass on -------------------------------------------------------------------

# Neither a number, as many of bash's own variables are, nor the name of anything.
ANY_VALUE = "any value"


@pytest.mark.parametrize("name", sorted(KEPT_BY_SHELL))
def test_names_that_bash_keeps_for_itself_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the refusal bash, which is /bin/sh where Lambda runs, would harm the config or stop."""
    require("bash")
    config = {"BEFORE": ANY_VALUE, name: ANY_VALUE, "BEHIND": ANY_VALUE}
    with pytest.raises(InputError, match=r"env\.sh can't hold") as caught:
        encode("env.sh", config)
    assert caught.value.why == f"{name}: the shell keeps this name for itself."
    monkeypatch.setattr(formats, "KEPT_BY_SHELL", frozenset())
    result = run(["bash", "--posix", baked(tmp_path, config), ENV, "-0"], check=False)
    assert of(config, nul_separated(result.stdout)) != config


@pytest.mark.parametrize(
    "value", [ANY_VALUE, "", "0", "-1", "08", "$(touch evaluated)", "a[$(touch evaluated)]"]
)
def test_no_other_name_that_means_something_to_a_shell_is_harmed(
    shell: list[str], value: str, tmp_path: Path
) -> None:
    """The list is complete: whatever else a shell sets or looks at itself is passed on."""
    config = dict.fromkeys(names_of_shells() - KEPT_BY_SHELL, value)
    assert len(config) > 50
    result = run([*shell, baked(tmp_path, config), ENV, "-0"], cwd=tmp_path)
    assert of(config, nul_separated(result.stdout)) == config
    assert not (tmp_path / "evaluated").exists()


def names_of_shells() -> set[str]:
    """Return the names that shells set when they start, and those that their manuals give a meaning."""
    lists = {"bash": "compgen -v", "bash as sh": "compgen -v", "dash": "set", "busybox": "set"}
    listed = b"".join(
        run([*SHELLS[shell], "-c", program]).stdout
        for shell, program in lists.items()
        if shutil.which(SHELLS[shell][0])
    )
    set_at_start = re.findall(r"^(\w+)(?:=|$)", listed.decode(), re.MULTILINE)
    in_manuals = """
        BASH_COMPAT BASH_ENV BASH_LOADABLES_PATH BASH_REMATCH BASH_XTRACEFD CDPATH CHILD_MAX COLUMNS
        COMPREPLY COMP_CWORD COMP_KEY COMP_LINE COMP_POINT COMP_TYPE COMP_WORDBREAKS COMP_WORDS COPROC
        EMACS ENV EXECIGNORE FCEDIT FIGNORE FUNCNEST GLOBIGNORE HISTCONTROL HISTFILE HISTFILESIZE
        HISTIGNORE HISTSIZE HISTTIMEFORMAT HOME HOSTFILE HOSTNAME HOSTTYPE IFS IGNOREEOF INPUTRC
        INSIDE_EMACS LANG LC_ALL LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME LINES MACHTYPE MAIL
        MAILCHECK MAILPATH MAPFILE NLSPATH OLDPWD OPTARG OPTERR OSTYPE PATH PIPESTATUS POSIXLY_CORRECT
        PROMPT_COMMAND PROMPT_DIRTRIM PS0 PS1 PS2 PS3 PS4 PWD READLINE_ARGUMENT READLINE_LINE
        READLINE_MARK READLINE_POINT REPLY SHELL TERM TEXTDOMAIN TEXTDOMAINDIR TIMEFORMAT TMOUT TMPDIR TZ
        auto_resume histchars
    """
    # `_` is a setting's name: it is never baked.
    return {*set_at_start, *in_manuals.split()} - {"_"}


def test_a_string_of_the_allowed_length_starts_a_process_and_one_byte_more_does_not(
    shell: list[str], tmp_path: Path
) -> None:
    """The limit is the kernel's own, to the byte, and counts bytes, not characters."""
    room = LONGEST_STRING - len("LONG=") - len("\0")
    longest = "é" * (room // 2) + "x" * (room % 2)
    result = run([*shell, baked(tmp_path, {"LONG": longest}), ENV, "-0"])
    assert nul_separated(result.stdout)["LONG"] == longest
    with pytest.raises(InputError, match=r"env\.sh can't hold") as caught:
        encode("env.sh", {"LONG": f"{longest}x"})
    assert "LONG: the value is too long by 1 bytes: Linux passes no more" in caught.value.why
    with pytest.raises(OSError, match=re.escape(f"[Errno {errno.E2BIG}]")):
        run([ENV], environment={"LONG": f"{longest}x"})


def test_a_config_of_the_allowed_size_starts_a_process_and_the_rest_is_the_runtimes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Lambda's stack of 8 MiB there is room for the config and the runtime, but not for much more."""
    largest = config_of(LARGEST_ENVIRONMENT)
    runtimes = {**UTF_8, "AWS_SESSION_TOKEN": "x" * 4096}
    command = ["bash", "-c", 'ulimit -s 8192 && exec "$@"', "bash"]
    result = run([*command, baked(tmp_path, largest), ENV, "-0"], environment=runtimes)
    assert of(largest, nul_separated(result.stdout)) == largest
    with pytest.raises(InputError, match=r"env\.sh can't hold") as caught:
        encode("env.sh", config_of(LARGEST_ENVIRONMENT + 1))
    assert (
        f"{LARGEST_ENVIRONMENT + 1} bytes; a process can be given {LARGEST_ENVIRONMENT}" in caught.value.why
    )
    monkeypatch.setattr(formats, "LARGEST_ENVIRONMENT", 2 * LARGEST_ENVIRONMENT)
    result = run(
        [*command, baked(tmp_path, config_of(2 * 1024 * 1024)), ENV, "-0"], environment=runtimes, check=False
    )
    assert result.returncode == 126
    assert b"Argument list too long" in result.stderr


def config_of(size: int) -> dict[str, str]:
    """Make a config that takes just so many bytes of an environment."""
    lengths = [size // 20] * 19 + [size - size // 20 * 19]
    beside = len("NAME_00=") + len("\0") + POINTER
    return {f"NAME_{number:02}": "x" * (length - beside) for number, length in enumerate(lengths)}

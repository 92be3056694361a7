"""The start script of the buildpack: what it notes for `select`, and that no dyno minds it."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.config.variables import select
from paths import REPOSITORY
from tools import require

SCRIPT = REPOSITORY / "lib/profile.sh"
HERE = {"HOME": "/nowhere", "PATH": "/usr/bin:/bin"}
LONGEST = 131_071 - len("_DEPLOY_WAS_NAME=")  # of a value that the notes can hold, in bytes

values = st.binary(max_size=200).map(lambda value: value.replace(b"\0", b""))


def finished(
    *commands: str, config: Mapping[str, str | bytes], shell: tuple[str, ...] = ("bash",)
) -> "subprocess.CompletedProcess[bytes]":
    """Run commands in a shell that has just these variables, then print its environment."""
    require(shell[0])
    environment = {name: _bytes(value) for name, value in {**HERE, **config}.items()}
    script = "\n".join([*commands, "exec env -0"])
    return subprocess.run([*shell, "-c", script], env=environment, capture_output=True, check=False)


def started(
    *commands: str, config: Mapping[str, str | bytes], shell: tuple[str, ...] = ("bash",)
) -> dict[str, str]:
    """Run commands in a shell, and return the environment of the next process, which has to start."""
    result = finished(*commands, config=config, shell=shell)
    assert (result.returncode, result.stderr) == (0, b"")
    variables = result.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return dict(variable.split("=", 1) for variable in variables)


def start_script(*commands: str) -> tuple[str, ...]:
    """Return the commands of another start script and of ours, which follows it."""
    return (*commands, f". {shlex.quote(str(SCRIPT))}")


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


# --- What it notes --------------------------------------------------------------------------------


def test_does_not_vouch_for_layers() -> None:
    """In a container, what Cloud Native Buildpacks set was there before the shell that takes the notes."""
    layers = {"PATH": "/layers/heroku_nodejs/dist/bin:/usr/bin:/bin", "VIRTUAL_ENV": "/layers/x"}
    config = {**layers, "PYTHONUNBUFFERED": "1", "NAME": "owner"}

    assert select(started(*start_script("export SET=1"), config=config)).baked == {"NAME": "owner"}


def test_what_a_start_script_sets_is_not_the_owners() -> None:
    """Neither a new variable, nor another value, nor one that is gone; also without `export`."""
    script = "export NEW=1 CHANGED=1; scratch=1; unset GONE; EMPTY=1; export UNCHANGED=owner"
    config = {"CHANGED": "owner", "scratch": "owner", "GONE": "owner", "EMPTY": "", "UNCHANGED": "owner"}

    assert select(started(*start_script(script), config=config)).baked == config


def test_what_profile_sets_is_the_owners() -> None:
    """The app's .profile runs last: what it sets is config, also where a start script has set it."""
    script = "export ADDED=1 CHANGED=1 BOTH=1; unset GONE"
    profile = "export ADDED=2 BOTH=2 GONE=2 NEW=2; unset UNSET CHANGED"
    config = {"CHANGED": "owner", "BOTH": "owner", "GONE": "owner", "UNSET": "owner"}

    baked = select(started(*start_script(script), profile, config=config)).baked

    assert baked == {"ADDED": "2", "BOTH": "2", "GONE": "2", "NEW": "2"}


def test_what_profile_adds_to_an_option_is_the_owners() -> None:
    """The same whether a start script has put something before it, which depends on the kind of dyno."""
    metrics = 'export NODE_OPTIONS="$NODE_OPTIONS --require $HOME/.heroku/metrics/metrics_collector.cjs"'
    jvm = 'export JAVA_TOOL_OPTIONS="-Dany ${JAVA_TOOL_OPTIONS}"'
    profile = 'export NODE_OPTIONS="$NODE_OPTIONS --b" JAVA_TOOL_OPTIONS="$JAVA_TOOL_OPTIONS -Db"'
    config = {"NODE_OPTIONS": "--a", "JAVA_TOOL_OPTIONS": "-Da"}

    one = select(started(*start_script(metrics, jvm), profile, config=config)).baked
    other = select(started(*start_script(), profile, config=config)).baked

    assert one == other == {"NODE_OPTIONS": "--a --b", "JAVA_TOOL_OPTIONS": "-Da -Db"}


@settings(max_examples=50)
@given(owners=values, buildpacks=values)
@example(owners=b"\xff\xfe\n'\"\\$(id)`id`", buildpacks=b"\xc3")
@example(owners="ä".encode() * 100, buildpacks=b"")
def test_any_bytes_survive(owners: bytes, buildpacks: bytes) -> None:
    """A value is noted as it was, whatever it holds."""
    # The start script gets its value from a variable that no config can be.
    script = "export NAME=$_value"
    config = {"NAME": owners, "_value": buildpacks}
    variables = started(*start_script(script), config=config)

    assert variables.get("_DEPLOY_WAS_NAME", variables["NAME"]) == owners.decode("utf-8", "surrogateescape")
    assert variables["NAME"] == buildpacks.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("character", ["x", "ä", "😀"])
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_a_long_value_is_noted_as_long_as_a_process_can_be_given_it(character: str, locale: str) -> None:
    """One that is too long for a note is left out, and the next process still starts."""
    fits = character * (LONGEST // len(character.encode()))
    longer = fits + character

    for value, baked in ((fits, {"NAME": fits}), (longer, {})):
        config = {"NAME": value, "LC_ALL": locale}
        variables = started(*start_script("export NAME=other"), config=config)
        assert select(variables, exclude=["LC_ALL"]).baked == baked


@pytest.mark.parametrize("character", ["x", "ä", "😀"])
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_long_values_are_not_noted_twice(character: str, locale: str) -> None:
    """Of what a start script sets 4,096 characters are noted, of what it leaves alone nothing."""
    config = {"LONG": "a" + character * 30_000, "LC_ALL": locale}

    variables = started(*start_script("export ADDED=$LONG"), config=config)

    notes = sum(len(value) for name, value in variables.items() if name.startswith("_DEPLOY_"))
    assert notes < 20_000
    assert select(variables).baked == config


def test_a_shell_in_the_shell_adds_to_the_notes() -> None:
    """The first shell knows what the owner has set; only .profile may change it before the second starts."""
    script = 'export ADDED="$ADDED+" CHANGED="$CHANGED+" PROFILE="$PROFILE+"; unset GONE'
    again = "\n".join(start_script(script))
    profile = "export PROFILE=2 LATER=2"
    config = {"CHANGED": "owner", "GONE": "owner", "PROFILE": "owner", "KEPT": r"c:\temp"}

    nested = f"exec bash -c {shlex.quote(again + chr(10) + 'exec env -0')}"
    variables = started(again, profile, nested, config=config)

    assert variables["CHANGED"] == "owner++"
    assert select(variables).baked == {**config, "PROFILE": "2", "LATER": "2"}


def test_a_shell_in_a_shell_without_notes_notes_nothing() -> None:
    """Nobody knows what the outer one was started with, so the tables decide."""
    outer = "enable -n mapfile"
    script = "export WEB_CONCURRENCY=2 WEB_CONCURRENCY_SET_BY=heroku/nodejs"
    nested = f"exec bash -c {shlex.quote(chr(10).join(start_script()) + chr(10) + 'exec env -0')}"

    variables = started(outer, *start_script(script), nested, config={"NAME": "owner"})

    assert not [name for name in variables if name.startswith("_DEPLOY_")]
    assert select(variables).baked == {"NAME": "owner"}


def test_what_the_apps_own_start_scripts_set_is_the_owners(tmp_path: Path) -> None:
    """The build has left their names; what other scripts make of these variables is decided by tables."""
    (tmp_path / ".lambda-deploy").mkdir()
    (tmp_path / ".lambda-deploy/own-names").write_text(" NEW CHANGED NODE_OPTIONS LANG \n")
    script = "export NEW=1 CHANGED=1 LANG=en_US.UTF-8 PYTHONHOME=/x NODE_OPTIONS='--a --b' OTHER=1"
    metrics = 'NODE_OPTIONS="$NODE_OPTIONS --require $HOME/.heroku/metrics/metrics_collector.cjs"'
    config = {"HOME": str(tmp_path), "CHANGED": "owner", "NODE_OPTIONS": "--a"}

    baked = select(started(*start_script(script, metrics), config=config)).baked

    assert baked == {"NEW": "1", "CHANGED": "1", "LANG": "en_US.UTF-8", "NODE_OPTIONS": "--a --b"}


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("NAME=1\n\texport OTHER=2; [ -z x ] || THIRD=3 FOURTH=4", "FOURTH NAME OTHER THIRD"),
        ("export 'NAME=a b' \"OTHER=$(x y)\"; NAME+=c", "NAME OTHER"),
        (': "${NAME:=value}" "${OTHER=value}"; export NAME OTHER THIRD', "NAME OTHER THIRD"),
        ("declare -gx NAME; read -r OTHER THIRD <file; printf -v FOURTH %s x", "FOURTH NAME OTHER THIRD"),
        ("if true; then NAME=1; fi; unset OTHER; (SUBSHELL=1)", "NAME OTHER SUBSHELL"),
        ('echo "$NAME ${OTHER} ${THIRD:-x}" --option=1 [ "$x" == y ] # FOURTH', ""),
        ("caf\xe9=1; \0 NAME=1\r\n", "NAME"),
    ],
)
def test_the_build_finds_the_names_in_the_apps_own_start_scripts(
    tmp_path: Path, script: str, names: str
) -> None:
    """All that a script assigns or exports; scripts of buildpacks and what is no script are left alone."""
    folder = tmp_path / ".profile.d"
    (folder / "folder.sh").mkdir(parents=True)
    (folder / "app.sh").write_bytes(script.encode("latin-1"))
    (folder / "nodejs.sh").write_text("export NODE_HOME=1")
    (folder / "dangling.sh").symlink_to("nowhere")

    found = subprocess.run(
        ["bash", "-c", '. "$0/lib/command.sh"; command::own_names "$1"', REPOSITORY, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.split() == names.split()
    assert found.stderr == ""


def test_what_runs_after_it_is_decided_by_the_tables() -> None:
    """Platforms promise no order. A variable that was there before cannot be a default of a buildpack."""
    later = (
        "export NODE_HOME=$HOME/.heroku/node PYTHONHOME=$HOME/.heroku/python NODE_ENV=production",
        "export LANG=en_US.UTF-8 GUNICORN_CMD_ARGS='--access-logfile -' PYTHONUNBUFFERED=true",
        "export LD_LIBRARY_PATH=$HOME/.heroku/python/lib:$LD_LIBRARY_PATH",
    )
    config = {"NODE_ENV": "production", "LD_LIBRARY_PATH": "/opt/lib"}

    assert select(started(*start_script(), *later, config=config)).baked == config


# --- That no dyno minds it ------------------------------------------------------------------------

OPTIONS = {
    "strict": "set -eu",
    "posix": "set -o posix",
    "no globs": "set -f",
    "globs": "shopt -s nullglob failglob extglob dotglob",
    "ignored case": "shopt -s nocasematch",
    "export of all": "set -a",
    "IFS": "IFS=_=A",
    "strict with traps": "set -eu; trap 'exit 9' ERR; set -E",
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_works_with_any_option_of_the_shell(options: str) -> None:
    """It neither stops the dyno nor changes an option nor leaves anything but its notes behind."""
    config = {"CHANGED": "owner", "changed": "Owner", "A_A": "1"}
    seen = 'echo "$-"; shopt; declare -F'
    check = f'_before="$({seen}; trap)"; . {SCRIPT}; [ "$_before" = "$({seen}; trap)" ]; unset _before'

    variables = started("CHANGED=Owner changed=owner", options, check, config=config)

    assert select(variables).baked == config
    notes = {name for name in variables if name.startswith("_") and name != "_"}
    names = {f"_DEPLOY_{note}_{name}" for note in ("SET", "WAS") for name in ("CHANGED", "changed")}
    assert notes == {"_DEPLOY_STARTED_WITH", *names}


@pytest.mark.parametrize(
    "obstacle", ["enable -n mapfile", "mapfile() { return 1; }", "mapfile() { false; }; set -e"]
)
def test_a_dyno_without_what_it_needs_starts(obstacle: str) -> None:
    """Where the first environment cannot be read there are no notes, and no complaint."""
    variables = started(obstacle, *start_script("export NEW=1"), config={"NAME": "owner"})

    assert not [name for name in variables if name.startswith("_DEPLOY_")]
    assert select(variables).baked == {"NAME": "owner", "NEW": "1"}


def test_a_trace_shows_no_value() -> None:
    """Whoever traces a start script finds values in the trace of that one alone."""
    config = {"CHANGED": "canary", "KEPT": "canary"}

    result = finished("CHANGED=other", "set -x", *start_script(), "set +x", config=config)

    assert b"canary" in result.stdout
    assert b"canary" not in result.stderr


@pytest.mark.parametrize("shell", [("dash",), ("bash", "--posix"), ("busybox", "sh")])
def test_other_shells_pass_the_environment_on(shell: tuple[str, ...]) -> None:
    """They put `deploy` on the PATH."""
    config = {"NAME": "owner"}

    variables = started("set -eu", *start_script(), config=config, shell=shell)

    assert variables["PATH"].startswith("/nowhere/.lambda-deploy/bin:")
    assert select(variables).baked == config

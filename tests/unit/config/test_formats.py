"""The formats by themselves: what the bytes look like, and what is refused and how."""

import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import documents
import nasty
from command import make_slug
from deploy.config.formats import LONGEST_STRING, RESERVED_BY_LAMBDA, encode
from deploy.config.variables import select
from deploy.errors import InputError
from in_process import deploy
from targets import ARN

FILES = ("env.properties", "env.json", "env.sh")
CANARY = "canary-7f3a"


# --- what is written ------------------------------------------------------------------------------


@given(data=st.data(), config=nasty.shell_configs)
def test_the_same_config_makes_the_same_bytes(data: st.DataObject, config: dict[str, str]) -> None:
    """Whatever order the environment was in, the files are the same, and so is the package's CodeSha256."""
    shuffled = select(dict(data.draw(st.permutations(sorted(config.items()))))).baked
    baked = select(config).baked
    assert [encode(file, shuffled) for file in FILES] == [encode(file, baked) for file in FILES]


@given(
    name=st.from_regex(r"[A-Za-z_][A-Za-z0-9_.\-]*", fullmatch=True),
    value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\")),
)
def test_properties_are_plain(name: str, value: str) -> None:
    """An ordinary value stands in the file as it is, so that a reader that undoes no escape gets it right."""
    line = f"{name}={value}\n" if not value.startswith(" ") else f"{name}=\\{value}\n"
    assert encode("env.properties", {name: value}).content == line.encode()


def test_json_is_sorted_readable_and_utf_8() -> None:
    """A person can read it: one line a config var, no escape where none is needed."""
    config = select({"B": "größe 🔑", "A": "1"}).baked
    assert encode("env.json", config).content.decode() == '{\n  "A": "1",\n  "B": "größe 🔑"\n}\n'


def test_a_shell_script_is_executable_and_the_others_are_not() -> None:
    """Lambda starts the wrapper only where its mode says so."""
    assert [encode(file, {}).mode for file in FILES] == [0o644, 0o644, 0o755]


@pytest.mark.parametrize("file", FILES)
def test_no_representation_holds_a_value(file: str) -> None:
    """A baked file in a traceback or a log tells no secret."""
    assert CANARY not in repr(encode(file, {"SECRET": CANARY}))


# --- names that Lambda owns -----------------------------------------------------------------------


RESERVED_BY_AWS = """
    _HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE
    AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID
    AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR
    AWS_LAMBDA_MAX_CONCURRENCY AWS_LAMBDA_METADATA_API AWS_LAMBDA_METADATA_TOKEN
"""


@pytest.mark.parametrize(
    "name",
    [*RESERVED_BY_AWS.split(), "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"],
)
def test_what_lambda_owns_is_not_exported_but_is_in_the_other_formats(name: str) -> None:
    """AWS's list of reserved names, and SnapStart's credentials; a comment says what was left out."""
    config = {name: CANARY, "NAME": "value"}
    file = encode("env.sh", config)
    assert file.reserved == (name,)
    assert CANARY not in file.content.decode()
    assert f"# Not exported, the Lambda runtime owns them: {name}\n" in file.content.decode()
    for other in ("env.properties", "env.json"):
        assert CANARY in encode(other, config).content.decode()


@pytest.mark.parametrize(
    "name", ["TZ", "NODE_OPTIONS", "AWS_S3_BUCKET", "AWSOME", "MY_LAMBDA_NAME", "LAMBDA"]
)
def test_other_names_are_exported(name: str) -> None:
    """What only looks like Lambda's, and what AWS lets a function set, is the app's."""
    assert encode("env.sh", {name: "value"}).reserved == ()


def test_the_document_lists_what_lambda_owns() -> None:
    """The list in docs/config.md is the code's."""
    assert documents.marked_names(documents.CONFIG, "reserved by Lambda") == RESERVED_BY_LAMBDA


def test_the_deploy_says_what_is_not_exported(tmp_path: Path) -> None:
    """Nobody has to look into env.sh to learn that the function keeps its own key."""
    result = deploy(
        tmp_path,
        "config",
        env={"_LAMBDA_CONFIG_FILES": "env.sh", "AWS_ACCESS_KEY_ID": CANARY, "LAMBDA_TASK_ROOT": CANARY},
    )
    assert result.status == 0
    assert "env.sh does not export AWS_ACCESS_KEY_ID, LAMBDA_TASK_ROOT" in result.stderr
    assert CANARY not in result.stdout + result.stderr


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [name for name in nasty.NAMES if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]
)
def test_a_name_that_a_shell_cant_export_is_refused(name: str) -> None:
    """The message names the variable, on one line whatever is in it, the file and the way out."""
    with pytest.raises(InputError, match=r"conf/env\.sh") as caught:
        encode("conf/env.sh", {name: CANARY, "NAME": "value"})
    assert caught.value.why.endswith(": a shell can't export this name.")
    assert "\n" not in caught.value.why
    assert_tells_the_way_out(caught.value)


def test_all_that_env_sh_cant_hold_is_named_at_once() -> None:
    """Nobody has to deploy three times to learn of three problems."""
    with pytest.raises(InputError, match=r"env\.sh") as caught:
        encode("env.sh", {"my-name": CANARY, "UID": CANARY, "LONG": CANARY * LONGEST_STRING, "FINE": CANARY})
    assert [line.split(":")[0] for line in caught.value.why.splitlines()] == ["LONG", "UID", "my-name"]
    assert_tells_the_way_out(caught.value)


def assert_tells_the_way_out(error: InputError) -> None:
    told = f"{error.what}\n{error.why}\n{error.todo}"
    assert CANARY not in told
    assert "_LAMBDA_CONFIG_EXCLUDE" in error.todo
    assert "_LAMBDA_CONFIG_FILES=env.json" in error.todo


@pytest.fixture(scope="module")
def slug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A function with a module in a folder, and a folder that is named like a file."""
    return make_slug(
        tmp_path_factory.mktemp("slug"),
        {"config/index.js": b"exports.value = 1;\n", "folder.json/read.me": b"", "lib/tool.js": b""},
    )


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that would hear any call to AWS."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


BAD_INPUT: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    **{
        f"a value that is not UTF-8: {name}": (
            {"MY_VALUE": f"{CANARY}{value.decode('utf-8', 'surrogateescape')}"},
            ("MY_VALUE", "not valid UTF-8", "base64", "_LAMBDA_CONFIG_EXCLUDE"),
        )
        for name, value in nasty.INVALID_UTF_8.items()
    },
    "a name that is not UTF-8": (
        {"caf\udce9": CANARY},
        ("caf\\udce9", "not valid UTF-8", "_LAMBDA_CONFIG_EXCLUDE"),
    ),
    "a name that a shell can't export": (
        {"my-name": CANARY, "_LAMBDA_CONFIG_FILES": "env.json,env.sh"},
        ("my-name", "env.sh", "_LAMBDA_CONFIG_EXCLUDE"),
    ),
    "a name that the shell keeps": (
        {"GROUPS": CANARY, "_LAMBDA_CONFIG_FILES": "env.sh", "_LAMBDA_CONFIG_INCLUDE": "GROUPS"},
        ("GROUPS", "env.sh", "_LAMBDA_CONFIG_EXCLUDE"),
    ),
    "a file twice": (
        {"_LAMBDA_CONFIG_FILES": "env.json,env.json"},
        ("_LAMBDA_CONFIG_FILES", "env.json twice"),
    ),
    "an unknown extension": (
        {"_LAMBDA_CONFIG_FILES": "env.yml"},
        ("_LAMBDA_CONFIG_FILES", "env.yml", ".properties, .json, .sh"),
    ),
    "no extension": ({"_LAMBDA_CONFIG_FILES": "env"}, ("_LAMBDA_CONFIG_FILES", ".properties, .json, .sh")),
    "a path up": (
        {"_LAMBDA_CONFIG_FILES": "../env.json"},
        ("_LAMBDA_CONFIG_FILES", "../env.json", "leads out of the package"),
    ),
    "a path up further down": (
        {"_LAMBDA_CONFIG_FILES": "a/../../env.json"},
        ("_LAMBDA_CONFIG_FILES", "a/../../env.json", "leads out of the package"),
    ),
    "an absolute path": (
        {"_LAMBDA_CONFIG_FILES": "/tmp/env.json"},
        ("_LAMBDA_CONFIG_FILES", "/tmp/env.json", "leads out of the package"),
    ),
    "a folder of the artifact": (
        {"_LAMBDA_CONFIG_FILES": "folder.json"},
        ("folder.json", "has a folder of this name", "_LAMBDA_CONFIG_FILES"),
    ),
    "a file of the artifact as a folder": (
        {"_LAMBDA_CONFIG_FILES": "index.js/env.json"},
        ("index.js/env.json", "index.js is a file", "_LAMBDA_CONFIG_FILES"),
    ),
    "a file that shadows a module": (
        {"_LAMBDA_CONFIG_FILES": "config.json"},
        ("config.json", "config/index.js", "_LAMBDA_CONFIG_FILES"),
    ),
    "a file of the function": (
        {"_LAMBDA_CONFIG_FILES": "package.json"},
        ("package.json", "which it would replace", "_LAMBDA_CONFIG_FILES"),
    ),
}


@pytest.mark.parametrize(("config", "told"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_explained_before_anything_is_sent(
    slug: Path, listener: socket.socket, config: Mapping[str, str], told: tuple[str, ...]
) -> None:
    """The page names the variable, the file and the way out, never a value, and AWS has not been called."""
    result = deploy(slug, env={**target(listener), "SECRET": CANARY, **config})
    assert result.status == 2
    for words in told:
        assert words in result.stderr
    assert CANARY not in result.stdout + result.stderr
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_value_too_long_for_a_process_is_explained_before_anything_is_sent(
    slug: Path, listener: socket.socket, tmp_path: Path
) -> None:
    """Only a .env file can bring one: the process that deploys could not be given it either."""
    env_file = tmp_path / ".env"
    env_file.write_text(f"MY_VALUE='{CANARY * 20_000}'\n")
    environment = {**target(listener), "_LAMBDA_CONFIG_FILES": "env.sh"}
    result = deploy(slug, "--env-file", str(env_file), env=environment)
    assert result.status == 2
    for words in ("MY_VALUE", "env.sh", "128 KiB", "_LAMBDA_CONFIG_FILES=env.json"):
        assert words in result.stderr
    assert CANARY not in result.stdout + result.stderr
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_good_input_is_sent(slug: Path, listener: socket.socket) -> None:
    """The listener does hear a deploy that nothing is wrong with."""
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(_hang_up, listener)
        result = deploy(slug, env={**target(listener), "SECRET": CANARY})
        assert (result.status, heard.result()) == (1, True)


def _hang_up(listener: socket.socket) -> bool:
    listener.settimeout(30)
    listener.accept()[0].close()
    listener.close()  # what is asked again is refused
    return True


def target(listener: socket.socket) -> dict[str, str]:
    host, port = listener.getsockname()
    return {
        "_LAMBDA_FUNCTION_ARN": ARN,
        "_AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "_AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "_AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "_AWS_MAX_ATTEMPTS": "1",
    }

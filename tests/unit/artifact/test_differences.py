"""The difference between a deployed package and a new one, by name: config vars and code."""

import io
import re
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deploy.artifact.differences import LARGEST_CONFIG, Changes, Difference, compare
from deploy.config.formats import encode, variables
from deploy.errors import DeployError
from deploy.target.parsers import CONFIG_FORMATS

NOTHING = Changes((), (), ())


def zip_of(files: dict[str, bytes]) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return target


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
shell_names = st.from_regex(r"\A[A-Z][A-Z0-9_]{0,5}\Z")


@given(
    st.dictionaries(shell_names, texts, max_size=5),
    st.dictionaries(shell_names, texts, max_size=5),
    st.sampled_from(CONFIG_FORMATS),
)
def test_the_changes_of_any_config_are_found_in_any_format(
    old: dict[str, str], new: dict[str, str], extension: str
) -> None:
    """Added, changed and removed names, whatever the values hold: line breaks, quotes, `export X=`."""
    name = f"env{extension}"
    deployed = zip_of({name: encode(name, old).content})
    package = zip_of({name: encode(name, new).content})
    expected = Changes(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        tuple(sorted(old.keys() - new.keys())),
    )
    assert compare(deployed, package, [encode(name, new)]) == Difference(expected, NOTHING)


@given(st.dictionaries(texts.filter(lambda name: name and "=" not in name), texts, max_size=5))
def test_config_is_read_back_from_properties_and_json(config: dict[str, str]) -> None:
    """Names and values with any character in them, as `encode` escapes them."""
    for name in ("env.properties", "env.json"):
        assert variables(name, encode(name, config).content) == config


@given(st.dictionaries(shell_names, texts, max_size=5))
def test_config_is_read_back_from_a_shell_script(config: dict[str, str]) -> None:
    """Of what Lambda keeps for itself the names alone."""
    config["AWS_REGION"] = "eu-west-1"
    assert variables("env.sh", encode("env.sh", config).content) == {**config, "AWS_REGION": ""}


KEY = "-----BEGIN KEY-----\nc2VjcmV0LXRhaWwtb2Yta2V5LXE9\nsecretTailOfTheKeyQQ==\n-----END KEY-----"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("env.json", b"[]"),
        ("env.json", b"{"),
        ("env.json", b"\xff"),
        ("env.json", b"[" * 100_000),
        ("env.json", b'{"secretTail": "x"}'),
        ("env.json", b'{\n  "secretTail": ["x"]\n}\n'),
        ("env.properties", f"GREETING=hi\nPRIVATE_KEY={KEY}\n".encode()),
        ("env.properties", b"GREETING=hi\nURL: postgres://u:secretTail@h/db?sslmode=x\n"),
        ("env.properties", b"KEY=first\\\nsecretTail=\n"),
        ("env.properties", b"z=1\nsecretTail=\n"),
        ("env.properties", b"URL=x\rsecretTail=\n"),
        ("env.sh", b"export A='x\nexport secretTail=\\'\n'\n"),
        ("env.sh", b"#!/bin/sh\nexport A='x'\nexport UID='secretTail'\n"),
        ("env.sh", f"export PRIVATE_KEY='{KEY}'\n".encode()),
    ],
)
def test_of_a_config_file_of_someone_elses_no_name_is_shown(name: str, content: bytes) -> None:
    """What looks like a name may be a part of a value: it is only said that the file changes."""
    package = zip_of({"index.js": b"2"})
    deployed = zip_of({name: content, "index.js": b"1"})
    difference = compare(deployed, package, [encode(name, {"GREETING": "hi"})])
    assert difference.config is None
    assert f"The {name} of the deployed package would be replaced; it is not one" in difference.why
    assert "secretTail" not in str(difference)
    assert difference.code == Changes((), ("index.js",), ())


@given(
    content=st.text(st.sampled_from("AZ_az=: \\\n\r'\"{},#!\t") | st.characters()),
    end=st.sampled_from(CONFIG_FORMATS),
)
@example(content='{\n  "A": "1"\n}\n', end=".json")
def test_what_is_read_from_any_file_is_what_was_written(content: str, end: str) -> None:
    """A file from which names are taken is exactly one that `encode` writes."""
    name, data = f"env{end}", content.encode("utf-8", "surrogatepass")
    try:
        config = variables(name, data)
    except ValueError:
        return
    assert encode(name, config).content == data


def test_a_deployed_config_of_another_format_counts_as_none() -> None:
    """After a change of _LAMBDA_CONFIG_FILES the new file is new, and the old one is gone."""
    difference = compare(zip_of({"env.sh": b""}), zip_of({}), [encode("env.json", {"A": "1"})])
    assert difference == Difference(Changes(("A",), (), ()), Changes((), (), ("env.sh",)))


def test_a_damaged_config_entry_is_refused() -> None:
    """The checksum of the entry is compared."""
    deployed = bytearray(zip_of({"env.json": b"{}"}).getvalue())
    deployed[30 + len("env.json")] ^= 0xFF
    with pytest.raises(DeployError, match=r"The env\.json of the deployed package is damaged"):
        compare(io.BytesIO(bytes(deployed)), zip_of({}), [encode("env.json", {})])


@pytest.mark.parametrize("size", [LARGEST_CONFIG + 1, 5 * 1024**3])
def test_a_huge_config_entry_is_not_unpacked(size: int) -> None:
    """Whoever put it there: memory is bounded whatever it declares, and not a byte of it is read."""
    deployed = io.BytesIO()
    with zipfile.ZipFile(deployed, "w") as file:
        file.writestr("env.json", b"{}")
        file.getinfo("env.json").file_size = size
    deployed.getbuffer()[:30] = bytes(30)  # so reading the entry would report it as damaged
    difference = compare(deployed, zip_of({}), [encode("env.json", {})])
    assert difference.config is None
    assert re.search(r"^The env\.json of the deployed package .* [0-9.]+ MiB large, so", difference.why)


def test_a_deployed_package_that_is_no_zip_is_told_of_as_such() -> None:
    """What helps with an artifact of the build is no help here."""
    with pytest.raises(DeployError, match=r"The deployed package is not a complete ZIP") as caught:
        compare(io.BytesIO(b"<html>"), zip_of({}), [encode("env.json", {})])
    assert caught.value.todo == ""

"""The difference between a deployed package and a new one, by name: config vars and code."""

import io
import zipfile

import pytest
from hypothesis import given
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
def test_names_are_read_back_from_properties_and_json(config: dict[str, str]) -> None:
    """Names with any character in them, as `encode` escapes them."""
    for name in ("env.properties", "env.json"):
        assert set(variables(name, encode(name, config).content)) == set(config)


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff"])
def test_a_config_file_of_someone_elses_is_told(content: bytes) -> None:
    """An env.json that the app brought itself can't be compared."""
    with pytest.raises(DeployError, match=r"env\.json of the deployed package is none"):
        compare(zip_of({"env.json": content}), zip_of({}), [encode("env.json", {})])


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
    with pytest.raises(DeployError, match=r"^The env\.json of the deployed package is [0-9.]+ MB large, so"):
        compare(deployed, zip_of({}), [encode("env.json", {})])


def test_a_deployed_package_that_is_no_zip_is_told_of_as_such() -> None:
    """What helps with an artifact of the build is no help here."""
    with pytest.raises(DeployError, match=r"The deployed package is no whole ZIP") as caught:
        compare(io.BytesIO(b"<html>"), zip_of({}), [encode("env.json", {})])
    assert caught.value.todo == ""

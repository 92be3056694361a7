"""The app's own version, which `_LAMBDA_VERSION=package` takes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.artifact.kind import JAVA, NODEJS, OTHER
from deploy.build.version import READERS, find_version

POM = '<?xml version="1.0"?>\n<project xmlns="http://maven.apache.org/POM/4.0.0">{}</project>'


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("package.json", '{"name": "app", "version": "1.2.3"}', "1.2.3"),
        ("package.json", '\ufeff{"version": " 1.2.3\\n"}', "1.2.3"),
        ("package.json", '{"dependencies": {"version": "9.9.9"}}', None),
        ("package.json", '{"version": 1}', None),
        ("package.json", '["version"]', None),
        ("package.json", "{", None),
        ("pom.xml", POM.format("<version>1.0-SNAPSHOT</version>"), "1.0-SNAPSHOT"),
        ("pom.xml", "<project><version> 1.0 </version></project>", "1.0"),
        ("pom.xml", POM.format("<parent><version>2.0</version></parent>"), "2.0"),
        (
            "pom.xml",
            POM.format("<parent><version>2.0</version></parent><version>3.0</version>"),
            "3.0",
        ),
        ("pom.xml", POM.format("<dependency><version>9.9</version></dependency>"), None),
        (
            "pom.xml",
            POM.format(
                "<version>${revision}${suffix}</version><properties><revision>${major}.1</revision>"
                "<suffix>-rc.1</suffix><major>4</major></properties>"
            ),
            "4.1-rc.1",
        ),
        ("pom.xml", POM.format("<version>${from.the.command.line}</version>"), None),
        (
            "pom.xml",
            POM.format("<version>${a}</version><properties><a>${b}</a><b>${a}</b></properties>"),
            None,
        ),
        ("pom.xml", "<project", None),
        ("gradle.properties", "# version=0\norg.gradle.jvmargs=-Xmx1g\nversion = 1.2.3\n", "1.2.3"),
        ("gradle.properties", "version:1.0\nversion 1.1\r\n", "1.1"),
        ("gradle.properties", "versions=1\nlib.version=2\n", None),
        ("gradle.properties", "version=\n", None),
        ("pyproject.toml", '[project]\nname = "app"\nversion = "1.2.3"  # now\n', "1.2.3"),
        ("pyproject.toml", "[build-system]\nrequires = [\n]\n\n[tool.poetry]\r\nversion = '1.2'\r\n", "1.2"),
        ("pyproject.toml", '[tool.black]\nversion = "9"\n[project]\ndynamic = ["version"]\n', None),
        ("pyproject.toml", '[project]\nname = "app"\n[tool.other]\nversion = "9"\n', None),
    ],
)
def test_each_file_says_it_in_its_own_way(name: str, text: str, expected: str | None, tmp_path: Path) -> None:
    """A Maven parent's version and properties count, those of dependencies do not."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_version(tmp_path, OTHER) == expected


def test_the_kind_of_the_app_says_which_file_counts(tmp_path: Path) -> None:
    """A Java app's package.json is that of its front end, and a pom.xml comes before Gradle's file."""
    (tmp_path / "package.json").write_text('{"version": "1.0.0"}', encoding="utf-8")
    assert find_version(tmp_path, JAVA) is None
    (tmp_path / "gradle.properties").write_text("version=2.0.0", encoding="utf-8")
    assert find_version(tmp_path, JAVA) == "2.0.0"
    (tmp_path / "pom.xml").write_text(POM.format("<version>3.0.0</version>"), encoding="utf-8")
    assert find_version(tmp_path, JAVA) == "3.0.0"
    assert find_version(tmp_path, NODEJS) == "1.0.0"


def test_an_app_without_a_version_is_built_all_the_same(tmp_path: Path) -> None:
    """Nobody may ever ask for it."""
    assert find_version(tmp_path, NODEJS) is None
    (tmp_path / "package.json").mkdir()
    assert find_version(tmp_path, NODEJS) is None


@given(name=st.sampled_from(sorted(READERS)), content=st.binary(max_size=300))
def test_no_content_stops_a_build(
    name: str, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is wrong with a file, its own tool says."""
    app = tmp_path_factory.mktemp("app")
    (app / name).write_bytes(content)
    found = find_version(app, OTHER)
    assert found is None or found.strip() == found != ""

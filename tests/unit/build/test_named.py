"""The artifact that is named: by what, where, and what is made of it."""

import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bases import fill, jar, make_base, refusal
from deploy.artifact.base import BASE_ZIP, read
from deploy.build.elf import architecture_of
from deploy.build.named import FILE, Named, read_name
from deploy.build.zip.compression import COMPRESSION
from deploy.errors import InputError
from deploy.target.environment import read_app
from deploy.target.settings import Settings
from programs import ARM64, X86_64, elf
from zips import zip_of


def names(app: Path) -> list[str]:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        assert file.testzip() is None
        return file.namelist()


def mode(app: Path, name: str) -> int:
    with zipfile.ZipFile(app / BASE_ZIP) as file:
        return stat.S_IMODE(file.getinfo(name).external_attr >> 16)


# --- what is deployed ------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["artifact", "jar_file"])
def test_a_zip_is_the_base_unchanged(app: Path, setting: str) -> None:
    """Of an app that is of no kind, by either name of the setting."""
    jar(app, "build/function.zip")
    settings: dict[str, Any] = {setting: "build/function.zip"}
    base, _ = make_base(app, **settings)
    assert (base.kind, base.base, base.compression) == ("other", "build/function.zip", None)
    assert not (app / BASE_ZIP).exists()
    assert read(app) == base


@pytest.mark.parametrize(
    ("build_file", "kind"),
    [("pom.xml", "java"), ("package.json", "nodejs"), ("requirements.txt", "python"), ("go.mod", "other")],
)
def test_a_folder_is_packed_with_its_files_at_the_root(app: Path, build_file: str, kind: str) -> None:
    """Of an app of any kind, and nothing else of the app is."""
    fill(app, build_file, "index.js", ".output/server/index.mjs", ".output/server/chunks/a.mjs", ".output/x")
    base, shown = make_base(app, artifact=".output/server/")
    assert (base.kind, base.base, base.compression) == (kind, BASE_ZIP, COMPRESSION)
    assert names(app) == ["chunks/a.mjs", "index.mjs"]
    assert shown.startswith("-----> Making the base ZIP of .output/server\n")


def test_hidden_files_in_a_folder_are_the_builds_output(app: Path) -> None:
    """At the root of an app they belong to tools; of a folder that is named all is deployed."""
    fill(app, "dist/.env.defaults", "dist/.vite/manifest.json", "dist/Procfile", "dist/index.js")
    make_base(app, artifact="dist")
    assert names(app) == [".env.defaults", ".vite/manifest.json", "Procfile", "index.js"]


def test_lambdaignore_applies_to_paths_in_the_app(app: Path) -> None:
    """Its lines mean the same whatever is deployed."""
    fill(app, "dist/index.js", "dist/index.js.map", "dist/docs/a", "docs/b")
    (app / ".lambdaignore").write_text("*.map\n/docs/\n/dist/docs/\n")
    make_base(app, artifact="dist")
    assert names(app) == ["index.js"]


def test_the_app_itself_can_be_named(app: Path) -> None:
    """For languages that are deployed as they lie there: as with Node.js, without what is hidden."""
    fill(app, "function.rb", "vendor/bundle/a.rb", ".git/HEAD", ".ruby-version", "Procfile")
    base, _ = make_base(app, artifact=".")
    assert (base.kind, names(app)) == ("other", ["function.rb", "vendor/bundle/a.rb"])


def test_links_stay_in_the_folder(app: Path) -> None:
    """Those within it are kept; one that leads out of it would lead nowhere in Lambda."""
    fill(app, "dist/real/a.js", "node_modules/b.js")
    (app / "dist/a.js").symlink_to("real/a.js")
    make_base(app, artifact="dist")
    assert names(app) == ["a.js", "real/a.js"]
    (app / "dist/b.js").symlink_to("../node_modules/b.js")
    text = refusal(app, artifact="dist")
    assert "The symbolic link dist/b.js leads out of dist." in text
    assert "Put the file itself there, or name the link in .lambdaignore." in text
    (app / ".lambdaignore").write_text("/dist/b.js\n")
    make_base(app, artifact="dist")


def test_the_same_folder_makes_the_same_bytes(app: Path, tmp_path: Path) -> None:
    """Wherever it lies, and whatever its files' times and owners are."""
    fill(app, "dist/b.js", "dist/a/c.js")
    first, _ = make_base(app, artifact="dist")
    other = tmp_path / "other"
    fill(other, "dist/a/c.js", "dist/b.js", "unrelated")
    os.utime(other / "dist/b.js", (0, 0))
    assert make_base(other, artifact="dist")[0].sha256 == first.sha256


@pytest.mark.parametrize(
    ("path", "content", "expected", "expected_mode"),
    [
        ("bootstrap", b"#!/bin/sh\n", "bootstrap", 0o755),
        ("bin/my-function", elf(), "bootstrap", 0o755),
        ("run.sh", b"#!/bin/bash\n", "run.sh", 0o755),
        ("dist/index.mjs", b"export const handler", "index.mjs", 0o644),
        ("main.py", b"def handler", "main.py", 0o644),
    ],
)
def test_a_single_file_is_packed(
    app: Path, path: str, content: bytes, expected: str, expected_mode: int
) -> None:
    """A program is executable, whatever its mode was, and a compiled one has the name that Lambda starts."""
    fill(app, **{path: content})
    base, shown = make_base(app, artifact=path)
    assert (base.base, names(app), mode(app, expected)) == (BASE_ZIP, [expected], expected_mode)
    assert ("A program has to be called bootstrap" in shown) == (path == "bin/my-function")
    assert " !" not in shown


@pytest.mark.parametrize(("machine", "architecture"), [(X86_64, "x86_64"), (ARM64, "arm64")])
@pytest.mark.parametrize("artifact", ["bootstrap", "out", "function.zip"])
def test_the_architecture_of_a_program_is_recorded(
    app: Path, artifact: str, machine: int, architecture: str
) -> None:
    """doctor compares it with the function's: by itself, in a folder, and in a ZIP."""
    fill(app, bootstrap=elf(machine), **{"out/bootstrap": elf(machine)})
    (app / "function.zip").write_bytes(zip_of({"bootstrap": elf(machine)}, mode=0o100755))
    base, shown = make_base(app, artifact=artifact)
    assert base.architecture == architecture
    assert " !" not in shown


def test_a_bootstrap_in_a_folder_is_executable(app: Path) -> None:
    """A repository that was written on Windows has no modes."""
    fill(app, **{"out/bootstrap": b"#!/bin/sh\n", "out/bin/bootstrap": b"x"})
    assert "!" not in make_base(app, artifact="out")[1]
    assert (mode(app, "bootstrap"), mode(app, "bin/bootstrap")) == (0o755, 0o644)


@pytest.mark.parametrize(
    ("content", "entry_mode", "expected"),
    [
        (b"\xcf\xfa\xed\xfe", 0o755, "bootstrap is neither a program for Linux nor a script"),
        (elf(3), 0o755, "bootstrap is a program for a processor that Lambda does not have"),
        (b"#!/bin/sh\n", 0o644, "bootstrap is not executable"),
    ],
)
def test_a_bootstrap_that_can_not_start_is_pointed_out(
    app: Path, content: bytes, entry_mode: int, expected: str
) -> None:
    """Built for macOS, for 32 bits, or packed without its mode."""
    app.joinpath("f.zip").write_bytes(zip_of({"bootstrap": content}, mode=0o100000 | entry_mode))
    assert f" !     {expected}" in make_base(app, artifact="f.zip")[1]


@pytest.mark.parametrize("beside", ["index.html", "index.js"])
def test_a_folder_whose_program_lambda_would_not_start_is_pointed_out(app: Path, beside: str) -> None:
    """Unless the folder has code of a language, whose runtime starts that."""
    fill(app, f"out/{beside}", **{"out/my-function": elf()})
    starts_nothing = beside == "index.html"
    shown = make_base(app, artifact="out")[1]
    assert ("the package has none: my-function." in " ".join(shown.split())) == starts_nothing


@given(st.binary(max_size=64))
def test_any_beginning_of_a_file_is_looked_at(head: bytes) -> None:
    """What is no program has no architecture, and none is too short."""
    assert architecture_of(head) is None or head.startswith(b"\x7fELF")


@pytest.mark.parametrize(
    ("build_file", "files", "expected"),
    [
        (
            "package.json",
            ["dist/index.html"],
            "dist holds no code of the app: no file ends in .js or",
        ),
        ("package.json", ["dist/a/index.mjs"], ""),
        ("package.json", ["dist/bootstrap"], ""),
        (
            "pyproject.toml",
            ["dist/index.js"],
            "dist holds no code of the app: no file ends in .py or",
        ),
        ("pom.xml", ["dist/a.txt"], "dist holds no class, and no JAR in lib/"),
        ("pom.xml", ["dist/lib/a.jar"], ""),
        ("go.mod", ["dist/a.txt"], ""),
    ],
)
def test_an_artifact_without_code_is_pointed_out(
    app: Path, build_file: str, files: list[str], expected: str
) -> None:
    """The wrong one of two folders is the usual mistake; of an app of no kind nobody knows."""
    fill(app, build_file, *files)
    if files == ["dist/bootstrap"]:
        (app / files[0]).write_text("#!/bin/sh\n")
    shown = make_base(app, artifact="dist")[1]
    assert (f" !     {expected}" in shown) if expected else (" !" not in shown)


# --- what is not -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("dist/server", "names is not there: dist/server.\ndist holds:\n  client/\n  index.html\n"),
        ("out", "names is not there: out.\nThe app holds:\n  .git/\n  dist/\n  empty/\n  go.mod\n  pipe\n"),
        ("out/a/b", "names is not there: out/a/b.\nThe app holds:\n"),
        ("empty/a", "names is not there: empty/a.\nempty is empty.\n"),
        ("empty", "The folder empty holds no file: there is nothing to deploy."),
        ("../app2", "../app2 leads out of the app."),
        ("../nothing", "../nothing leads out of the app."),
        ("mac", "mac is a program for macOS, and Lambda runs Linux."),
        ("f.exe", "f.exe is a program for Windows, and Lambda runs Linux."),
        (".git", "_LAMBDA_ARTIFACT names .git, which belongs to the platform"),
        (".lambda-deploy", "_LAMBDA_ARTIFACT names .lambda-deploy, which belongs to the platform"),
        ("pipe", "_LAMBDA_ARTIFACT names pipe, which is neither a file nor a folder."),
        ("go.mod", "The artifact is not a whole ZIP or JAR file"),
        ("a\nb\udcff", "is not there: a\\nb\\udcff.\n"),
        ("x" * 5000, f"is not there: {'x' * 5000}.\n"),
    ],
)
def test_what_can_not_be_deployed_is_explained(app: Path, named: str, expected: str) -> None:
    """With what is there instead."""
    fill(app, "go.mod", "dist/index.html", "dist/client/a", ".git/HEAD", "../app2/a")
    (app / "empty").mkdir()
    os.mkfifo(app / "pipe")
    if named in {"mac", "f.exe"}:
        (app / named).write_bytes(b"\xcf\xfa\xed\xfe" if named == "mac" else b"MZ\x90\0")
    assert expected in refusal(app, artifact=named).replace("  .lambda-deploy/\n", "")


def test_a_folder_of_which_nothing_is_left_is_refused(app: Path) -> None:
    """The error names the file that leaves it out."""
    fill(app, "dist/a.js")
    (app / ".lambdaignore").write_text("dist/a.js\n")
    assert ".lambdaignore leaves out every file of dist" in refusal(app, artifact="dist")


# --- what names it ---------------------------------------------------------------------------------


def test_the_setting_wins_over_the_file(app: Path) -> None:
    """The file is the repository's, the setting the stage's; the older name is one of the setting."""
    (app / FILE).write_text("from-file\n")
    assert read_name(app, Settings(artifact="a")) == Named("a", "_LAMBDA_ARTIFACT")
    assert read_name(app, Settings(jar_file="b")) == Named("b", "_LAMBDA_JAR_FILE")
    assert read_name(app, Settings()) == Named("from-file", FILE)
    (app / FILE).unlink()
    assert read_name(app, Settings()) is None


@pytest.mark.parametrize(
    "content",
    [b"dist", b"dist\n", b"# what the build makes\r\n\r\n  dist \r\n", b"\xef\xbb\xbfdist\n", b"./dist/\n"],
)
def test_the_file_names_the_artifact(app: Path, content: bytes) -> None:
    """One path, with comments, blanks and the line ends of any editor."""
    fill(app, "dist/a.js")
    (app / FILE).write_bytes(content)
    base, _ = make_base(app)
    assert (base.kind, names(app)) == ("other", ["a.js"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ".lambda-artifact names no artifact."),
        (b"# nothing\n\n", ".lambda-artifact names no artifact."),
        (b"a\nb\n", ".lambda-artifact has 2 lines, and an app has one artifact."),
        (b"/etc/passwd\n", ".lambda-artifact holds /etc/passwd, which is an absolute path."),
        (b"../x\n", "../x leads out of the app."),
        (b"gone\n", "The artifact that .lambda-artifact names is not there: gone."),
        (b"\xff\n", ".lambda-artifact is not UTF-8 text."),
        (b"a\0b\n", ".lambda-artifact is not UTF-8 text."),
        (b"go.mod\n", "The artifact is go.mod, which .lambda-artifact names."),
    ],
)
def test_a_wrong_file_is_explained(app: Path, content: bytes, expected: str) -> None:
    """It is named, for nobody has set anything."""
    fill(app, "go.mod", "../x")
    (app / FILE).write_bytes(content)
    assert expected in refusal(app)


def test_a_file_that_is_a_folder_is_explained(app: Path) -> None:
    """The app has to be of a kind for that, or bin/detect would not see it."""
    fill(app, "package.json", f"{FILE}/a")
    assert ".lambda-artifact is not a regular file." in refusal(app)


@given(st.binary(max_size=40))
def test_any_content_of_the_file_names_one_path_or_is_refused(tmp_path_factory: Any, content: bytes) -> None:
    """No content ends in another exception."""
    app = tmp_path_factory.mktemp("app")
    (app / FILE).write_bytes(content)
    try:
        named = read_name(app, Settings())
    except InputError as error:
        assert FILE in error.what
        return
    assert named is not None
    assert named.path
    assert not {"\n", "\0"} & set(named.path)


@pytest.mark.parametrize("older", ["dist", "target/f.jar"])
def test_both_names_of_the_setting_may_not_differ(app: Path, older: str) -> None:
    """Which of the two was meant, nobody knows; a deploy does not care, for it does not read them."""
    variables = {"_LAMBDA_ARTIFACT": "dist", "_LAMBDA_JAR_FILE": older}
    if older == "dist":
        assert read_app(variables, app, ["build"]).settings.artifact == "dist"
        return
    with pytest.raises(InputError) as caught:
        read_app(variables, app, ["build"])
    assert "_LAMBDA_ARTIFACT names one path, and _LAMBDA_JAR_FILE, which" in caught.value.why
    read_app(variables, app)


def test_build_json_says_what_it_needs(app: Path) -> None:
    """Its reader gets the runtime and the architecture back."""
    fill(app, bootstrap=elf(ARM64))
    make_base(app, artifact="bootstrap")
    content = json.loads((app / ".lambda-deploy/build.json").read_text())
    assert (content["kind"], content["runtime"], content["architecture"]) == ("other", None, "arm64")

"""bin/detect, run for real."""

from pathlib import Path

import pytest

from buildpack import ROOT, Result, platform, run

UNKNOWN = """\
 !     This is not a Java, Node.js or Python app, so it isn't clear what to deploy to AWS Lambda.
 !
 !     Looked for, in the root of the app:
 !       pom.xml, build.gradle or build.gradle.kts (Java)
 !       package.json (Node.js)
 !       requirements.txt, pyproject.toml or uv.lock (Python)
 !       .lambda-artifact (artifact)
 !
 !     Found there:
{contents}
 !
 !     If the file is there on your machine, check that
 !       1. it is committed: git ls-files
 !       2. it lies in the root of the repository, not in a folder
 !       3. its name is spelled as above, in lower case
 !
 !     Anything else can be deployed if a file .lambda-artifact holds its path in the app: a ZIP, a
 !     folder, or a program such as a Go binary. A build that makes it has to run before this buildpack.
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the platform's environment."""
    return platform(tmp_path)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return an empty folder."""
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def detect(app: Path, environment: dict[str, str]) -> Result:
    """Run bin/detect."""
    return run(ROOT / "bin/detect", app, environment=environment)


def unknown(*contents: str) -> Result:
    """Make the answer to an app that holds just this."""
    lines = "\n".join(f" !       {line}" for line in contents)
    return Result(1, "", UNKNOWN.format(contents=lines))


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (["pom.xml"], "Java"),
        (["build.gradle"], "Java"),
        (["build.gradle.kts"], "Java"),
        (["package.json"], "Node.js"),
        (["package.json", "pom.xml"], "Java"),
        (["package.json", "build.gradle"], "Java"),
        (["requirements.txt"], "Python"),
        (["pyproject.toml", "go.mod"], "Python"),
        (["uv.lock"], "Python"),
        (["requirements.txt", "package.json"], "Node.js"),
        (["go.mod", ".lambda-artifact"], "artifact"),
        ([".lambda-artifact", "requirements.txt"], "Python"),
    ],
)
def test_names_the_kind_of_app(app: Path, environment: dict[str, str], files: list[str], kind: str) -> None:
    """An app is detected by its build file, in this order; a file that names an artifact will do, too."""
    for name in files:
        (app / name).touch()

    assert detect(app, environment) == Result(0, f"AWS Lambda ({kind})\n", "")


def test_lists_what_is_there_instead(app: Path, environment: dict[str, str]) -> None:
    """Any other app is refused with a list of what was looked for and of what is there."""
    (app / "Dockerfile").touch()
    (app / ".git").mkdir()
    (app / "src").mkdir()
    (app / "src/package.json").touch()

    assert detect(app, environment) == unknown(".git/", "Dockerfile", "src/")


def test_says_that_a_folder_is_empty(app: Path, environment: dict[str, str]) -> None:
    """An empty app is refused in words, not with an empty list."""
    assert detect(app, environment) == unknown("nothing: the folder is empty")


def test_takes_no_folder_for_a_build_file(app: Path, environment: dict[str, str]) -> None:
    """A folder called package.json does not make a Node.js app."""
    (app / "package.json").mkdir()

    assert detect(app, environment) == unknown("package.json/")


def test_keeps_the_list_short(app: Path, environment: dict[str, str]) -> None:
    """Of many files only the first twenty are listed, and of a long name only its beginning."""
    (app / ("0" * 200)).touch()
    for number in range(30):
        (app / f"file-{number:02}").touch()

    listed = ["0" * 60 + "...", *(f"file-{number:02}" for number in range(19))]
    assert detect(app, environment) == unknown(*listed, "... and 11 more")


def test_names_cannot_steer_the_terminal(app: Path, environment: dict[str, str]) -> None:
    """Control characters in the names of files are spelled out."""
    (app / "red\x1b[31m").touch()
    (app / "two\nlines").touch()
    (app / "über uns.md").touch()

    assert detect(app, environment) == unknown("$'red\\E[31m'", "$'two\\nlines'", "über uns.md")


@pytest.mark.parametrize("name", ["with blanks", "-n", "quote'\"s", "line\nbreak", "end\n", "$(id)"])
def test_works_for_every_folder_name(tmp_path: Path, environment: dict[str, str], name: str) -> None:
    """The app is found whatever its folder is called, by its absolute and by its relative path."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "pom.xml").touch()
    script = ROOT / "bin/detect"

    by_absolute_path = run(script, tmp_path / name, environment=environment)
    by_relative_path = run(script, name, environment=environment, cwd=tmp_path)

    assert by_absolute_path == by_relative_path == Result(0, "AWS Lambda (Java)\n", "")


def test_does_not_mind_the_way_it_is_called(app: Path, environment: dict[str, str]) -> None:
    """A relative path to the script and a CDPATH in the environment change nothing."""
    (app / "pom.xml").touch()
    environment["CDPATH"] = str(ROOT)

    result = run("bin/detect", app, environment=environment, cwd=ROOT)

    assert result == Result(0, "AWS Lambda (Java)\n", "")


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_explains_its_usage(environment: dict[str, str], arguments: list[str]) -> None:
    """A wrong number of arguments is a usage error with an exit status of its own."""
    result = run(ROOT / "bin/detect", *arguments, environment=environment)

    assert result == Result(
        2,
        "",
        f" !     Wrong number of arguments: {len(arguments)}.\n !\n !     Usage: bin/detect <build-dir>\n",
    )


@pytest.mark.parametrize("folder", ["", "/nowhere", "pom.xml"])
def test_wants_a_folder(app: Path, environment: dict[str, str], folder: str) -> None:
    """What is no folder is a usage error, even a file of a Java app."""
    (app / "pom.xml").touch()

    result = run(ROOT / "bin/detect", folder, environment=environment, cwd=app)

    assert result == Result(
        2,
        "",
        f' !     There is no such folder: "{folder}"\n'
        " !\n"
        " !     The first argument has to be the folder that holds the app.\n",
    )

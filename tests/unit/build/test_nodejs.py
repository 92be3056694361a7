"""What a Node.js app does not bring along: dependencies where Lambda can't find them, and hidden output."""

import json
from pathlib import Path

import pytest

from bases import fill, make_base, refusal
from deploy.artifact.base import BASE_ZIP
from zips import raw_data

USES_LODASH = json.dumps({"dependencies": {"lodash": "4"}})
PLUG_N_PLAY = "The app's dependencies are installed by Yarn's Plug'n'Play, which does not work in Lambda.\n"


def package(app: Path, text: str = "{}") -> None:
    (app / "package.json").write_text(text)


# --- Yarn's Plug'n'Play -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files", [[".pnp.cjs"], [".pnp.cjs", ".pnp.loader.mjs"], [".pnp.loader.mjs"], [".pnp.js"]]
)
@pytest.mark.parametrize("manifest", [USES_LODASH, '{"workspaces": ["packages/*"]}'])
def test_plug_n_play_is_refused_with_what_to_set(app: Path, files: list[str], manifest: str) -> None:
    """Neither .pnp.cjs nor .yarn is in a package, and Lambda would not use them: no deploy is better."""
    package(app, manifest)
    fill(app, "index.js", ".yarn/cache/lodash.zip", *files)
    text = refusal(app)
    assert text.startswith(f"{PLUG_N_PLAY}There is {' and '.join(files)}, but no node_modules")
    assert "Write `nodeLinker: node-modules` into .yarnrc.yml, run `yarn install`" in text
    assert not (app / BASE_ZIP).exists()


def test_a_node_modules_with_nothing_but_caches_has_no_dependencies(app: Path) -> None:
    """Babel, ESLint and others make one for themselves, also where Yarn has none."""
    package(app, USES_LODASH)
    fill(app, "index.js", ".pnp.cjs", "node_modules/.cache/babel/x.json")
    assert refusal(app).startswith(PLUG_N_PLAY)
    fill(app, "node_modules/lodash/index.js")
    assert " !" not in make_base(app)[1]


@pytest.mark.parametrize(
    "manifest", ["{}", '{"dependencies": {}}', '{"devDependencies": {"esbuild": "1"}}', "[]"]
)
def test_an_app_without_dependencies_may_have_them_installed_anywhere(app: Path, manifest: str) -> None:
    """One that is bundled has development dependencies alone."""
    package(app, manifest)
    fill(app, "index.js", ".pnp.cjs")
    assert " !" not in make_base(app)[1]


@pytest.mark.parametrize("ignored", ["/.pnp.cjs", ".pnp.*"])
def test_a_bundled_app_says_so_by_ignoring_the_file(app: Path, ignored: str) -> None:
    """The way out that the error names: then there is no more than the notice about node_modules."""
    package(app, USES_LODASH)
    fill(app, "index.js", ".pnp.cjs", ".pnp.loader.mjs")
    assert "write `/.pnp.cjs` into .lambdaignore" in refusal(app)
    (app / ".lambdaignore").write_text(f"{ignored}\n")
    assert "Unless the app bundles them" in make_base(app)[1]


# --- hidden output ----------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", [".next", ".output", ".webpack", ".build", ".vercel"])
def test_hidden_output_is_named_if_no_code_is_left(app: Path, folder: str) -> None:
    """Sources in TypeScript, tools' configuration and packages are nothing that a handler is loaded from."""
    package(app)
    fill(
        app, f"{folder}/server/index.mjs", "node_modules/a/index.js", "app.vue", "src/a.ts", "nuxt.config.js"
    )
    shown = make_base(app)[1]
    assert f" !     The package holds no code of the app, but there is build output in {folder}.\n" in shown
    assert f"re-include it in .lambdaignore: `!/{folder}/`.\n" in shown
    (app / ".lambdaignore").write_text(f"!/{folder}/\n")
    assert " !" not in make_base(app)[1]
    assert f"{folder}/server/index.mjs" in raw_data((app / BASE_ZIP).read_bytes())


@pytest.mark.parametrize("code", ["index.js", "src/handler.mjs", "lib/deep/x.cjs", "config.js"])
def test_nothing_is_said_where_there_is_code(app: Path, code: str) -> None:
    """A folder from a build for something else does not matter then."""
    package(app)
    fill(app, ".next/server.js", code)
    assert " !" not in make_base(app)[1]


def test_several_folders_are_named_and_others_are_not(app: Path) -> None:
    """An empty folder, a file of that name and other hidden folders are no output."""
    package(app)
    fill(app, ".output/a.js", ".vercel/b.js", ".cache/c.js", ".build")
    (app / ".next").mkdir()
    shown = make_base(app)[1]
    assert "build output in .output and .vercel.\n" in shown
    assert "`!/.output/` or `!/.vercel/`." in shown


def test_output_that_is_deployed_without_code_is_not_asked_for(app: Path) -> None:
    """A folder that is re-included needs no line; the other one may still."""
    package(app)
    fill(app, ".output/data.json", ".webpack/index.js")
    (app / ".lambdaignore").write_text("!/.output/\n")
    assert "build output in .webpack.\n" in make_base(app)[1]


# --- names, and what platforms write ----------------------------------------------------------------


def test_what_the_last_buildpacks_release_printed_is_left_out(app: Path) -> None:
    """Heroku's buildpacks and Dokku's write it into the app; one deeper down is the app's own."""
    package(app)
    fill(app, "index.js", "last_pack_release.out", "docs/last_pack_release.out")
    make_base(app)
    assert list(raw_data((app / BASE_ZIP).read_bytes())) == [
        "docs/last_pack_release.out",
        "index.js",
        "package.json",
    ]


def test_control_characters_in_names_are_pointed_out(app: Path) -> None:
    """As in a JAR; macOS leaves a file called Icon and a carriage return."""
    package(app)
    fill(app, "index.js", "Icon\r")
    shown = make_base(app)[1]
    assert "There are control characters or backslashes in the name of:\n !       Icon\\r\n" in shown
    (app / ".lambdaignore").write_text("Icon?\n")
    assert " !" not in make_base(app)[1]

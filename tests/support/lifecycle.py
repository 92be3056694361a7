"""A lifecycle of Cloud Native Buildpacks, as far as one buildpack can tell: phases, folders and variables.

After the buildpack specification, API 0.10: `build` restores what the last build left, runs bin/build as a
user who is not root, and reads what it wrote. `Image.launch` starts a process as an image's launcher does.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from buildpack import Result, run
from image_launcher import read_toml

USER = 1000
LAUNCHER = Path(__file__).with_name("image_launcher.py")
PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass
class Image:
    """What an export would put into an image, and what the platform keeps: layers stay where they are."""

    layers: Path
    app: Path
    buildpack: str
    reused: list[str] = field(default_factory=list)

    def toml(self, name: str) -> Any:
        """Return the content of a file that the buildpack wrote."""
        return read_toml(self.folder / name)

    @property
    def folder(self) -> Path:
        """Return the folder of the buildpack's layers."""
        return self.layers / self.buildpack.replace("/", "_")

    @property
    def processes(self) -> dict[str, Any]:
        """Return the process types."""
        return {process["type"]: process for process in self.toml("launch.toml").get("processes", [])}

    def launch(
        self,
        process: str,
        *arguments: str,
        container: Mapping[str, str],
        others: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Start a process type, or a command, in a container with these variables.

        `others` are variables that the layers of other buildpacks set, before any exec.d program runs.
        """
        command = self.processes[process]["command"] if process in self.processes else [process]
        launcher: list[str | Path] = [LAUNCHER, self.folder, process, repr(dict(others or {}))]
        environment = {
            "PATH": f"/cnb/process:/cnb/lifecycle:{PATH}",
            "CNB_APP_DIR": str(self.app),
            **container,
        }
        return run(
            sys.executable, *launcher, *command, *arguments, environment=environment, cwd=cwd or self.app
        )


@dataclass
class Lifecycle:
    """A platform that builds one app over and over."""

    buildpack: Path
    folder: Path
    python: str
    config: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Return the name of the buildpack."""
        return str(read_toml(self.buildpack / "buildpack.toml")["buildpack"]["id"])

    def detect(self, app: Path, **variables: str) -> Result:
        """Run bin/detect, with the arguments that the lifecycle still passes."""
        plan = self.folder / "plan.toml"
        plan.write_text("")
        return self._run(
            "detect", app, {"CNB_BUILD_PLAN_PATH": str(plan), **variables}, self._platform(), plan
        )

    def build(self, app: Path, **variables: str) -> tuple[Result, Image]:
        """Run bin/build, after what the last build left was restored."""
        image = Image(self.folder / "layers", app, self.id)
        self._restore(image)
        plan = self.folder / "entries.toml"
        plan.write_text("")
        environment = {"CNB_LAYERS_DIR": str(image.folder), "CNB_BP_PLAN_PATH": str(plan), **variables}
        result = self._run("build", app, environment, image.folder, self._platform(), plan)
        if result.status == 0:
            self._export(image)
        return result, image

    def _platform(self) -> Path:
        env = self.folder / "platform/env"
        shutil.rmtree(env, ignore_errors=True)
        env.mkdir(parents=True)
        for name, value in self.config.items():
            (env / name).write_text(value)
        return env.parent

    def _run(self, script: str, app: Path, variables: Mapping[str, str], *arguments: Path) -> Result:
        environment = {
            "PATH": f"{Path(self.python).parent}:{PATH}",
            "HOME": "/home/nobody",
            "CNB_BUILDPACK_DIR": str(self.buildpack),
            "CNB_PLATFORM_DIR": str(self.folder / "platform"),
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": "amd64",
            "CNB_TARGET_DISTRO_NAME": "ubuntu",
            "CNB_TARGET_DISTRO_VERSION": "24.04",
            **variables,
        }
        return run(
            self.buildpack / "bin" / script,
            *arguments,
            environment=environment,
            cwd=app,
            wrapper=self._user(),
        )

    def _user(self) -> tuple[str, ...]:
        """Return what runs a command as a user who is not root, to whom all folders belong."""
        if os.geteuid() != 0:
            return ()
        subprocess.run(["chown", "-R", f"{USER}:{USER}", self.folder], check=True)
        setpriv = shutil.which("setpriv")
        assert setpriv is not None, "setpriv is missing"
        return (setpriv, f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs")

    def _restore(self, image: Image) -> None:
        """Leave of the last build what its layers' types say; launch layers go where the image has them."""
        previous = self.folder / "previous"
        shutil.rmtree(previous, ignore_errors=True)
        previous.mkdir()
        image.folder.mkdir(parents=True, exist_ok=True)
        for name in ("launch.toml", "build.toml"):
            (image.folder / name).unlink(missing_ok=True)
        for path in image.folder.glob("*.toml"):
            content = read_toml(path)
            if not content["types"].get("cache"):
                path.with_suffix("").rename(previous / path.stem)
            metadata = [f'{name} = "{value}"' for name, value in content.get("metadata", {}).items()]
            path.write_text("\n".join(["[metadata]", *metadata, ""]))

    def _export(self, image: Image) -> None:
        """Take a launch layer without a folder from the last image, which has to have it."""
        image.reused = []
        for path in image.folder.glob("*.toml"):
            layer, is_launch_layer = path.with_suffix(""), read_toml(path).get("types", {}).get("launch")
            if is_launch_layer and not layer.exists():
                (self.folder / "previous" / layer.name).rename(layer)
                image.reused.append(layer.name)

"""From the environment to the files to bake: the first half of every command that makes a package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.config.formats import ConfigFile, encode
from deploy.config.variables import Config, select

if TYPE_CHECKING:
    from deploy.output import Report
    from deploy.target.environment import App


@dataclass(frozen=True)
class Bake:
    """What is baked: the config vars, and the files that hold them."""

    config: Config
    files: tuple[ConfigFile, ...]

    @property
    def file_names(self) -> str:
        """The names of the files, for a person."""
        return ", ".join(file.name for file in self.files)

    @property
    def digest(self) -> str:
        """The SHA-256 of all files, in hex."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{len(file.content)}\0".encode() + file.content)
        return digest.hexdigest()

    def to_dict(self) -> dict[str, object]:
        """Describe it for a program, without a value."""
        return {
            "files": [file.name for file in self.files],
            "baked": list(self.config.baked),
            "left_out": [{"name": left.name, "reason": left.reason} for left in self.config.left_out],
            "reserved": sorted({name for file in self.files for name in file.reserved}),
        }


def bake(app: App, report: Report, *, quietly: bool = False) -> Bake:
    """Choose the config vars and encode them; raises InputError for what can't be baked."""
    settings = app.settings
    if not quietly:
        report.step("Reading the config")
    for notice in app.notices:
        report.notice(notice)
    config = select(app.variables, include=settings.config_include, exclude=settings.config_exclude)
    files = tuple(encode(name, config.baked) for name in settings.config_files)
    for file in files:
        if file.reserved:
            report.remark(
                f"{file.name} does not export {', '.join(file.reserved)}: the Lambda runtime sets its own."
            )
    if not quietly:
        count = len(config.baked)
        report.detail(f"{count} config var{'s' * (count != 1)} to bake (`deploy config` lists them)")
    return Bake(config, files)

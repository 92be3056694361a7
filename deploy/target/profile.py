"""A profile of ~/.aws, as far as the region in it is wanted before the SDK is loaded."""

from __future__ import annotations

import configparser
from pathlib import Path


def find_region_of(profile: str, *files: str) -> str:
    """Return the region that a profile names in the first of some files that has it; empty if none does.

    The sections of a config file are called `profile NAME`, except the default one; those of a credentials
    file have the name alone. What is wrong with a file is the SDK's to say.
    """
    for file in files:
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError, configparser.Error):
            continue
        for section in (f"profile {profile}", profile):
            if region := parser.get(section, "region", fallback="").strip():
                return region
    return ""

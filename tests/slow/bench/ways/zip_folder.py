"""Zips a folder with Python's zipfile, as `sam package` does: zip_folder.py FOLDER ZIP."""

import os
import sys
import zipfile
from pathlib import Path

folder, target = map(Path, sys.argv[1:])
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            archive.write(path, path.relative_to(folder))

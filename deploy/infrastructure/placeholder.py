"""The code that functions have until the first deploy."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.infrastructure.service import Function

SAYING = "Nothing has been deployed to this function yet: run deploy."
FILE = "placeholder.zip"

NODEJS = f"exports.handler = async () => {{ throw new Error('{SAYING}') }}\n"
PYTHON = f"def handler(event, context):\n    raise RuntimeError('{SAYING}')\n\n\nlambda_handler = handler\n"
PROGRAM = f"#!/bin/sh\necho '{SAYING}' >&2\nexit 1\n"

FILES = {"bootstrap": PROGRAM, "index.js": NODEJS, "lambda_function.py": PYTHON}
MIDNIGHT = (1980, 1, 1, 0, 0, 0)
UNIX = 3
MODE = 0o100755


def inline_code(function: Function) -> str | None:
    """Return the code that a template can hold; only Node.js and Python have it.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
    """
    codes = {"nodejs": NODEJS, "python": PYTHON}
    return next((code for start, code in codes.items() if function.runtime.startswith(start)), None)


def placeholder_zip() -> bytes:
    """Return a package for every runtime; the same bytes each time."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in FILES.items():
            info = zipfile.ZipInfo(name, MIDNIGHT)
            info.create_system, info.external_attr = UNIX, MODE << 16
            archive.writestr(info, text)
    return content.getvalue()

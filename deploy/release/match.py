"""A search by a user's regular expression, in a process of its own so that it can be ended."""

from __future__ import annotations

import json
import math
import subprocess
import sys

# It ends by itself too: a deploy that is killed can't end it.
PROGRAM = """
import json, re, resource, sys, warnings
warnings.simplefilter("ignore")
pattern, text, seconds = json.load(sys.stdin)
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
sys.exit(0 if re.search(pattern, text) else 3)
"""


def matches(pattern: str, text: str, seconds: float) -> bool:
    """Whether a text holds what a regular expression describes.

    With a repetition in a repetition, as in `(a+)+b`, a search may go on for years; raises TimeoutError if
    it takes longer than `seconds`. Pattern and text reach the process on its standard input alone.
    """
    try:
        found = subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROGRAM],
            input=json.dumps([pattern, text, math.ceil(seconds) + 1]).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if found.returncode not in {0, 3}:
        raise RuntimeError(f"the search ended with {found.returncode}")
    return found.returncode == 0

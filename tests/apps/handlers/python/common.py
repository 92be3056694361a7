"""Handlers of each style: what they answer is compared with what they answer under AWS's own client."""

import collections
import datetime
import decimal
import logging
import os
import sys

Point = collections.namedtuple("Point", "x y")


def answer(event, _context):
    return {"event": event, "ü": "✓", "t": (1, 2), "point": Point(1, [Point(2, 3)]), 1: None, True: 1.5}


def context(_event, context):
    names = "function_name function_version memory_limit_in_mb log_group_name invoked_function_arn"
    return [
        *(getattr(context, name) for name in names.split()),
        context.get_remaining_time_in_millis() > 0,
        context.client_context and context.client_context.custom,
        context.client_context and context.client_context.client.app_title,
        context.identity.cognito_identity_id if hasattr(context.identity, "cognito_identity_id") else None,
    ]


def decimals(_event, _context):
    return [decimal.Decimal("1.5"), decimal.Decimal(7), {"a": decimal.Decimal("-0.25")}]


def octets(_event, _context):
    return b'{"raw": "bytes"}'


def octets_inside(_event, _context):
    return {"a": b"bytes"}


def nothing(_event, _context):
    pass


def numbers(_event, _context):
    return [float("nan"), float("inf"), 1e100, 2**70]


def raises(_event, _context):
    return _inner({}["missing"])


def _inner(value):
    return value


def raises_own(_event, _context):
    class OwnError(Exception):
        pass

    try:
        raises(None, None)
    except KeyError as error:
        raise OwnError("several\nlines ü") from error


def unserializable(_event, _context):
    return {"when": datetime.datetime(2020, 1, 1)}


def unserializable_set(_event, _context):
    return {1, 2}


def circular(_event, _context):
    held = []
    held.append(held)
    return held


def exits(_event, _context):
    sys.exit(5)


def exits_at_once(_event, _context):
    os._exit(6)


def killed(_event, _context):
    os.kill(os.getpid(), 9)


def logs(_event, context):
    print("printed")
    logging.getLogger().warning("a %s", "warning")
    logging.getLogger("x").error("an error\nof two lines")
    logging.getLogger().info("not shown")
    context.log("by the context\n")
    print("to stderr", file=sys.stderr)


def modules(_event, _context):
    return [
        name
        for name in ("worker", "sandbox", "deploy", "runtimes")
        if name in sys.modules or _importable(name)
    ]


def _importable(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


not_callable = 42

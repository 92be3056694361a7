"""Makes the SDK's sessions quicker for tests, of which some make a thousand.

Each session works out again what the SDK's own handlers are called and what they take, which is nine
tenths of its making.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import botocore.hooks


def make_sessions_quick() -> None:
    """Keep what the SDK works out about its handlers for all sessions of this process."""
    hooks: Any = botocore.hooks
    of_others = hooks.accepts_kwargs

    def accepts_kwargs(handler: Callable[..., Any]) -> bool:
        code = getattr(handler, "__code__", None)
        return bool(code.co_flags & inspect.CO_VARKEYWORDS if code else of_others(handler))

    # By names alone: a cache of handlers would keep the clients that they belong to.
    alias = functools.cache(hooks.EventAliaser(None)._alias_event_name)
    hooks.accepts_kwargs = accepts_kwargs
    hooks.EventAliaser._alias_event_name = lambda _self, name: alias(name)

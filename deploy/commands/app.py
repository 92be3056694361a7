"""The app with all of its config, for commands that do not deploy it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.release.candidate import with_parameters
from deploy.target.environment import App, read_app, read_targets

if TYPE_CHECKING:
    from deploy.commands import Context


def read_configured_app(context: Context) -> App:
    """Read the app; if a part of its config is in SSM, with the credentials and the region for that."""
    app = read_app(context.variables, context.slug, ["config"])
    if not app.settings.config_from:
        return app
    return with_parameters(read_targets(context.variables, context.slug)[0], context.cancellation)

"""The AWS SDK for one target: every client is made from the target's own values and nothing else."""

from __future__ import annotations

import copy
import functools
import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.handlers import add_recursion_detection_header
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.session import Session as Core

from deploy import __version__
from deploy.aws.credentials import CredentialChain
from deploy.aws.errors import START, explained
from deploy.aws.refusals import Call
from deploy.target.arn import partition_of
from deploy.target.sdk import endpoint_setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from deploy.target.environment import Target

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 90  # seconds; Lambda answers an update of 50 MiB within some

# What is different from the SDK's own defaults: the files in the home folder are the app's.
DEFAULTS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_RETRY_MODE": "standard",
    "AWS_MAX_ATTEMPTS": "5",
}

# The SDK would read these from the process.
S3_CONFIG: Any = {"us_east_1_regional_endpoint": "regional", "use_arn_region": False}


class Session:
    """The SDK as one target configures it; raises InputError for settings that it does not take.

    The variables of the process are out of its reach, so sessions for different accounts may be used side by
    side in threads. One session may be used by several threads.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._verify = target.sdk.get("AWS_CA_BUNDLE") or True
        with self.explaining(START):
            self._core = _core(target, self._options)

    def sibling(self, target: Target) -> Session:
        """Return the session of another function in the same account and region: both share the SDK's."""
        session = copy.copy(self)
        session.target = target
        return session

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - made at run time
        """Return a client of a service in the target's region; `config` overrides times and retries."""
        with self.explaining(START):
            return self._core.create_client(service, region_name=self.target.region, config=config)

    def _options(self, service: str) -> dict[str, Any]:
        """Return what all clients of a service are made with, those by which the SDK gets credentials too."""
        endpoint = self._endpoint(service)
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            user_agent=self._user_agent(),
            proxies=self._proxies(endpoint or self._usual_endpoint(service)),
            s3=S3_CONFIG,
        )
        return {"endpoint_url": endpoint, "verify": self._verify, "config": config}

    def http(self, url: str) -> URLLib3Session:
        """Return what fetches an address that is signed already."""
        return URLLib3Session(
            verify=self._verify,  # type: ignore[arg-type] # a path as well
            proxies=self._proxies(url),
            timeout=READ_TIMEOUT,
        )

    def explaining(
        self, action: str, resource: str = "", *, part: str = "", exists: bool = False
    ) -> AbstractContextManager[None]:
        """Turn what the SDK raises within this block into DeployError.

        `action` is the permission that is needed there, on `resource` if that is not the function. `part` is
        the version or the alias that the call is about; `exists` if the function is known to be there.
        """
        return explained(Call(action, self.target, resource, part, exists))

    def _user_agent(self) -> str:
        # The SDK's own includes AWS_EXECUTION_ENV, which is the app's.
        app_id = self.target.sdk.get("AWS_SDK_UA_APP_ID", "")
        return f"lambda-deploy/{__version__}{' app/' if app_id else ''}{app_id}"

    def _endpoint(self, service: str) -> str | None:
        return self.target.sdk.get(endpoint_setting(self.target.sdk, service))

    def _usual_endpoint(self, service: str) -> str:
        suffix = ".cn" if partition_of(self.target.region) == "aws-cn" else ""
        return f"https://{service}.{self.target.region}.amazonaws.com{suffix}"

    def _proxies(self, url: str) -> dict[str, str]:
        settings, parts = self.target.settings, urlsplit(url)
        host, domains = f".{parts.hostname}", [name.lower().lstrip(".") for name in settings.no_proxy]
        is_direct = any(domain == "*" or host.endswith(f".{domain}") for domain in domains)
        if not settings.https_proxy or parts.scheme != "https" or is_direct:
            return {}
        return {"https": settings.https_proxy}


class _Core(Core):
    """The SDK's session, which makes every client with a target's own options."""

    def __init__(self, session_vars: dict[str, Any], options: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(session_vars=session_vars)
        self._options = options
        self._lock = threading.RLock()  # clients can be shared by threads, making them can't

    def create_client(  # type: ignore[override] # by name alone
        self,
        service_name: str,
        *,
        region_name: str | None = None,
        config: Config | None = None,
        **others: Any,  # noqa: ANN401 - credentials
    ) -> Any:  # noqa: ANN401 - made at run time
        options = self._options(service_name)
        merged = options.pop("config").merge(config) if config else options.pop("config")
        with self._lock:
            return super().create_client(
                service_name,
                region_name=region_name,
                config=merged,
                **{**options, **others},
            )


def _core(target: Target, options: Callable[[str], dict[str, Any]]) -> Core:
    """Return botocore's session with every variable set, so that it looks for none in the environment.

    https://botocore.amazonaws.com/v1/documentation/api/latest/reference/session (session_vars)
    """
    declared, sdk = Core.SESSION_VARIABLES, {**DEFAULTS, **target.sdk}
    core = _Core(
        {name: (option, None, default, convert) for name, (option, _, default, convert) in declared.items()},
        options,
    )
    for name, (_, variables, *_) in declared.items():
        names = [variables] if isinstance(variables, str) else variables or []
        if text := next((sdk[each] for each in names if each in sdk), ""):
            core.set_config_variable(name, text)
    # Ours are handed over with each client; looking for others would read the environment.
    core.set_config_variable("ignore_configured_endpoint_urls", "true")
    core.register_component("credential_provider", CredentialChain(core, target))
    core.register_component("data_loader", _shared_loader())
    core.get_component("event_emitter").unregister("before-call", add_recursion_detection_header)
    return core


@functools.lru_cache(maxsize=1)
def _shared_loader() -> Loader:
    """Return the SDK's reader of AWS's API models, which keeps what it has read: one for all targets."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)

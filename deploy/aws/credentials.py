"""The credentials of one target, from its own values alone, in the order in which the SDK looks for them.

Keys, a role by a web identity token, a profile of named files, a container, the machine; each only if the
target says so. What expires is renewed before it does, for a formation dyno runs for days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import credentials as sdk_credentials
from botocore.exceptions import ProfileNotFound
from botocore.utils import FileWebIdentityTokenLoader, InstanceMetadataFetcher

from deploy.errors import InputError
from deploy.target.sdk import FILES, PROFILES, SESSION_NAME, uses_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.session import Session as Core

    from deploy.target.environment import Target


# What the SDK looks for besides: variables of this process, and files that no setting names.
NOT_OF_A_PROFILE = ("env", "ec2-credentials-file", "boto-config", "container-role", "iam-role")


class CredentialChain:
    """What the SDK asks for credentials when it makes the first client."""

    def __init__(self, core: Core, target: Target) -> None:
        self._core = core
        self._sdk = target.sdk
        self._region = target.region
        self._further = target.role

    def load_credentials(self) -> sdk_credentials.Credentials | None:
        """Return the credentials, those of a role if one is to be assumed; None if there are none.

        STS is not asked before the first call that is signed.
        """
        found = self._own_credentials()
        if self._further is None or found is None:
            return found
        return self._assumed(found, self._further.arn, self._further.external_id)

    def _own_credentials(self) -> sdk_credentials.Credentials | None:
        sdk = self._sdk
        role = sdk.get("AWS_ROLE_ARN")
        if role and (token_file := sdk.get("AWS_WEB_IDENTITY_TOKEN_FILE")):
            web_identity = sdk_credentials.AssumeRoleWithWebIdentityCredentialFetcher(
                self._sts, FileWebIdentityTokenLoader(token_file), role, self._session_name()
            )
            return _renewed(web_identity.fetch_credentials, "assume-role-with-web-identity")
        found = sdk_credentials.CredentialResolver(list(self._providers())).load_credentials()
        if not role or found is None:
            return found
        return self._assumed(found, role, sdk.get("AWS_EXTERNAL_ID"))

    def _assumed(
        self, found: sdk_credentials.Credentials, role: str, external_id: str | None
    ) -> sdk_credentials.Credentials:
        extra = {"ExternalId": external_id} if external_id else {}
        assumed = sdk_credentials.AssumeRoleCredentialFetcher(
            self._sts, found, role, {**self._session_name(), **extra}
        )
        return _renewed(assumed.fetch_credentials, "assume-role")

    def _session_name(self) -> dict[str, str]:
        return {"RoleSessionName": self._sdk.get("AWS_ROLE_SESSION_NAME", SESSION_NAME)}

    def _sts(self, service: str, **options: Any) -> Any:  # noqa: ANN401 - a client
        return self._core.create_client(service, region_name=self._region, **options)

    def _providers(self) -> Iterator[sdk_credentials.CredentialProvider]:
        sdk = dict(self._sdk)
        yield sdk_credentials.EnvProvider(environ=sdk)
        if FILES & sdk.keys():
            yield from self._profile_providers()
        yield sdk_credentials.ContainerProvider(environ=sdk)
        if uses_machine(sdk):
            yield sdk_credentials.InstanceMetadataProvider(self._metadata_fetcher())

    def _profile_providers(self) -> Iterator[sdk_credentials.CredentialProvider]:
        """Yield what reads a profile; where one is named explicitly, the SDK reads no variables for it.

        The exception is a profile that says so (`credential_source`).
        """
        core, named = self._core, next((self._sdk[name] for name in PROFILES if name in self._sdk), None)
        if (named or "default") not in core.full_config["profiles"]:
            if named:
                raise ProfileNotFound(profile=named)
            return
        core.set_config_variable("profile", named or "default")
        if "mfa_serial" in core.get_scoped_config():
            raise _needs_code()
        resolver = sdk_credentials.create_credential_resolver(core, region_name=self._region)
        for method in NOT_OF_A_PROFILE:
            resolver.remove(method)
        yield from resolver.providers

    def _metadata_fetcher(self) -> InstanceMetadataFetcher:
        variable = self._core.get_config_variable
        names = (
            "ec2_metadata_service_endpoint",
            "ec2_metadata_service_endpoint_mode",
            "ec2_metadata_v1_disabled",
        )
        return InstanceMetadataFetcher(
            timeout=variable("metadata_service_timeout"),
            num_attempts=variable("metadata_service_num_attempts"),
            env={},
            user_agent=self._core.user_agent(),
            config={name: variable(name) for name in names},
        )


def _renewed(fetch: Callable[[], dict[str, str]], method: str) -> sdk_credentials.Credentials:
    return sdk_credentials.DeferredRefreshableCredentials(refresh_using=fetch, method=method)


def _needs_code() -> InputError:
    return InputError(
        "The profile asks for an MFA code, and nobody can be asked for one here.",
        todo="Get credentials that are good for some hours, for example with `aws configure "
        "export-credentials --profile NAME --format env`, and deploy with --aws-default-credentials.",
    )

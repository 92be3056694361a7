#!/usr/bin/env bash

# The command `deploy` in the slug.

set -euo pipefail
shopt -s inherit_errexit

# Puts the launcher into the slug and on the PATH of every dyno.
function command::install() {
	local buildpack="${1}" build="${2}" python="${3}"
	local launcher="${build}/.lambda-deploy/bin/deploy"
	local profile="${build}/.profile.d/lambda-deploy.sh"

	mkdir -p -- "${launcher%/*}" "${profile%/*}"
	cp -- "${buildpack}/lib/launcher.sh" "${launcher}"
	chmod 0755 -- "${launcher}"
	# Relative where the interpreter is in the slug, because the slug moves.
	printf '%s\n' "${python#"${build}/"}" >"${build}/.lambda-deploy/python"

	rm -f -- "${profile}"
	cp -- "${buildpack}/lib/profile.sh" "${profile}"
	chmod 0644 -- "${profile}"
	output::detail "Dynos have \"deploy\" on their PATH"
}

#!/usr/bin/env bash

# The layers of a Cloud Native Buildpack. In <layers>:
#
#   cache/        for the next build: what bin/compile keeps in its cache folder
#   interpreter/  for the app: the copy of Python
#   runtime/      for the app: the deploy package and its dependencies
#   base/         for the app: base.zip or the JAR, build.json, the launcher, and links to the other two
#
# What the app needs to deploy itself is so in the image, and nothing in the app's own folder.

set -euo pipefail
shopt -s inherit_errexit

# Puts the path of the cache folder into the variable named first.
function layers::restore_cache() {
	local variable="${1}" layers="${2}"
	mkdir -p -- "${layers}/cache"
	printf '[types]\ncache = true\n' >"${layers}/cache.toml"
	printf -v "${variable}" '%s' "${layers}/cache"
}

# Moves what was made in the app's folder into the layers.
function layers::write() {
	local buildpack="${1}" python="${2}" build="${3}" layers="${4}"

	output::step "Writing the layers"
	cp -- "${buildpack}/lib/notes.sh" "${build}/.lambda-deploy/notes"
	chmod -R u=rwX,go=rX -- "${build}/.lambda-deploy"
	chmod 0755 -- "${build}/.lambda-deploy/notes"
	python::run_script "${python}" layers.py write "${build}" "${layers}"
	# shellcheck disable=SC2154 # It comes with lib/runtime.sh.
	python::run_script "${python}" layers.py sbom "${buildpack}/requirements.lock" \
		"${layers}/runtime.sbom.cdx.json" "${RUNTIME_FOR_BUILDS[@]}"
}

# Writes launch.toml: the process types of the template, unless the app's Procfile has one of that name.
function layers::register_processes() {
	local buildpack="${1}" build="${2}" layers="${3}" env_dir="${4}" workspace="${5}"
	local line type existing

	procfile::process_types "${buildpack}/Procfile.template" "${env_dir}" >"${workspace}/process-types"
	output::step "Registering the deploy process"
	procfile::copy "${build}/Procfile" "${workspace}/Procfile"
	: >"${layers}/launch.toml"
	while IFS= read -r line; do
		type="${line%%:*}"
		existing="$(procfile::find "${workspace}/Procfile" "${type}")"
		# The Procfile of an app that is deployed by bin/compile, too, may have ours.
		# shellcheck disable=SC2310 # Neither condition can fail in another way.
		if [[ -n "${existing}" ]] && ! procfile::is_ours "${existing}" "${line}"; then
			if procfile::runs "${existing}" "${type}: deploy"; then
				output::detail "Procfile: \"${type}\" is the app's own, and deploys as well"
			else
				procfile::explain_taken "${existing}" "${type}: deploy"
			fi
			continue
		fi
		# Without `default`, it is never what starts if nobody names a process type.
		printf '[[processes]]\ntype = "%s"\ncommand = ["deploy"]\n\n' "${type}" >>"${layers}/launch.toml"
		output::detail "Process type \"${type}\": deploy"
	done <"${workspace}/process-types"
}

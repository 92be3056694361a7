#!/usr/bin/env bash

# The base: the built artifact without config.

set -euo pipefail
shopt -s inherit_errexit

# Linux's PATH_MAX. The kernel starts no program with a variable of 128 KB.
readonly BASE_LONGEST_VALUE=4096

# The settings that a build reads; none of them is a secret.
readonly BASE_SETTINGS=(_LAMBDA_ARTIFACT _LAMBDA_JAR_FILE _LAMBDA_RUNTIME _LAMBDA_ARCHITECTURE)

# Runs `deploy build`, which prints its own steps and errors.
function base::make() {
	local python="${1}" build="${2}" env_dir="${3}" cache="${4}"
	local kind name value
	local -a passed_on=(STACK SOURCE_VERSION) of_pip=()
	local -a config_vars=("${BASE_SETTINGS[@]}") assignments=()

	pip::read_names passed_on process

	# A build may know names of config vars, but no values. The exceptions are its own settings, and where a
	# Python app's dependencies come from.
	kind="$(app::kind "${build}")"
	if [[ "${kind}" == python ]]; then
		pip::read_names of_pip pip
		config_vars+=("${of_pip[@]}")
		pip::read_names passed_on network
		passed_on+=("${of_pip[@]}")
	fi
	for name in "${config_vars[@]}"; do
		value="$(environment::read "${env_dir}" "${name}")"
		if ((${#value} > BASE_LONGEST_VALUE)); then
			base::explain_long_value "${name}" "${#value}"
			exit 2
		elif [[ -n "${value}" ]]; then
			assignments+=("${name}=${value}")
			passed_on+=("${name}")
		fi
	done
	# shellcheck disable=SC2310 # What it runs ends with it.
	(
		if ((${#assignments[@]})); then
			export "${assignments[@]}"
		fi
		environment::run_with passed_on \
			"${python}" -I -S -X utf8 "${build}/.lambda-deploy/runtime/deploy/__main__.py" build "${build}" \
			--cache "${cache}"
	) || exit "${?}"
}

function base::explain_long_value() {
	local name="${1}" length="${2}"
	output::error <<-EOT
		${name} is ${length} characters long, and it can have ${BASE_LONGEST_VALUE} at most.

		Correct it, and push again.
	EOT
}

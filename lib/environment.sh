#!/usr/bin/env bash

# The config vars that the platform passes as files, and the environment of the programs started here.

set -euo pipefail
shopt -s inherit_errexit

# Prints the value of one config var, or nothing if it isn't set. A build reads only the config vars
# that it names.
function environment::read() {
	local env_dir="${1}" name="${2}"
	if [[ -n "${env_dir}" && -f "${env_dir}/${name}" ]]; then
		# No value can hold a NUL, but a damaged file can, and Bash would warn about it.
		tr -d '\0' <"${env_dir}/${name}"
	fi
}

# Unsets the exported variables that begin with `prefix`, except the names that follow it.
function environment::unset_prefix() {
	local prefix="${1}"
	local kept=" ${*:2} "
	local names name
	names="$(compgen -e "${prefix}" || true)"
	for name in ${names}; do
		if [[ "${kept}" != *" ${name} "* ]]; then
			unset -v "${name}"
		fi
	done
}

# Runs a command with the exported variables whose names are in the array named first, and with no others.
# Values stay in the environment: a command line can be read by others.
function environment::run_with() {
	local -n kept_names="${1}"
	local kept=" ${kept_names[*]} "
	local name
	local -a names others=()
	# Bash can't unset what it can't name, like `log.level`.
	mapfile -d "" -t names < <(env --null | cut --zero-terminated --delimiter="=" --fields=1 || true)
	for name in "${names[@]}"; do
		if [[ -n "${name}" && "${kept}" != *" ${name} "* ]]; then
			others+=("--unset=${name}")
		fi
	done
	env "${others[@]}" "${@:2}"
}

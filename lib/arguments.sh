#!/usr/bin/env bash

# How the platform calls the scripts.

set -euo pipefail
shopt -s inherit_errexit

# Stops unless the script was called with at least `minimum` and at most `maximum` arguments.
function arguments::count() {
	local usage="${1}" minimum="${2}" maximum="${3}"
	local count=$(($# - 3))
	if ((count < minimum || count > maximum)); then
		output::error <<-EOT
			Wrong number of arguments: ${count}.

			Usage: ${usage}
		EOT
		exit 2
	fi
}

# Puts the absolute path of a folder into the variable named first. An absolute path can't be taken
# for an option, whatever the folder's name begins with. The result isn't printed because a command
# substitution would eat a line break at the end of the name.
function arguments::absolute() {
	local variable="${1}" given="${2}"
	if [[ -n "${given}" && "${given}" != /* ]]; then
		given="${PWD}/${given}"
	fi
	printf -v "${variable}" '%s' "${given}"
}

# The same for a folder that has to be there.
function arguments::existing_folder() {
	local variable="${1}" given="${2}"
	if [[ ! -d "${given}" ]]; then
		output::error <<-EOT
			There is no such folder: "${given}"

			The first argument has to be the folder that holds the app.
		EOT
		exit 2
	fi
	arguments::absolute "${variable}" "${given}"
}

#!/usr/bin/env bash

# What kind of app a folder holds.

set -euo pipefail
shopt -s inherit_errexit

# A line for each kind of app: its id in build.json, its name for people, and its build files.
readonly APP_KINDS="${BASH_SOURCE[0]%/*}/../deploy/artifact/kinds.txt"

# Prints the id of an app's kind, such as `java`; nothing for an unknown one. One of any kind is `other` if a
# file names what to deploy.
function app::kind() {
	local build="${1}"
	local name
	local -a fields
	while read -ra fields; do
		for name in "${fields[@]:2}"; do
			if [[ -f "${build}/${name}" ]]; then
				echo "${fields[0]}"
				return
			fi
		done
	done <"${APP_KINDS}"
}

# Prints the name of a kind for people, such as `Java`.
function app::name() {
	local kind="${1}"
	local -a fields
	while read -ra fields; do
		if [[ "${fields[0]}" == "${kind}" ]]; then
			echo "${fields[1]}"
		fi
	done <"${APP_KINDS}"
}

# Prints the names of all kinds, like `Java, Node.js or Python`.
function app::names() {
	local names=""
	local -a fields
	while read -ra fields; do
		if [[ "${fields[0]}" != other ]]; then
			names+="${names:+, }${fields[1]}"
		fi
	done <"${APP_KINDS}"
	echo "${names%, *} or ${names##*, }"
}

# Lists the build files of each kind of app.
function app::build_files() {
	local names
	local -a fields
	while read -ra fields; do
		printf -v names ', %s' "${fields[@]:2}"
		names="${names#, }"
		if [[ "${names}" == *,* ]]; then
			names="${names%,*} or${names##*,}"
		fi
		echo "  ${names} (${fields[1]})"
	done <"${APP_KINDS}"
}

function app::explain_unknown_kind() {
	local build="${1}"
	local names build_files contents
	names="$(app::names)"
	build_files="$(app::build_files)"
	contents="$(app::contents "${build}")"
	output::error <<-EOT
		This is not a ${names} app, so it isn't clear what to deploy to AWS Lambda.

		Looked for, in the root of the app:
		${build_files}

		Found there:
		${contents}

		If the file is there on your machine, check that
		  1. it is committed: git ls-files
		  2. it lies in the root of the repository, not in a folder
		  3. its name is spelled as above, in lower case

		Anything else can be deployed if a file .lambda-artifact holds its path in the app: a ZIP, a
		folder, or a program such as a Go binary. A build that makes it has to run before this buildpack.
	EOT
}

# Lists what the folder holds, one name a line; not more than helps.
function app::contents() {
	local build="${1}"
	local -r most_names=20 most_characters=60
	local path name count=0
	shopt -s nullglob dotglob
	local -a paths=("${build}"/*)
	if ((${#paths[@]} == 0)); then
		echo "  nothing: the folder is empty"
	fi
	for path in "${paths[@]}"; do
		if ((count == most_names)); then
			echo "  ... and $((${#paths[@]} - most_names)) more"
			break
		fi
		name="${path##*/}"
		if ((${#name} > most_characters)); then
			name="${name:0:most_characters}..."
		fi
		if [[ "${name}" == *[![:print:]]* ]]; then
			printf -v name '%q' "${name}"
		fi
		if [[ -d "${path}" ]]; then
			name+="/"
		fi
		printf '  %s\n' "${name}"
		count=$((count + 1))
	done
}

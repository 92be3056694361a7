#!/usr/bin/env bash

# What kind of app a folder holds.

set -euo pipefail
shopt -s inherit_errexit

# Prints `Java` or `Node.js`, or nothing for any other app. A Java app often has a package.json for
# its front end, hardly ever a Node.js app a pom.xml: Java goes first.
function app::kind() {
	local build="${1}"
	if [[ -f "${build}/pom.xml" || -f "${build}/build.gradle" || -f "${build}/build.gradle.kts" ]]; then
		echo "Java"
	elif [[ -f "${build}/package.json" ]]; then
		echo "Node.js"
	fi
}

function app::explain_unknown_kind() {
	local build="${1}"
	local contents
	contents="$(app::contents "${build}")"
	output::error <<-EOT
		This is neither a Java nor a Node.js app, so it can't be deployed to AWS Lambda.

		Looked for, in the root of the app:
		  pom.xml, build.gradle or build.gradle.kts (Java)
		  package.json (Node.js)

		Found there:
		${contents}

		If the file is there on your machine, check that
		  1. it is committed: git ls-files
		  2. it lies in the root of the repository, not in a folder
		  3. its name is spelled as above, in lower case
	EOT
}

# Lists what the folder holds, one name a line, as much of it as helps.
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

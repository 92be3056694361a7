#!/usr/bin/env bash

# What the person who pushes reads, in Heroku's style. Steps and details are the story of the build
# and go to stdout; what needs attention goes to stderr as a page with a bang before each line.

set -euo pipefail
shopt -s inherit_errexit

function output::step() {
	printf -- '-----> %s\n' "${1}"
}

function output::detail() {
	printf '       %s\n' "${1}"
}

# Points out something that the owner should know but that stops nothing. The text comes on stdin.
function output::notice() {
	output::page
}

# Explains an error: what happened, why, what to do. The text comes on stdin; exiting is the
# caller's part, so that it can be seen where a function ends.
function output::error() {
	output::page
}

function output::page() {
	local line
	while IFS= read -r line; do
		# What others wrote (names, messages of programs) must not steer the reader's terminal.
		line="${line//[[:cntrl:]]/?}"
		printf ' !%s\n' "${line:+     ${line}}" >&2
	done
}

# The last resort, for an ERR trap: no build may stop without a word.
function output::unexpected() {
	local status="${1}" command="${2}" place="${3}"
	# A subshell leaves the telling to the shell that waits for it, or it would be told twice.
	if ((BASH_SUBSHELL > 0)); then
		return
	fi
	output::error <<-EOT
		The build stopped because a command failed with exit status ${status} (${place}):
		  ${command%%$'\n'*}

		What the command itself said is above. Most often a disk is full, or a file or a folder
		can't be read or written.
	EOT
}

#!/usr/bin/env bash

# The process types of the app.

set -euo pipefail
shopt -s inherit_errexit

# Adds the process types of the template to the app's Procfile. The app's own lines stay as they
# are, byte for byte; ours end in a plain line feed, which every platform takes, even below lines
# that end in CRLF.
function procfile::merge() {
	local template="${1}" build="${2}" env_dir="${3}" workspace="${4}"
	local procfile="${build}/Procfile" merged="${workspace}/Procfile"
	local line new

	procfile::process_types "${template}" "${env_dir}" >"${workspace}/process-types"
	output::step "Registering the deploy process"
	procfile::copy "${procfile}" "${merged}"
	while IFS= read -r line; do
		procfile::add "${merged}" "${line}"
	done <"${workspace}/process-types"

	if ! cmp --silent -- "${merged}" "${procfile}"; then
		# A new file in place of the old one: it may be read-only, or a link to who knows where.
		new="$(mktemp "${procfile}.XXXXXX")"
		cp -- "${merged}" "${new}"
		chmod 0644 -- "${new}"
		mv -f -- "${new}" "${procfile}"
	fi
}

# Prints the lines of the template, and the one for the release phase where the app asks for it.
function procfile::process_types() {
	local template="${1}" env_dir="${2}"
	local release_phase deploy config_set

	cat -- "${template}"
	release_phase="$(environment::read "${env_dir}" _LAMBDA_RELEASE_PHASE)"
	release_phase="${release_phase//[[:space:]]/}"
	case "${release_phase,,}" in
	true)
		deploy="$(grep '^deploy:' "${template}")"
		echo "release:${deploy#*:}"
		;;
	false | "") ;;
	*)
		config_set="$(platform::command config:set _LAMBDA_RELEASE_PHASE=true)"
		output::error <<-EOT
			_LAMBDA_RELEASE_PHASE is neither true nor false.

			With true, each push, config change, promotion and rollback deploys to AWS Lambda:
			  ${config_set}
			Set it so, or unset it, and push again.
		EOT
		exit 2
		;;
	esac
}

# Copies the app's Procfile to a file that we may change; an empty one where the app has none.
function procfile::copy() {
	local procfile="${1}" copy="${2}"
	local what

	# Reading a pipe would wait, and a device has no end.
	if [[ -e "${procfile}" && ! -f "${procfile}" ]]; then
		what="not a regular file"
		if [[ -d "${procfile}" ]]; then
			what="a folder"
		fi
		output::error <<-EOT
			Procfile is ${what}, so no process type can be registered.

			It has to be a text file with one line for each process type. Rename or remove it, commit,
			and push again.
		EOT
		exit 1
	fi
	if [[ ! -e "${procfile}" ]]; then
		: >"${copy}"
		return
	fi
	tr -d '\0' <"${procfile}" >"${copy}"
	if ! cmp --silent -- "${copy}" "${procfile}"; then
		output::error <<-EOT
			Procfile isn't a plain text file: it holds NUL bytes.

			On Windows, PowerShell's ">" writes UTF-16, which no platform reads as a Procfile.
			Save it as UTF-8 without a byte order mark, commit, and push again.
		EOT
		exit 1
	fi
}

# Adds one line, unless there is a process type of that name already.
function procfile::add() {
	local procfile="${1}" line="${2}"
	local existing last_byte

	existing="$(procfile::find "${procfile}" "${line%%:*}")"
	# shellcheck disable=SC2310 # Neither condition can fail in another way.
	if [[ -z "${existing}" ]]; then
		last_byte="$(tail -c 1 -- "${procfile}")"
		printf '%s%s\n' "${last_byte:+$'\n'}" "${line}" >>"${procfile}"
		output::detail "Procfile: added \"${line}\""
	elif procfile::is_ours "${existing}" "${line}"; then
		output::detail "Procfile: has \"${line}\" already"
	elif procfile::runs "${existing}" "${line}"; then
		output::detail "Procfile: \"${line%%:*}\" is the app's own, and deploys as well"
	else
		procfile::explain_taken "${existing}" "${line}"
	fi
}

# Prints the line of a process type; nothing if there is none.
function procfile::find() {
	local procfile="${1}" type="${2}"
	LC_ALL=C grep --text --max-count=1 "^${type}[[:blank:]]*:" "${procfile}" || true
}

# Whether a line of a Procfile is the one that this buildpack adds: the whole command is the same.
function procfile::is_ours() {
	local existing="${1}" line="${2}"
	local existing_command command
	existing_command="$(procfile::command "${existing}")"
	command="$(procfile::command "${line}")"
	[[ "${existing_command}" == "${command}" ]]
}

# Whether a line of the app's own runs our command among others.
function procfile::runs() {
	local existing="${1}" line="${2}"
	local existing_command command
	existing_command="$(procfile::command "${existing}")"
	command="$(procfile::command "${line}")"
	[[ " ${existing_command} " == *" ${command} "* ]]
}

function procfile::explain_taken() {
	local existing="${1}" line="${2}"
	local type="${line%%:*}"
	local command existing_command both run

	command="$(procfile::command "${line}")"
	existing_command="$(procfile::command "${existing}")"
	# In an image, the command of a slug has to be replaced by that of an image.
	both=" ${existing_command} "
	both="${both// .lambda-deploy\/bin\/deploy / ${command} }"
	if [[ "${both}" == " ${existing_command} " ]]; then
		both+="&& ${command} "
	fi
	both="${both:1:-1}"
	if [[ "${type}" == release ]]; then
		output::notice <<-EOT
			Procfile has a process type "release" of the app's own, so it stays as it is, and
			_LAMBDA_RELEASE_PHASE has no effect. To have both, put this into the Procfile:
			  release: ${both}
		EOT
	else
		run="$(platform::command run "${command}")"
		output::notice <<-EOT
			Procfile has a process type "${type}" of the app's own, so it stays as it is.
			For the one that deploys to AWS Lambda, rename the app's and push again, or run
			  ${run}
			What this buildpack would have added:
			  ${line}
		EOT
	fi
}

# Prints the command of a Procfile's line, without blanks around it and without a carriage return.
function procfile::command() {
	local command="${1#*:}"
	command="${command#"${command%%[![:space:]]*}"}"
	echo "${command%"${command##*[![:space:]]}"}"
}

# Prints the lines of a Procfile as an indented YAML mapping.
function procfile::as_yaml() {
	local procfile="${1}"
	local line command
	while IFS= read -r line; do
		command="$(procfile::command "${line}")"
		printf "  %s: '%s'\n" "${line%%:*}" "${command//\'/\'\'}"
	done <"${procfile}"
}

#!/usr/bin/env bash

# The command `deploy` in the slug.

set -euo pipefail
shopt -s inherit_errexit

# Puts the launcher into the slug.
function command::install() {
	local buildpack="${1}" build="${2}" kept_python="${3}"
	local launcher="${build}/.lambda-deploy/bin/deploy"

	mkdir -p -- "${launcher%/*}"
	cp -- "${buildpack}/lib/launcher.sh" "${launcher}"
	chmod 0755 -- "${launcher}"
	printf '%s\n' "${kept_python}" >"${build}/.lambda-deploy/interpreter"
}

# Puts the launcher on the PATH of every dyno, where a start script takes notes for it.
function command::add_to_path() {
	local buildpack="${1}" build="${2}"
	# Start scripts run in the order of their names, and this one has to be the last.
	local profile="${build}/.profile.d/zz-lambda-deploy.sh"
	local names doctor

	if [[ -L "${profile%/*}" || (-e "${profile%/*}" && ! -d "${profile%/*}") ]]; then
		output::error <<-EOT
			.profile.d is not a folder.

			The start script of the deploy goes there, and a link may lead out of the app.

			Remove .profile.d from the app, or make it a folder, and push again.
		EOT
		exit 1
	fi
	mkdir -p -- "${profile%/*}"
	names="$(command::own_names "${build}")"
	printf ' %s \n' "${names//$'\n'/ }" >"${build}/.lambda-deploy/own-names"
	rm -f -- "${profile}"
	cp -- "${buildpack}/lib/profile.sh" "${profile}"
	chmod 0644 -- "${profile}"
	output::detail "Dynos have \"deploy\" on their PATH"
	doctor="$(platform::command run deploy doctor)"
	output::detail "To see whether all is set up: ${doctor}"
}

# Prints the names of the variables that the app's own start scripts assign or export, one a line.
function command::own_names() {
	local build="${1}" script

	for script in "${build}"/.profile.d/*.sh; do
		case "${script##*/}" in
		# What buildpacks put beside the app's own.
		zz-lambda-deploy.sh | nodejs.sh | pnpm.sh | WEB_CONCURRENCY.sh | python.sh | python.gunicorn.sh) continue ;;
		jvmcommon.sh | jdbc.sh | jvm-spring-configuration.sh | heroku-jvm-metrics.sh) continue ;;
		default-proc-warning.sh | scala.sh | clojure.sh | ruby.sh | go.sh | goroot.sh | dotnet.sh) continue ;;
		[1-9][0-9]0-php.sh | [1-9][0-9]0-composer.sh | [1-9][0-9]0-ext-*.sh) continue ;;
		[1-9][0-9]0-apache2.sh | [1-9][0-9]0-nginx.sh | [1-9][0-9]0-blackfire.sh) continue ;;
		000_apt.sh | 000_activestorage_preview.sh | chrome-for-testing.sh) continue ;;
		datadog.sh | heroku-exec.sh | heroku-metrics-daemon.sh) continue ;;
		00_config_vars.sh | 00-global-env.sh | 01-app-env.sh) continue ;; # herokuish, Dokku
		*) ;;
		esac
		if [[ -f "${script}" && -r "${script}" ]]; then
			command::assigned_names "${script}"
		fi
	done | LC_ALL=C sort -u
}

# Prints the names that a script assigns or exports. Those that it makes up as it runs can't be seen.
function command::assigned_names() {
	local script="${1}"
	local name='[A-Za-z][A-Za-z0-9_]*'
	local start="(^|[[:space:];&|(\"'\`])"
	local before="(export|declare|typeset|readonly|read|unset|printf)"

	{
		# NAME=value, "NAME=value", NAME+=value, ${NAME:=value}
		LC_ALL=C grep -aoE "(${start}|[$][{])${name}([+:]?=)" -- "${script}" || true
		# export NAME OTHER
		LC_ALL=C grep -aoE "${start}${before}([[:space:]]+-?[A-Za-z][A-Za-z0-9_]*)+" -- "${script}" |
			LC_ALL=C sed -E "s/${start}${before}[[:space:]]//; s/-[A-Za-z]*//g" || true
	} | LC_ALL=C grep -aoE "${name}" || true
}

#!/usr/bin/env bash

# What differs on Dokku and where Cloud Native Buildpacks build: the words of messages, and that herokuish runs
# an app in the image that it was built in, with everything that is there during the build.

set -euo pipefail
shopt -s inherit_errexit

# herokuish, which builds Dokku's apps, exports its version to each buildpack.
readonly PLATFORM_IS_HEROKUISH="${HEROKUISH_VERSION:+true}"

# The lifecycle of Cloud Native Buildpacks tells each where it is.
readonly PLATFORM_IS_CLOUD_NATIVE="${CNB_BUILDPACK_DIR:+true}"

# Prints what puts a buildpack of Heroku's, `heroku/<name>`, before this one.
function platform::add_buildpack() {
	local buildpack="${1}"
	if [[ -n "${PLATFORM_IS_CLOUD_NATIVE}" ]]; then
		echo "in project.toml, or as an option of pack: --buildpack ${buildpack}"
	elif [[ -n "${PLATFORM_IS_HEROKUISH}" ]]; then
		echo "in .buildpacks: https://github.com/heroku/heroku-buildpack-${buildpack#heroku/}.git"
	else
		echo "heroku buildpacks:add --index 1 ${buildpack}"
	fi
}

# Prints a command of the platform's for an app, such as `run deploy` or `config:set NAME=value`.
function platform::command() {
	if [[ -n "${PLATFORM_IS_CLOUD_NATIVE}" && "${1}" == run ]]; then
		echo "docker run --entrypoint launcher IMAGE ${*:2}"
	elif [[ -n "${PLATFORM_IS_CLOUD_NATIVE}" ]]; then
		echo "pack build --env ${*:2}"
	elif [[ -n "${PLATFORM_IS_HEROKUISH}" ]]; then
		echo "dokku ${1} APP ${*:2}"
	else
		echo "heroku ${*}"
	fi
}

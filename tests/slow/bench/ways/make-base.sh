#!/usr/bin/env bash

# Makes the base of a slug that is compiled already, as bin/compile does, and nothing else:
# make-base.sh <buildpack> <cache> <slug>

set -euo pipefail
shopt -s inherit_errexit

buildpack="${1}" cache="${2}" build="${3}"

# shellcheck source=/dev/null
for part in output environment app pip runtime base; do
	source "${buildpack}/lib/${part}.sh"
done

# shellcheck disable=SC2154 # It comes with lib/runtime.sh.
# They stay out of the slug; bin/compile has them there for as long as it runs.
for package in "${RUNTIME_FOR_BUILDS[@]}"; do
	# Some are for older versions of Python alone.
	if [[ -e "${cache}/lambda-deploy/dependencies/${package}" && ! -e "${build}/.lambda-deploy/runtime/${package}" ]]; then
		cp -R -- "${cache}/lambda-deploy/dependencies/${package}" "${build}/.lambda-deploy/runtime"
	fi
done
cp -R -- "${buildpack}/deploy/build" "${build}/.lambda-deploy/runtime/deploy"
IFS= read -r python <"${build}/.lambda-deploy/interpreter"
if [[ "${python}" != /* ]]; then
	python="${build}/${python}"
fi
base::make "${python}" "${build}" "" "${cache}"

#!/usr/bin/env bash

# Makes the base of a slug that is compiled already, as bin/compile does, and nothing else:
# make-base.sh <buildpack> <slug>

set -euo pipefail
shopt -s inherit_errexit

buildpack="${1}" build="${2}"

# shellcheck source=/dev/null
for part in output environment base; do
    source "${buildpack}/lib/${part}.sh"
done

IFS= read -r python <"${build}/.lambda-deploy/python"
if [[ "${python}" != /* ]]; then
    python="${build}/${python}"
fi
base::make "${python}" "${build}" ""

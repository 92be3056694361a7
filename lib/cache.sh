#!/usr/bin/env bash

# What a build keeps for the next one. An entry of the cache folder is a folder with
#
#   <content>/   ready to be copied into a slug
#   manifest     the SHA-256 sum of each of its files
#   key          what it was made from and for, one `name=value` a line
#
# It is made in a folder beside it, which is renamed when it is complete.

set -euo pipefail
shopt -s inherit_errexit

# Puts the path of an entry into the variable named first, and makes the entry unless there is a good one:
# by a function, which is given the path of the content and the arguments.
function cache::get() {
	local variable="${1}" cache="${2}" name="${3}" content="${4}" what="${5}" key="${6}" workspace="${7}"
	local problems
	local whole="${cache}/${name}"

	problems="$(cache::problems "${whole}" "${content}" "${key}" "${workspace}")"
	if [[ -z "${problems}" ]]; then
		output::detail "Using the ${what} in the cache"
		printf -v "${variable}" '%s' "${whole}"
		return
	fi
	cache::discard "${whole}" "${what}" "${problems}"
	cache::make "$@"
}

# Removes what this build, and builds that were stopped half-way, left in the cache. What another build
# is making at this moment is kept if its process can be seen from here.
function cache::sweep() {
	local cache="${1}"
	local partial maker
	for partial in "${cache}"/lambda-deploy.partial.*; do
		maker="${partial##*/lambda-deploy.partial.}"
		maker="${maker%%.*}"
		if [[ "${maker}" == "${$}" || ! -d "/proc/${maker}" ]]; then
			rm -rf -- "${partial}"
		fi
	done
}

# Prints why an entry can't be used, one reason a line; nothing if it can.
function cache::problems() {
	local entry="${1}" content="${2}" key="${3}" workspace="${4}"
	local -r unreadable="unreadable"
	local name value cached changed=0

	if [[ ! -d "${entry}" ]]; then
		echo "none"
		return
	fi
	if [[ ! -r "${entry}" || ! -x "${entry}" ]]; then
		echo "${unreadable}"
		return
	fi
	if [[ ! -f "${entry}/key" || ! -f "${entry}/manifest" || ! -d "${entry}/${content}" ||
		-L "${entry}/${content}" ]]; then
		echo "incomplete"
		return
	fi
	if [[ ! -r "${entry}/key" || ! -r "${entry}/manifest" ]]; then
		echo "${unreadable}"
		return
	fi
	while IFS='=' read -r name value; do
		cached="$(sed -n "s/^${name}=//p" "${entry}/key")"
		if [[ "${cached}" == "${value}" ]]; then
			continue
		fi
		changed=1
		case "${name}" in
		stack) echo "the stack changed from ${cached} to ${value}" ;;
		python) echo "Python changed from ${cached} to ${value}" ;;
		interpreter) echo "the build image has another Python" ;;
		dependencies) echo "the buildpack asks for other versions" ;;
		*) echo "the buildpack installs in another way" ;;
		esac
	done <"${key}"
	if ((changed)); then
		return
	fi
	# shellcheck disable=SC2310 # It fails as soon as one of its commands does.
	if ! cache::manifest "${entry}/${content}" >"${workspace}/manifest" 2>/dev/null; then
		echo "${unreadable}"
	elif ! cmp --silent -- "${workspace}/manifest" "${entry}/manifest"; then
		echo "damaged: a file is not what was put there"
	fi
}

# Prints the SHA-256 sum of each file in the folder, and the names of links, pipes and the like, which
# should not be there.
function cache::manifest() {
	local folder="${1}"
	(
		cd -- "${folder}" &&
			find . -type f -print0 | LC_ALL=C sort --zero-terminated | xargs -0 sha256sum &&
			find . ! -type f ! -type d | LC_ALL=C sort
	)
}

function cache::discard() {
	local entry="${1}" what="${2}" problems="${3}"
	local problem
	if [[ -d "${entry}" ]]; then
		while IFS= read -r problem; do
			output::detail "Discarding the ${what} in the cache: ${problem}"
		done <<<"${problems}"
		# If the cache can't be written, making the next entry reports it.
		rm -rf -- "${entry}" 2>/dev/null || true
	fi
}

# Makes a new entry, in the cache if that can be written. Puts its path into the variable named first.
function cache::make() {
	local variable="${1}" cache="${2}" name="${3}" content="${4}" what="${5}" key="${6}" workspace="${7}"
	local make="${8}"
	local whole="${cache}/${name}"
	local partial="" problems

	mkdir -p -- "${cache}" 2>/dev/null || true
	partial="$(mktemp -d "${cache}/lambda-deploy.partial.${$}.XXXXXX" 2>/dev/null || true)"
	if [[ -z "${partial}" ]]; then
		partial="$(mktemp -d "${workspace}/lambda-deploy.partial.XXXXXX")"
	fi

	"${make}" "${partial}/${content}" "${@:9}"
	chmod -R u=rwX,go=rX -- "${partial}"
	cache::manifest "${partial}/${content}" >"${workspace}/manifest"
	cp -- "${workspace}/manifest" "${partial}/manifest"
	cp -- "${key}" "${partial}/key"

	printf -v "${variable}" '%s' "${partial}"
	if [[ "${partial}" == "${cache}"/* ]] && mv -T -- "${partial}" "${whole}" 2>/dev/null; then
		output::detail "Kept the ${what} in the cache for the next build"
		printf -v "${variable}" '%s' "${whole}"
		return
	fi
	problems="$(cache::problems "${whole}" "${content}" "${key}" "${workspace}")"
	if [[ -z "${problems}" ]]; then
		output::detail "Another build has put the ${what} in the cache meanwhile"
	else
		output::notice <<-EOT
			The cache folder can't keep the ${what}, so the next build has to make that again:
			${cache}
		EOT
	fi
}

# shellcheck shell=bash disable=SC2292 # [ ] compares letter for letter, whatever the shell's options

# Sourced at the start of every dyno, as the last of the start scripts: puts `deploy` on the PATH and
# notes which variables the start scripts have set. Names here begin with an underscore, because those
# are never baked.

case ":${PATH-}:" in
*":${HOME:-/app}/.lambda-deploy/bin:"*) _deploy_nested=1 ;;
*)
	_deploy_nested=''
	export PATH="${HOME:-/app}/.lambda-deploy/bin${PATH:+:${PATH}}"
	;;
esac

# Other shells read no further, and could not.
if [ -z "${BASH_VERSION-}" ]; then
	unset _deploy_nested
	return 0
fi

# Compares the environment with the one that this shell was started with, and exports the difference:
#   _DEPLOY_STARTED_WITH  the names of all variables that were there and not empty
#   _DEPLOY_SET_<NAME>    what the start scripts have set: the first 4,096 characters
#   _DEPLOY_WAS_<NAME>    what it was before, if it was there. Without _DEPLOY_SET_<NAME>, the start
#                         scripts have unset it
# A shell within the shell adds to the notes, so that they still say what the first was started with.
#
# This starts no process, and the dyno starts whatever happens here.
_deploy_note() {
	local -
	set +aefux
	local _name _entry _own='' _names=' '
	local -a _entries=()
	local -A _start=()

	{ mapfile -d '' -t _entries <"/proc/$$/environ"; } 2>/dev/null
	# herokuish starts Bash with nothing but the name of a file, which exports herokuish's environment
	# and changes backslashes on the way.
	if [ "${#_entries[@]}" = 1 ] && [ "${_entries[0]%%=*}" = BASH_ENV ]; then
		_entries=()
		{ mapfile -d '' -t _entries <"/proc/${PPID}/environ"; } 2>/dev/null
	fi
	if [ "${#_entries[@]}" = 0 ]; then
		return
	fi
	# What the app's own start scripts set is the owner's, as if the shell had started with it.
	{ IFS= read -r _own <"${HOME:-/app}/.lambda-deploy/own-names"; } 2>/dev/null

	for _entry in "${_entries[@]}"; do
		_name=${_entry%%=*}
		case ${_name} in
		'' | [0-9]* | *[!A-Za-z0-9_]*) ;; # no shell can change it
		_DEPLOY_*) export "${_entry?}" ;; # herokuish may have changed it
		_*) ;;
		*)
			_entry=${_entry#*=}
			_start[${_name}]=${_entry}
			if [ -n "${_entry}" ]; then
				_names+="${_name} "
			fi
			;;
		esac
	done
	if [ -z "${_DEPLOY_STARTED_WITH+set}" ]; then
		if [ -n "${_deploy_nested}" ]; then
			return # the shell around this one has no notes, so nobody knows what that was started with
		fi
		case ":${PATH-}" in
		*:/layers/*) ;; # in a container, Cloud Native Buildpacks have set theirs before this shell
		*)
			_deploy_fits "_DEPLOY_STARTED_WITH=${_names}${_own# }" || return
			export _DEPLOY_STARTED_WITH="${_names}${_own# }"
			;;
		esac
	fi

	for _name in \
		"${!A@}" "${!B@}" "${!C@}" "${!D@}" "${!E@}" "${!F@}" "${!G@}" "${!H@}" "${!I@}" "${!J@}" "${!K@}" \
		"${!L@}" "${!M@}" "${!N@}" "${!O@}" "${!P@}" "${!Q@}" "${!R@}" "${!S@}" "${!T@}" "${!U@}" "${!V@}" \
		"${!W@}" "${!X@}" "${!Y@}" "${!Z@}" "${!a@}" "${!b@}" "${!c@}" "${!d@}" "${!e@}" "${!f@}" "${!g@}" \
		"${!h@}" "${!i@}" "${!j@}" "${!k@}" "${!l@}" "${!m@}" "${!n@}" "${!o@}" "${!p@}" "${!q@}" "${!r@}" \
		"${!s@}" "${!t@}" "${!u@}" "${!v@}" "${!w@}" "${!x@}" "${!y@}" "${!z@}"; do
		case ${!_name+set}${!_name@a} in
		set*x*) # set and exported
			if [ -z "${_start[${_name}]+set}" ] || [ "${!_name}" != "${_start[${_name}]}" ]; then
				_deploy_note_change
			fi
			unset -v "_start[${_name}]"
			;;
		*) ;;
		esac
	done
	for _name in "${!_start[@]}"; do
		_deploy_note_change
	done
}

# Notes that the start scripts have set or unset a variable. The value that this shell was started with
# is no news if it is what start scripts have set in the shell around this one.
_deploy_note_change() {
	local _set=_DEPLOY_SET_${_name} _was=_DEPLOY_WAS_${_name}

	case "${_name} ${_own}" in
	HOME\ * | PATH\ * | PWD\ * | OLDPWD\ * | SHLVL\ * | *" ${_name} "*) return ;; # no need to know
	*) ;;
	esac
	if [ -z "${_start[${_name}]+set}" ]; then
		if [ -n "${!_set+set}" ]; then
			unset -v "${_was}"
		fi
	elif [ -z "${!_set+set}" ] || [ "${!_set}" != "${_start[${_name}]:0:4096}" ]; then
		unset -v "${_was}"
		if _deploy_fits "${_was}=${_start[${_name}]}"; then
			export "${_was}=${_start[${_name}]}"
		fi
	fi
	case ${!_name+set}${!_name@a} in
	set*x*) export "${_set}=${!_name:0:4096}" ;;
	*) unset -v "${_set}" ;;
	esac
}

# Whether Linux passes a string on to a process: at most 131,071 bytes, of up to 4 a character.
_deploy_fits() {
	if [ "${#1}" -gt 32000 ]; then
		local LC_ALL=C
		[ "${#1}" -lt 131072 ]
	fi
}

_deploy_note || :
unset -f _deploy_note _deploy_note_change _deploy_fits
unset -v _deploy_nested

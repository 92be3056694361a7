# shellcheck shell=sh
# Sourced at the start of every dyno: puts `deploy` on the PATH. No variable of its own, because
# each would end up in the app's environment.
case ":${PATH-}:" in
*":${HOME:-/app}/.lambda-deploy/bin:"*) ;;
*) export PATH="${HOME:-/app}/.lambda-deploy/bin${PATH:+:${PATH}}" ;;
esac

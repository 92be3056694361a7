"""The rules of .lambdaignore, which are git's."""

"""One function to deploy, as a value: settings, variables, provenance. The only reader of variables."""

"""Config vars: which of the variables are baked, in which formats, and how they are kept out of logs."""

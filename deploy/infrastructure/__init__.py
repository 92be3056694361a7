"""What the owner of the account sets up: templates of the stable side, and the IAM policies. Pure."""

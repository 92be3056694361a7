"""What the owner of the account sets up: the IAM policy, collected from the steps. Pure."""

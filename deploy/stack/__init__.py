"""A stack of CloudFormation's: template → change set → what it changes → execution by CloudFormation."""

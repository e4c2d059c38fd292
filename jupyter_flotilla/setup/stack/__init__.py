"""The CloudFormation stack of ECS: names, policies and resources, as plain data."""

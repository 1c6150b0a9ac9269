"""The trigger: a Lambda function that turns uploads into tasks. It shares only a command line with the pipeline."""

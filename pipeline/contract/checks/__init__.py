"""What can be wrong with a contract, part by part. Each check yields findings and raises nothing."""

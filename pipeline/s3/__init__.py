"""Amazon S3, and all that speaks its language (`AWS_ENDPOINT_URL`): objects in, contracts in, receipts out."""

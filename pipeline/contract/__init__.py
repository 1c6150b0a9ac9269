"""What a dataset is: the ODCS contract, checked (`lint`), compiled (`Dataset`) and found for a file (`match`)."""

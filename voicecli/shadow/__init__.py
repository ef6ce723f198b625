"""Other endpointers, asked about a call that is over, without a say in it."""

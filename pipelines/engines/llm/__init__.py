"""Language models that write the reply, one a file."""

"""One kind of source of weights a file: each has `fetch`."""

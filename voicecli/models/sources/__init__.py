"""One kind of source of weights a file: each has `download_bytes` and `fetch`."""

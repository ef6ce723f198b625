"""Takes what callers say of themselves out of what is kept of a call: words and sound."""

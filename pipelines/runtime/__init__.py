"""The shells that run the core: on the wall clock and on a virtual one."""

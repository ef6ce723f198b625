"""The panels of the screen, one a file; each is a fold over the journal and its picture."""

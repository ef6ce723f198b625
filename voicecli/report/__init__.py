"""Pictures of a finished call for people and machines: read-only folds over the journal."""

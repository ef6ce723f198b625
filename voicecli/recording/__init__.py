"""What a call leaves behind on disk, and reading it again."""

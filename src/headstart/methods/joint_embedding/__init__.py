"""Two views of one thing agree."""

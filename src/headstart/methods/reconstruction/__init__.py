"""Methods that give back what went in, or what was hidden of it."""

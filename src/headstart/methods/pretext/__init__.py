"""Methods that answer a question which the data pose by themselves."""

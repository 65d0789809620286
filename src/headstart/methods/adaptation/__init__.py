"""Labels there, none here: a classifier learned on a source is brought to a target whose labels nobody sees."""

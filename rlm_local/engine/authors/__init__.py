"""Who writes cells: the model, in SQL or Python, from a card of what the collection has."""

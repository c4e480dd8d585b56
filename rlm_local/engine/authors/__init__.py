"""The authors: programs in SQL and Python that a model writes from a card of the collection, and code checks."""

"""The engine behind a server: the API that programs already speak, an API of its own, and a page.

`service.py` holds the parts together and `desk.py` is where questions wait and are worked on. `openai/` and `api/` turn
HTTP into calls of these, `page/` is what a browser is given. The log of runs stays the truth about what happened.
"""

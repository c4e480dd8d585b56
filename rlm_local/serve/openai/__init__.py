"""The API that programs already speak, as far as it makes sense for an engine that answers from documents.

https://platform.openai.com/docs/api-reference
"""

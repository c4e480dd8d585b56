"""Where `decode` was; it is `rlm_local.collection.decode` now."""

from rlm_local.collection.decode import Binary, Decoded, decode, normalised

__all__ = ["Binary", "Decoded", "decode", "normalised"]

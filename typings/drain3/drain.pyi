from collections.abc import MutableMapping, Sequence

class LogCluster:
    log_template_tokens: tuple[str, ...]
    cluster_id: int
    size: int

class Drain:
    id_to_cluster: MutableMapping[int, LogCluster]
    def __init__(
        self, *, depth: int = 4, sim_th: float = 0.4, max_children: int = 100, param_str: str = "<*>"
    ) -> None: ...
    def fast_match(
        self, cluster_ids: Sequence[int], tokens: list[str], sim_th: float, include_params: bool
    ) -> LogCluster | None: ...
    def add_log_message(self, content: str) -> tuple[LogCluster, str]: ...
    def match(self, content: str) -> LogCluster | None: ...

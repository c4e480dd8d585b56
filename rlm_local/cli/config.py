"""The configuration file: defaults for options, below the environment and the command line.

timeout = 600            # for every command that has the option

[bench.examples]
limit = 10               # for one command
"""

import tomllib
from pathlib import Path
from typing import Any, cast

from rlm_local.errors import UsageError


def read_config(path: Path, program: Any) -> dict[str, Any]:
    """The default map of a group of commands.

    Args:
        path: a TOML file; it need not exist.
        program: the group, whose commands and options say what the file may hold.

    Raises:
        UsageError: the file cannot be read, or names what is neither a command nor an option.
    """
    try:
        config = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", remedy="Mend it, or move it away") from error
    config = _with_underscores(config)
    unknown = [*_unknown(config, program, shared=_options(program))]
    if unknown:
        raise UsageError(f"{path} sets {', '.join(unknown)}, which is neither a command nor an option of one")
    return _default_map(config, program)


def _with_underscores(table: dict[str, Any]) -> dict[str, Any]:
    """As click names options: `max-tokens` is `max_tokens`."""
    return {
        key.replace("-", "_"): _with_underscores(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for key, value in table.items()
    }


def _options(command: Any) -> set[str]:
    """The names of all options of a command and of those below it."""
    own = {str(parameter.name) for parameter in command.params if parameter.param_type_name == "option"}
    return own.union(*(_options(child) for child in getattr(command, "commands", {}).values()))


def _unknown(table: dict[str, Any], command: Any, *, shared: set[str], at: str = "") -> list[str]:
    children = getattr(command, "commands", {})
    found: list[str] = []
    for key, value in table.items():
        if isinstance(value, dict) and key in children:
            child = children[key]
            found += _unknown(cast("dict[str, Any]", value), child, shared=_options(child), at=f"{at}{key}.")
        elif isinstance(value, dict) or key not in shared:
            found.append(f"{at}{key}")
    return found


def _default_map(table: dict[str, Any], command: Any) -> dict[str, Any]:
    """What stands above holds below, unless it is set there."""
    children = getattr(command, "commands", {})
    values = {key: value for key, value in table.items() if key not in children}
    below = {name: _default_map({**values, **table.get(name, {})}, child) for name, child in children.items()}
    return {**values, **below}

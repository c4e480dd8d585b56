"""Write the examples: `python examples/generate.py [--into FOLDER]`. The same files each time."""

import argparse
import json
import shutil
from pathlib import Path

from making.code import make_code
from making.handbook import make_handbook
from making.letters import make_letters, write_letters
from making.logs import make_jobs, make_portal, write_logs
from making.notes import make_cards, make_notes, write_cards, write_notes
from making.questions import Facts, make_questions
from making.short import SHORT
from making.tables import write_tables
from making.tickets import make_tickets, write_tickets
from making.world import make_world


def generate() -> dict[str, str]:
    """Relative path -> text, the questions among them."""
    world = make_world()
    facts = Facts(
        world=world,
        notes=make_notes(world),
        cards=make_cards(),
        letters=make_letters(world),
        tickets=make_tickets(world),
        portal=make_portal(world),
        jobs=make_jobs(),
        handbook=make_handbook(world),
        code=make_code(),
    )
    return {
        **write_tables(world),
        **write_notes(facts.notes),
        **write_cards(facts.cards),
        **write_letters(facts.letters),
        **write_tickets(facts.tickets),
        **write_logs(facts.portal, facts.jobs),
        **facts.handbook.files,
        **facts.code.files,
        **SHORT,
        "questions.jsonl": "".join(json.dumps(q.as_json()) + "\n" for q in make_questions(facts)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="folder (default: this file's)")
    into: Path = parser.parse_args().into
    files = generate()
    for folder in ("records", "short"):  # what an earlier version wrote there must not linger
        shutil.rmtree(into / folder, ignore_errors=True)
    for path, text in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_text(text, encoding="utf-8", newline="\n")
    characters = sum(len(text) for path, text in files.items() if path != "questions.jsonl")
    print(f"{len(files) - 1} documents, {characters:,} characters, {files['questions.jsonl'].count(chr(10))} questions")  # noqa: T201


if __name__ == "__main__":
    main()

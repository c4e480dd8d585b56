"""Questions over the records of a tool hire: counts, argmax, two hops, counts by meaning, and what is not there."""

from collections import Counter
from collections.abc import Callable
from random import Random

from rlm_local.bench.tasks.hires import BRANCHES, TOOLS, TOPICS, Hire, Records, make_records
from rlm_local.bench.tasks.made import Made, drawn

Ask = Callable[[Records, Random], Made | None]
"""A question over records, or None: these have no single answer to what was drawn."""

_TOWN = (
    "In which town does the customer of hire {id} live?",
    "What is the town of the customer of hire {id}?",
    "Which town is the customer of hire {id} from?",
    "Hire {id}: in which town does its customer live?",
    "Name the town where the customer of hire {id} lives.",
    "The customer of hire {id} comes from which town?",
    "Tell me the town of whoever is the customer of hire {id}.",
)
_NAME = (
    "What is the name of the customer of hire {id}?",
    "Hire {id}: what is the name of its customer?",
    "Name the customer of hire {id}.",
    "Which name has the customer of hire {id}?",
    "What is the customer of hire {id} called?",
    "Give me the name of the customer that hire {id} was for.",
    "Under which name is the customer of hire {id} known?",
)
_BRANCH = (
    "At which branch did the customer {name} hire a {tool}?",
    "The customer {name} hired a {tool}: at which branch?",
    "From which branch did the customer {name} hire the {tool}?",
    "Which branch did the customer {name} hire a {tool} from?",
    "Tell me the branch at which the customer {name} hired a {tool}.",
    "Name the branch where the customer {name} hired a {tool}.",
)
_MEANT = (
    "How many of the messages to the {branch} branch in {month} are from a writer who {topic}?",
    "Count the messages to the {branch} branch in {month} whose writer {topic}.",
    "Messages to the {branch} branch in {month}: in how many is it that the writer {topic}?",
    "In {month}, how many messages reached the {branch} branch from somebody who {topic}?",
    "Give me the number of messages to the {branch} branch in {month} in which the writer {topic}.",
    "How many messages that the {branch} branch got in {month} come from a person who {topic}?",
    "What is the number of messages in {month} to the {branch} branch where the sender {topic}?",
    "Of the messages to the {branch} branch in {month}, how many have a writer who {topic}?",
    "Tell me in how many messages to the {branch} branch in {month} the writer {topic}.",
    "How often does a message to the {branch} branch in {month} come from somebody who {topic}?",
    "Among the messages to the {branch} branch in {month}, count those whose author {topic}.",
    "In how many of the messages that reached the {branch} branch in {month} is there someone who {topic}?",
)


def make(characters: int, rng: Random, ask: Ask) -> Made:
    """Records of some characters, and a question of one kind."""
    records = make_records(characters, rng)
    return drawn(lambda: ask(records, rng))


def count(records: Records, rng: Random) -> Made:
    """Hires that meet one to three conditions on fields."""
    chosen, words = conditions(records, rng, rng.randint(1, 3))
    return Made(records.documents(), f"How many hires {words} are there?", "number", len(chosen))


def argmax(records: Records, rng: Random) -> Made | None:
    """Which branch or tool has the most hires, of all or of those that meet a condition."""
    what, names = rng.choice((("branch", BRANCHES), ("tool", TOOLS)))
    chosen, words = conditions(records, rng, rng.randint(0, 1), without=what)
    counts = Counter(hire.branch if what == "branch" else hire.tool for hire in chosen).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    best = counts[0][0]
    question = f"Which {what} has the most hires{' ' * bool(words)}{words}?"
    return Made(records.documents(), question, "text", best, against=tuple(name for name in names if name != best))


def two_hop(records: Records, rng: Random) -> Made | None:
    """From a hire to its customer, or from a customer's name to a hire."""
    hire = rng.choice(records.hires)
    [customer] = [customer for customer in records.customers if customer.id == hire.customer]
    if rng.random() < 0.5:
        wordings, answer = rng.choice(((_TOWN, customer.town), (_NAME, customer.name)))
        return Made(records.documents(), rng.choice(wordings).format(id=hire.id), "text", answer)
    same = [other for other in records.hires if other.customer == hire.customer and other.tool == hire.tool]
    if len({other.branch for other in same}) > 1:
        return None
    question = rng.choice(_BRANCH).format(name=customer.name, tool=hire.tool)
    others = tuple(branch for branch in BRANCHES if branch != hire.branch)
    return Made(records.documents(), question, "text", hire.branch, against=others)


def semantic(records: Records, rng: Random) -> Made:
    """How many messages of one branch and month mean something, in one of some wordings."""
    topic = rng.choice(tuple(TOPICS))
    branch, month = records.busy
    chosen = [m for m in records.messages if m.branch == branch and m.day.replace(day=1) == month]
    wording = rng.choice(_MEANT)  # its own group: what is meant is a value, too, but of no field
    question = wording.format(branch=branch, month=f"{month:%B %Y}", topic=topic)
    number = sum(message.topic == topic for message in chosen)
    return Made(records.documents(), question, "near", number, group=wording)


def not_there(records: Records, rng: Random) -> Made:
    """A hire, a customer or a field that does not exist."""
    hire, customer = rng.choice(records.hires), rng.choice(records.customers)
    question = rng.choice(
        (
            f"What was the price of hire H-{len(records.hires) + rng.randint(2, 90):06}?",
            f"In which town does the customer Ludmila {customer.name.split()[-1]}berg live?",
            f"What is the phone number of the customer {customer.name}?",
            f"Who repaired the {hire.tool} of hire {hire.id}?",
        )
    )
    return Made(records.documents(), question, "not_found", "")


def conditions(records: Records, rng: Random, number: int, without: str = "") -> tuple[list[Hire], str]:
    """Hires that meet some conditions, drawn so that at least one does, and the conditions in words."""
    example = rng.choice(records.hires)
    days = example.days
    every: dict[str, tuple[str, Callable[[Hire], bool]]] = {
        "branch": (f"at the {example.branch} branch", lambda hire: hire.branch == example.branch),
        "tool": (f"of a {example.tool}", lambda hire: hire.tool == example.tool),
        "status": (f"with the status {example.status}", lambda hire: hire.status == example.status),
        "year": (f"in {example.day.year}", lambda hire: hire.day.year == example.day.year),
        "days": (f"of at least {days} days", lambda hire: hire.days >= days),
    }
    names = rng.sample([name for name in every if name != without], number)
    drawn = [every[name] for name in every if name in names]
    return [hire for hire in records.hires if all(met(hire) for _, met in drawn)], " ".join(words for words, _ in drawn)

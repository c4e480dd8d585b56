"""The planner's fixed prompt: what a plan is, and worked examples from domains of their own."""

from rlm_local.models import Message

PROMPT_VERSION = "plan-1"

_RULES = """\
You plan how to answer a question over a person's records. You see the item sets with their fields; code will run your plan.
op is one of:
count - how many items meet the conditions
list - the values of a field of the items that meet the conditions
top - the group with the most or fewest items, or with the highest or lowest amount
sum, average - of a number field
lookup - one field of one item that the conditions single out
read - find the passages that speak of the question and read them: for facts in prose, and where one document leads to another
"judge" is a yes/no question about each item, for what no field says; null where fields are enough."""

_LIBRARY = """\
loans (1904 rows): loan id like L-00417; member like "Tove Lindqvist"; branch [Harbour, Old Town, Hillside]; state [returned, overdue, lost]; \
out date 2021-01-04..2022-12-30; fine number 0..18.5
reviews (62 documents): title like "Winter Light"; reviewer like "M. Okafor"; text like "I picked this up on a rainy weekend and..."
handbook (14 sections): text like "Opening hours. The branches open at..."
"""

_GARDEN = """\
orders (338 rows): order id like 88213; customer like "Bakker Ltd"; plant [rose, fern, maple]; quantity number 1..400; price number 2..1900; placed date \
2020-02-01..2020-11-28
mails (45 messages): from like "jo@bakker.example"; subject like "Delivery on Friday"; date 2020-02-03..2020-11-30; text like "Dear team, the ferns arrived..."
greenhouse_log (5210 lines): time date 2020-06-01..2020-06-30; level [INFO, WARN, ERROR]; sensor [t1, t2, h1]; message like "humidity back to normal"
"""

_CODE = """\
functions (211 functions): name like "parse_header"; path like "net/http.py"; lines number 2..140; text like "def parse_header(raw): ..."
players (26 documents): name like "Ada Brunner"; club [Rovers, United]; goals number 0..31; text like "A quick winger who..."
"""

_SHOTS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        _LIBRARY,
        "How many loans at the Old Town branch are overdue?",
        ("branch = Old Town", "state = overdue"),
        '{"op": "count", "items": "loans", "where": ["branch = Old Town", "state = overdue"], "judge": null}',
    ),
    (
        _GARDEN,
        "Which customer has spent the most on maples?",
        ("plant = maple",),
        '{"op": "top", "items": "orders", "where": ["plant = maple"], "judge": null, "show": "customer", '
        '"rank": "highest sum price"}',
    ),
    (
        _LIBRARY,
        "What must members do when they move to another town?",
        (),
        '{"op": "read"}',
    ),
    (
        _LIBRARY,
        "In how many reviews does the reviewer say that the ending was a let-down?",
        (),
        '{"op": "count", "items": "reviews", "where": [], "judge": "Does the reviewer find the ending disappointing?"}',
    ),
    (
        _GARDEN,
        "What was the price of order 88402?",
        ("order id = 88402",),
        '{"op": "lookup", "items": "orders", "where": ["order id = 88402"], "judge": null, "show": "price"}',
    ),
    (
        _GARDEN,
        "Which sensor reported the fewest errors in the second week of June 2020?",
        ("level = ERROR", "time 2020-06-08..2020-06-14"),
        '{"op": "top", "items": "greenhouse_log", "where": ["level = ERROR", "time 2020-06-08..2020-06-14"], "judge": null, '
        '"show": "sensor", "rank": "fewest items"}',
    ),
    (
        _GARDEN,
        "Jo wrote that one order came with broken pots. What was the price of that order?",
        (),
        '{"op": "read"}',
    ),
    (
        _LIBRARY,
        "Which members lost a book at Hillside in 2022?",
        ("state = lost", "branch = Hillside", "out 2022-01-01..2022-12-31"),
        '{"op": "list", "items": "loans", "where": ["state = lost", "branch = Hillside", "out 2022-01-01..2022-12-31"], '
        '"judge": null, "show": "member"}',
    ),
    (
        _CODE,
        "Name the players of Rovers who are described as injured.",
        ("club = Rovers",),
        '{"op": "list", "items": "players", "where": ["club = Rovers"], "judge": "Is this player injured?", "show": "name"}',
    ),
    (
        _GARDEN,
        "How much did we take in altogether from orders of more than 100 ferns?",
        ("plant = fern", "quantity > 100"),
        '{"op": "sum", "items": "orders", "where": ["plant = fern", "quantity > 100"], "judge": null, "show": "price"}',
    ),
    (
        _GARDEN,
        "What is the phone number of the night watchman?",
        (),
        '{"op": "read"}',
    ),
)


def ask(schema: str, question: str, mentioned: tuple[str, ...]) -> str:
    """The user's message of one planning task."""
    found = "; ".join(mentioned) if mentioned else "nothing"
    return f"{schema}Question: {question}\nThe question mentions: {found}"


def fixed_messages() -> tuple[Message, ...]:
    """The rules and the worked examples: the same for every corpus and question, so that their KV is kept."""
    messages = [Message("system", _RULES)]
    for schema, question, mentioned, plan in _SHOTS:
        messages += [Message("user", ask(schema, question, mentioned)), Message("assistant", plan)]
    return tuple(messages)

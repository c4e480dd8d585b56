"""The planner's fixed prompt: what a plan is, and worked examples from domains of their own."""

from rlm_local.models import Message

PROMPT_VERSION = "plan-1"

_RULES = """\
You plan how to answer a question over a person's records. You see the item sets with their fields; code runs your plan.
op is one of:
count - how many items meet the conditions
list - the values of a field of the items that meet the conditions
top - the group with the most or fewest items, or with the highest or lowest amount
sum, average - of a number field
lookup - one field of one item that the conditions single out
read - find the passages that speak of the question and read them: for facts in prose, and where one document leads to another
judge is a yes/no question to put to each item, for what no field says; none where fields are enough."""

_LIBRARY = """\
loans (1904 rows): loan id like "L-00417"; member like "Tove Lindqvist"; branch [Harbour, Old Town, Hillside]; \
state [returned, overdue, lost]; out date 2021-01-04..2022-12-30; fine number 0..18.5
reviews (62 documents): title like "Winter Light"; reviewer like "M. Okafor"; text like "I picked this up on a rainy..."
handbook (14 sections): text like "Opening hours. The branches open at..."
"""

_GARDEN = """\
orders (338 rows): order id like "88213"; customer like "Bakker Ltd"; plant [rose, fern, maple]; quantity number 1..400; \
price number 2..1900; placed date 2020-02-01..2020-11-28
mails (45 messages): from like "jo@bakker.example"; subject like "Delivery on Friday"; text like "Dear team, the ferns..."
greenhouse_log (5210 lines): time date 2020-06-01..2020-06-30; level [INFO, WARN, ERROR]; sensor [t1, t2, h1]
"""

_CODE = """\
functions (211 functions): name like "parse_header"; path like "net/http.py"; lines number 2..140; text like "def parse..."
players (26 documents): name like "Ada Brunner"; club [Rovers, United]; goals number 0..31; text like "A quick winger who..."
"""

_GROUPS: tuple[tuple[str, tuple[tuple[str, tuple[str, ...], str], ...]], ...] = (
    (
        _LIBRARY,
        (
            (
                "How many loans at the Old Town branch are overdue?",
                ("branch = Old Town", "state = overdue"),
                "op: count\nitems: loans\nwhere: branch = Old Town\nwhere: state = overdue\njudge: none",
            ),
            ("How long may a member keep a book from the Harbour branch?", ("branch = Harbour",), "op: read"),
            (
                "In how many reviews does the reviewer say that the ending was a let-down?",
                (),
                'op: count\nitems: reviews\njudge: "Does the reviewer find the ending disappointing?"',
            ),
            (
                "Which members lost a book at Hillside in 2022?",
                ("state = lost", "branch = Hillside", "out 2022-01-01..2022-12-31"),
                "op: list\nitems: loans\nwhere: state = lost\nwhere: branch = Hillside\n"
                "where: out 2022-01-01..2022-12-31\njudge: none\nshow: member",
            ),
        ),
    ),
    (
        _GARDEN,
        (
            (
                "Which customer has spent the most on maples?",
                ("plant = maple",),
                "op: top\nitems: orders\nwhere: plant = maple\njudge: none\nshow: customer\nrank: highest sum price",
            ),
            (
                "What was the price of order 88402?",
                ("order id = 88402",),
                "op: lookup\nitems: orders\nwhere: order id = 88402\njudge: none\nshow: price",
            ),
            (
                "Jo wrote that one order of roses came with broken pots. What was the price of that order?",
                ("plant = rose",),
                "op: read",
            ),
            (
                "Which sensor reported the fewest errors in the second week of June 2020?",
                ("level = ERROR", "time 2020-06-08..2020-06-14"),
                "op: top\nitems: greenhouse_log\nwhere: level = ERROR\nwhere: time 2020-06-08..2020-06-14\n"
                "judge: none\nshow: sensor\nrank: fewest items",
            ),
            (
                "How much did we take in altogether from orders of more than 100 ferns?",
                ("plant = fern", "quantity > 100"),
                "op: sum\nitems: orders\nwhere: plant = fern\nwhere: quantity > 100\njudge: none\nshow: price",
            ),
            ("Who has the key to the greenhouse?", (), "op: read"),
        ),
    ),
    (
        _CODE,
        (
            (
                "Name the players of Rovers who are described as injured.",
                ("club = Rovers",),
                'op: list\nitems: players\nwhere: club = Rovers\njudge: "Is this player injured?"\nshow: name',
            ),
            ("Why did Ada Brunner leave her first club?", ("name = Ada Brunner",), "op: read"),
        ),
    ),
)


def ask(schema: str, question: str, mentioned: tuple[str, ...]) -> str:
    """The user's message of one planning task; `schema` is empty where it is the last one again."""
    found = "; ".join(mentioned) if mentioned else "nothing"
    return f"{schema}Question: {question}\nMentioned: {found}"


def fixed_messages() -> tuple[Message, ...]:
    """The rules and the worked examples: the same for every corpus and question, so that their KV is kept."""
    messages = [Message("system", _RULES)]
    for schema, shots in _GROUPS:
        for number, (question, mentioned, plan) in enumerate(shots):
            messages.append(Message("user", ask("" if number else schema, question, mentioned)))
            messages.append(Message("assistant", plan))
    return tuple(messages)

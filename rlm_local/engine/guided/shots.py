"""The planner's fixed prompt: what a plan is, and worked examples from domains of their own."""

from rlm_local.models import Message

PROMPT_VERSION = "plan-2"

_RULES = """\
You plan how to answer a question over a person's records. You see the item sets with their fields; code runs your plan.
op is one of:
count - how many items meet the conditions
list - the values of a field of the items that meet the conditions
top - the group with the most or fewest items, or with the highest or lowest amount
sum, average - of a number field
lookup - one field of one item that the conditions single out
read - find the passages that speak of the question and read them: facts in prose, or one document leads to another
whole - read everything, where that is short
each - ask about every part of the documents, or every group of items, by itself, and combine the answers
judge is a yes/no question to put to each item, for what no field says; none where fields are enough."""

_LIBRARY = """\
loans (1904 rows): loan id like "L-00417"; member like "Tove Lindqvist"; branch [Harbour, Old Town, Hillside]; \
state [returned, overdue, lost]; out date 2021-01..2022-12; fine number
reviews (62 documents): title like "Winter Light"; reviewer like "M. Okafor"; text like "I picked this up on a rainy..."
handbook (14 sections): text like "Opening hours. The branches open at..."
"""

_GARDEN = """\
orders (338 rows): order id like "88213"; customer like "Bakker Ltd"; plant [rose, fern, maple]; quantity number; \
price number; placed date 2020-02..2020-11
mails (45 messages): from like "jo@bakker.example"; subject like "Delivery on Friday"; text like "Dear team"
greenhouse_log (5210 lines): time date 2020-06..2020-06; level [INFO, WARN, ERROR]; sensor [t1, t2, h1]
"""

_CODE = """\
functions (211 functions): name like "parse_header"; path like "net/http.py"; lines number; text like "def parse"
players (26 documents): name like "Ada Brunner"; club [Rovers, United]; goals number; text like "A quick winger"
"""

_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        _LIBRARY,
        (
            (
                "How many loans at the Old Town branch are overdue?",
                "loans: branch = Old Town, state = overdue",
                "op: count\nitems: loans\nwhere: branch = Old Town\nwhere: state = overdue\njudge: none",
            ),
            (
                "Which branch had the most books lost in 2021?",
                "loans: state = lost, out 2021-01-01..2021-12-31",
                "op: top\nitems: loans\nwhere: state = lost\nwhere: out 2021-01-01..2021-12-31\njudge: none\n"
                "show: branch\nrank: most items",
            ),
            ("How long may a member keep a book from the Harbour branch?", "loans: branch = Harbour", "op: read"),
            (
                "In how many reviews does the reviewer say that the ending was a let-down?",
                "nothing",
                'op: count\nitems: reviews\njudge: "Does the reviewer find the ending disappointing?"',
            ),
            (
                "Is there anything in the handbook or the reviews, however it is put, that hints at mould?",
                "nothing",
                "op: each\nitems: all",
            ),
            (
                "Which members lost a book at Hillside in 2022?",
                "loans: state = lost, branch = Hillside, out 2022-01-01..2022-12-31",
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
                "orders: plant = maple",
                "op: top\nitems: orders\nwhere: plant = maple\njudge: none\nshow: customer\nrank: highest sum price",
            ),
            (
                "What was the price of order 88402?",
                "orders: order id = 88402",
                "op: lookup\nitems: orders\nwhere: order id = 88402\nshow: price",
            ),
            (
                "Jo wrote that one order of roses came with broken pots. What was the price of that order?",
                "orders: plant = rose",
                "op: read",
            ),
            (
                "Which sensor reported the fewest errors in the second week of June 2020?",
                "orders: placed 2020-06-08..2020-06-14; greenhouse_log: time 2020-06-08..2020-06-14, level = ERROR",
                "op: top\nitems: greenhouse_log\nwhere: level = ERROR\nwhere: time 2020-06-08..2020-06-14\n"
                "judge: none\nshow: sensor\nrank: fewest items",
            ),
            (
                "How much did we take in altogether from orders of more than 100 ferns?",
                "orders: plant = fern, quantity > 100",
                "op: sum\nitems: orders\nwhere: plant = fern\nwhere: quantity > 100\nshow: price",
            ),
            (
                "For every plant, who ordered the largest quantity at once?",
                "nothing",
                'op: each\nitems: orders\nby: plant\nask: "Who ordered the largest quantity at once?"',
            ),
            ("Who has the key to the greenhouse?", "nothing", "op: read"),
        ),
    ),
    (
        _CODE,
        (
            (
                "Name the players of Rovers who are described as injured.",
                "players: club = Rovers",
                'op: list\nitems: players\nwhere: club = Rovers\njudge: "Is this player injured?"\nshow: name',
            ),
            ("Why did Ada Brunner leave her first club?", "players: name = Ada Brunner", "op: read"),
        ),
    ),
)


def planning_messages(schema: str, question: str, mentioned: str) -> tuple[Message, ...]:
    """The rules, the worked examples, this corpus, and last, alone in its message, the question.

    All but the last are the same for every question over a corpus, so that their KV is kept.
    """
    messages = [Message("system", _RULES)]
    for records, shots in _GROUPS:
        messages += _records(records)
        for asked, found, plan in shots:
            messages += [Message("user", _ask(asked, found)), Message("assistant", plan)]
    return (*messages, *_records(schema), Message("user", _ask(question, mentioned)))


def _records(schema: str) -> list[Message]:
    return [Message("user", f"Records:\n{schema}"), Message("assistant", "ready")]


def _ask(question: str, mentioned: str) -> str:
    return f"Question: {question}\nMentioned: {mentioned}"

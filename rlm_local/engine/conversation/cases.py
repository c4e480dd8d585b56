"""The worked cases of the prompt: what was asked and answered, what was said then, and what it means."""

from dataclasses import dataclass

from rlm_local.engine.conversation.exchange import Exchange


@dataclass(frozen=True)
class Case:
    """What was said after some exchanges, and the question that it is; empty where it stands alone."""

    exchanges: tuple[Exchange, ...]
    said: str
    meant: str = ""


CASES = (
    Case(
        (
            Exchange(
                "How many loans of the Hillside branch were overdue in March?",
                "212",
                "SELECT COUNT(*) FROM loans WHERE branch = 'Hillside' AND month = 3 AND overdue = 1",
            ),
        ),
        "and in April?",
        "How many loans of the Hillside branch were overdue in April?",
    ),
    Case(
        (Exchange("Which play sold the most tickets last season?", "Winter Light"),),
        "Who directed it?",
        "Who directed Winter Light?",
    ),
    Case(
        (
            Exchange("Welche Rezepte enthalten Roggenmehl?", "Landbrot, Schwarzbrot, Vinschgerl"),
            Exchange("Wie lange muss das Landbrot ruhen?", "12 Stunden"),
        ),
        "Was kostet eine Lieferung von 25 kg Hefe?",
    ),
    Case(
        (Exchange("How many trees did Tove Lindqvist fell?", "9"),),
        "and R. Aldous?",
        "How many trees did R. Aldous fell?",
    ),
    Case(
        (
            Exchange(
                "Quels vélos ont été réparés en juin ?",
                "V-04, V-11, V-19",
                "SELECT velo FROM reparations WHERE mois = 6",
            ),
        ),
        "seulement ceux de l'atelier nord",
        "Quels vélos de l'atelier nord ont été réparés en juin ?",
    ),
    Case(
        (Exchange("What is the average weight of the seals that were tagged in 2019?", "84.2"),),
        "per beach",
        "What is the average weight, per beach, of the seals that were tagged in 2019?",
    ),
    Case(
        (
            Exchange("¿Quién firmó el contrato de la caldera?", "Ana Rubio"),
            Exchange("¿Cuándo firmó Ana Rubio el contrato de la caldera?", "2021-05-04"),
        ),
        "¿Y el del ascensor?",
        "¿Cuándo firmó Ana Rubio el contrato del ascensor?",
    ),
    Case(
        (Exchange("Quanti soci ha il coro di Lucca?", "41", "SELECT COUNT(*) FROM soci WHERE coro = 'Lucca'"),),
        "e quanti tenori?",
        "Quanti tenori ha il coro di Lucca?",
    ),
    Case(
        (
            Exchange("Which firm looks after the lifts?", "Harbour Lifts"),
            Exchange("How often must the lifts be inspected?", "every two years"),
        ),
        "does that hold for escalators, too?",
        "Must escalators be inspected every two years, too?",
    ),
    Case(
        (Exchange("Wann wurde die Fähre nach Holm eingestellt?", "im Mai 2020"),),
        "warum wurde sie eingestellt?",
        "Warum wurde die Fähre nach Holm eingestellt?",
    ),
    Case(
        (Exchange("Which rooms of the hotel are heated?", "Hall, Library"),),
        "what about the others?",
        "Which rooms of the hotel are not heated?",
    ),
    Case(
        (Exchange("How many members does the choir have?", "64"),),
        "How many concerts were given in the town hall?",
    ),
    Case(
        (
            Exchange("Wie viele Bienenvölker stehen in Holm?", "31"),
            Exchange("Welches Bienenvolk in Holm gab den meisten Honig?", "Volk 17"),
        ),
        "und den wenigsten?",
        "Welches Bienenvolk in Holm gab den wenigsten Honig?",
    ),
    Case(
        (Exchange("How many lamps were stolen from the quay?", "9", "SELECT COUNT(*) FROM lamps WHERE stolen = 1"),),
        "which ones?",
        "Which lamps were stolen from the quay?",
    ),
    Case(
        (
            Exchange("Quantas garrafas do lote B7 foram devolvidas?", "18"),
            Exchange("Qual cliente devolveu mais garrafas do lote B7?", "Casa Aldous"),
        ),
        "onde ele mora?",
        "Onde mora Casa Aldous?",
    ),
    Case(
        (Exchange("What does the lease say about pets?", "Pets are allowed with the landlord's consent."),),
        "Who pays for the repair of the roof?",
    ),
    Case(
        (Exchange("Which tenants paid late in 2020?", "Ana Rubio, R. Aldous, Tove Lindqvist"),),
        "how many of them live on the quay?",
        "How many of the tenants that paid late in 2020 live on the quay?",
    ),
    Case(
        (Exchange("北館で一番古い絵はどれですか", "雪の港"),),
        "誰が描きましたか",
        "雪の港は誰が描きましたか",
    ),
)

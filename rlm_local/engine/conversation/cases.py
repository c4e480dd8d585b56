"""The worked cases of the prompt: what was asked and answered, what was said then, and what it means."""

from dataclasses import dataclass

from rlm_local.engine.conversation.turn import Turn


@dataclass(frozen=True)
class Case:
    """What was said after some turns, and the question that it is; empty where it stands alone."""

    turns: tuple[Turn, ...]
    said: str
    meant: str = ""


CASES = (
    Case(
        (
            Turn(
                "How many loans of the Hillside branch were overdue in March?",
                "212",
                "SELECT COUNT(*) FROM loans WHERE branch = 'Hillside' AND month = 3 AND overdue = 1",
            ),
        ),
        "and in April?",
        "How many loans of the Hillside branch were overdue in April?",
    ),
    Case(
        (Turn("Which play sold the most tickets last season?", "Winter Light"),),
        "Who directed it?",
        "Who directed Winter Light?",
    ),
    Case(
        (
            Turn("Welche Rezepte enthalten Roggenmehl?", "Landbrot, Schwarzbrot, Vinschgerl"),
            Turn("Wie lange muss das Landbrot ruhen?", "12 Stunden"),
        ),
        "Was kostet eine Lieferung von 25 kg Hefe?",
    ),
    Case(
        (Turn("How many trees did Tove Lindqvist fell?", "9"),),
        "and R. Aldous?",
        "How many trees did R. Aldous fell?",
    ),
    Case(
        (
            Turn(
                "Quels vélos ont été réparés en juin ?",
                "V-04, V-11, V-19",
                "SELECT velo FROM reparations WHERE mois = 6",
            ),
        ),
        "seulement ceux de l'atelier nord",
        "Quels vélos de l'atelier nord ont été réparés en juin ?",
    ),
    Case(
        (Turn("What is the average weight of the seals that were tagged in 2019?", "84.2"),),
        "per beach",
        "What is the average weight, per beach, of the seals that were tagged in 2019?",
    ),
    Case(
        (
            Turn("¿Quién firmó el contrato de la caldera?", "Ana Rubio"),
            Turn("¿Cuándo firmó Ana Rubio el contrato de la caldera?", "2021-05-04"),
        ),
        "¿Y el del ascensor?",
        "¿Cuándo firmó Ana Rubio el contrato del ascensor?",
    ),
    Case(
        (Turn("Quanti soci ha il coro di Lucca?", "41", "SELECT COUNT(*) FROM soci WHERE coro = 'Lucca'"),),
        "e quanti tenori?",
        "Quanti tenori ha il coro di Lucca?",
    ),
    Case(
        (
            Turn("Which firm looks after the lifts?", "Harbour Lifts"),
            Turn("How often must the lifts be inspected?", "every two years"),
        ),
        "does that hold for escalators, too?",
        "Must escalators be inspected every two years, too?",
    ),
    Case(
        (Turn("Wann wurde die Fähre nach Holm eingestellt?", "im Mai 2020"),),
        "warum wurde sie eingestellt?",
        "Warum wurde die Fähre nach Holm eingestellt?",
    ),
    Case(
        (Turn("Which rooms of the hotel are heated?", "Hall, Library"),),
        "what about the others?",
        "Which rooms of the hotel are not heated?",
    ),
    Case(
        (Turn("How many members does the choir have?", "64"),),
        "How many concerts were given in the town hall?",
    ),
    Case(
        (
            Turn("Wie viele Bienenvölker stehen in Holm?", "31"),
            Turn("Welches Bienenvolk in Holm gab den meisten Honig?", "Volk 17"),
        ),
        "und den wenigsten?",
        "Welches Bienenvolk in Holm gab den wenigsten Honig?",
    ),
    Case(
        (Turn("How many lamps were stolen from the quay?", "9", "SELECT COUNT(*) FROM lamps WHERE stolen = 1"),),
        "which ones?",
        "Which lamps were stolen from the quay?",
    ),
    Case(
        (
            Turn("Quantas garrafas do lote B7 foram devolvidas?", "18"),
            Turn("Qual cliente devolveu mais garrafas do lote B7?", "Casa Aldous"),
        ),
        "onde ele mora?",
        "Onde mora Casa Aldous?",
    ),
    Case(
        (Turn("What does the lease say about pets?", "Pets are allowed with the landlord's consent."),),
        "Who pays for the repair of the roof?",
    ),
    Case(
        (Turn("Which tenants paid late in 2020?", "Ana Rubio, R. Aldous, Tove Lindqvist"),),
        "how many of them live on the quay?",
        "How many of the tenants that paid late in 2020 live on the quay?",
    ),
    Case(
        (Turn("北館で一番古い絵はどれですか", "雪の港"),),
        "誰が描きましたか",
        "雪の港は誰が描きましたか",
    ),
)

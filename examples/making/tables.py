"""The world as tables: visits, invoices and patients as CSV, the staff as JSON."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict

from making.world import YEARS, World


def write_tables(world: World) -> dict[str, str]:
    """Relative path -> text."""
    files = {
        "records/registers/patients.csv": _csv(
            ("patient_id", "name", "sex", "born", "town", "insurer"),
            ((p.id, p.name, "f" if p.female else "m", p.born, p.town, p.insurer) for p in world.patients),
        ),
        "records/registers/staff.json": json.dumps([asdict(p) for p in world.physicians], indent=1) + "\n",
    }
    for year in YEARS:
        files[f"records/visits/{year}.csv"] = _csv(
            (
                "visit_id",
                "date",
                "time",
                "patient_id",
                "department",
                "physician",
                "site",
                "reason",
                "status",
                "minutes",
            ),
            (
                (
                    visit.id,
                    visit.day,
                    visit.time,
                    visit.patient.id,
                    visit.physician.department,
                    visit.physician.name,
                    visit.physician.site,
                    visit.reason,
                    visit.status,
                    visit.minutes,
                )
                for visit in world.visits
                if visit.day.year == year
            ),
        )
        files[f"records/invoices/{year}.csv"] = _csv(
            ("invoice_id", "issued", "visit_id", "patient_id", "department", "amount", "status"),
            (
                (
                    invoice.id,
                    invoice.issued,
                    invoice.visit.id,
                    invoice.visit.patient.id,
                    invoice.visit.physician.department,
                    f"{invoice.amount:.2f}",
                    invoice.status,
                )
                for invoice in world.invoices
                if invoice.visit.day.year == year
            ),
        )
    return files


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()

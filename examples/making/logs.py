"""Two application logs: the patient portal's events as key=value lines, and the nightly jobs'."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from making.world import World, rng_for

PORTAL_PATH = "records/logs/portal.log"
JOBS_PATH = "records/logs/jobs.log"
PORTAL_EVENTS = 1100
NIGHTS = 130
HOSTS = tuple(f"kestrel-{n}" for n in range(1, 8))
JOBS = ("backup", "reminders", "lab-import", "index", "statements")
RESTORED = "snapshot nightly-0417 restored by hand after checksum mismatch, operator on call informed"
CLOCK = "clock was 47 s ahead of the time server, stepped back"


@dataclass(frozen=True)
class PortalEvent:
    at: datetime
    user: str
    event: str
    result: str
    host: str
    milliseconds: int


@dataclass(frozen=True)
class JobRun:
    at: datetime
    host: str
    job: str
    outcome: str  # ok, slow or disk-full
    remark: str


def make_portal(world: World) -> list[PortalEvent]:
    rng = rng_for("portal")
    users = [physician.user for physician in world.physicians] + ["frontdesk1", "frontdesk2", "nightdesk"]
    weights = [rng.uniform(0.4, 2.0) for _ in users]
    at = datetime(2025, 3, 3, 6, 40)  # noqa: DTZ001 - local time, as such logs have it
    events: list[PortalEvent] = []
    failures = dict.fromkeys(users, 0)
    while len(events) < PORTAL_EVENTS:
        at += timedelta(seconds=rng.randint(60, 9000))
        user = rng.choices(users, weights)[0]
        event = rng.choices(("LOGIN", "VIEW", "EXPORT", "PRINT", "UPLOAD"), (45, 30, 8, 10, 7))[0]
        result = rng.choices(("OK", "FAILED"), (76, 24) if event == "LOGIN" else (96, 4))[0]
        host = rng.choice(HOSTS[:4])
        events.append(PortalEvent(at, user, event, result, host, rng.randint(18, 2400)))
        if event == "LOGIN":
            failures[user] = failures[user] + 1 if result == "FAILED" else 0
            if failures[user] == 3:
                events.append(PortalEvent(at + timedelta(seconds=1), user, "ACCOUNT_LOCKED", "OK", host, 3))
                failures[user] = 0
    return events


def make_jobs() -> list[JobRun]:
    rng = rng_for("jobs")
    runs: list[JobRun] = []
    for night in range(NIGHTS):
        at = datetime(2025, 3, 3, 1, 5) + timedelta(days=night)  # noqa: DTZ001
        for job in rng.sample(JOBS, rng.randint(2, 4)):
            at += timedelta(seconds=rng.randint(200, 1900))
            outcome = rng.choices(("ok", "slow", "disk-full"), (90, 7, 3))[0]
            hosts = HOSTS[1:6:2] if outcome == "disk-full" else HOSTS  # some disks are smaller
            remark = {
                "ok": f"finished, {rng.randint(40, 9000)} items in {rng.randint(9, 800)} s",
                "slow": f"finished late, waited {rng.randint(60, 900)} s for the lock",
                "disk-full": "stopped, no space left on device",
            }[outcome]
            runs.append(JobRun(at, rng.choice(hosts), job, outcome, remark))
    runs[150] = JobRun(runs[150].at, "kestrel-3", "backup", "ok", RESTORED)
    runs[301] = JobRun(runs[301].at, "kestrel-6", "index", "ok", CLOCK)
    return runs


def write_logs(events: list[PortalEvent], runs: list[JobRun]) -> dict[str, str]:
    levels = {"ok": "INFO ", "slow": "WARN ", "disk-full": "ERROR"}
    return {
        PORTAL_PATH: "".join(
            f"{e.at} {'WARN ' if e.result == 'FAILED' else 'INFO '} portal user={e.user} event={e.event} "
            f"result={e.result} host={e.host} ms={e.milliseconds}\n"
            for e in events
        ),
        JOBS_PATH: "".join(f"{run.at} {levels[run.outcome]} {run.host} {run.job}: {run.remark}\n" for run in runs),
    }

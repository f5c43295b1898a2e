"""The order of imports that docs/architecture.md draws, held to the code."""

from __future__ import annotations

import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.import_graph import Graph, import_graph, imported_names, reached_from, sources

# package → the siblings that it may ask; all may use base, and all but base, rtc and ledger itself the ledger
SIBLINGS: dict[str, set[str]] = {
    "base": set(),
    "ledger": set(),
    "rtc": {"recordings"},
    "live": {"recordings"},
    "notices": set(),
    "people": {"notices"},
    "directory": {"people"},
    "photos": set(),
    "holidays": set(),
    "booking": {"directory", "people", "notices", "photos"},
    "cases": {"directory", "people", "notices", "photos"},
    "nodes": {"recordings"},
    "meeting": {"nodes", "booking", "cases", "live", "directory", "people", "notices", "photos", "recordings"},
    "hearings": {"meeting", "nodes", "live", "people"},
    "archive": {"meeting", "nodes", "cases", "live", "directory", "people", "recordings"},
    "quality": {"meeting", "nodes"},
    "recordings": set(),
}
WITHOUT_LEDGER = {"base", "ledger", "rtc", "recordings"}
# These join packages into pages, processes or a demo, so they stand above all of the others.
JOINING = {
    "app", "routes", "gateway", "cli", "__main__", "work", "serve", "demo", "my", "home", "operations", "setup",
    "backup",
}  # fmt: skip
OPEN_ROOMS = {"service", "model"}
# Where a package's service is several rooms, by what they do.
OPEN_SERVICES = {
    "station.booking.days_off",
    "station.meeting.chat",
    "station.meeting.consent",
    "station.meeting.lobby",
    "station.meeting.matters",
    "station.meeting.term",
    "station.nodes.journal",
    "station.notices.kinds",
    "station.nodes.journal_store",  # the frozen rows that the journal's readers return
    "station.nodes.insight",
    "station.nodes.media_client",
    "station.nodes.placement",
}
# Floors inside the packages that have them, the lowest first: a room uses its own floor and those below.
FLOORS = {
    "rtc": ("formats", "transport", "congestion", "forwarding", "rooms", "insight", "http"),
    "live": ("formats", "packaging", "viewing", "origin"),
    "cases": ("masking", "", "law", "reads", "steps", "service", "pages"),
}
# The home page is one page made of several packages' parts: `home` fills the place that booking leaves for them.
OPEN_DOORS = {("station.home", "station.booking.find_pages")}
LAYERS = {"model": 0, "store": 1, "service": 2, "pages": 3, "api": 3}  # the last word of a module's name
PURE_BASE = (
    "station.base.clock.",
    "station.base.errors.",
    "station.base.identity.",
    "station.base.principal.",
    "station.base.state_machine.",
    "station.base.text.",
    "station.base.traditional.",
    "station.base.working_days.",
    "station.directory.model.",
    "station.people.model.",
    "station.nodes.model.",
)
ROOMS_OF_STATEMENTS = {"store", "queries"}
OF_THE_DATABASE = ("sqlalchemy", "asyncpg", "aiosqlite", "alembic")


def package_of(module: str) -> str:
    """`booking` for station.booking.model; `app` for station.app; `recordings` for all of recordings."""
    parts = module.split(".")
    if parts[0] == "recordings":
        return "recordings"
    return parts[1] if len(parts) > 1 else "station"


def room_of(module: str) -> str:
    """`model` for station.booking.model and station.live.web.model; empty for a package itself."""
    return ".".join(module.split(".")[2:]).rpartition(".")[2]


def layer_of(module: str) -> int | None:
    """The layer by the last word of a room's name: `placement_store` is a store, `desk_pages` are pages."""
    return LAYERS.get(room_of(module).rpartition("_")[2])


def floor_of(module: str) -> int | None:
    """How high a module's floor lies in its package; None where there are no floors, or for the package itself."""
    parts = module.split(".")
    floors = FLOORS.get(parts[1]) if len(parts) > 2 else None
    if floors is None or parts[0] != "station":
        return None
    name = parts[2] if len(parts) > 3 or parts[2] in floors else ""
    return floors.index(name) if name in floors else None


@pytest.fixture(scope="module")
def graph() -> Graph:
    return import_graph()


def test_no_circle(graph: Graph) -> None:
    """No module imports itself by any way round, not even from inside a function."""
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail("circle: " + " → ".join(reversed(error.args[1])))


def test_every_package_has_its_place() -> None:
    """A new package is entered in the table, so that its edges are decided and not just grown."""
    packages = {package_of(module) for module in sources()} - {"station"}
    assert packages <= set(SIBLINGS) | JOINING


def test_siblings_only_as_drawn(graph: Graph) -> None:
    """A package asks only the siblings that the drawing gives it."""
    faults = []
    for module, targets in graph.items():
        here = package_of(module)
        if here not in SIBLINGS:
            continue
        allowed = {here, "base", *SIBLINGS[here]} - ({"base"} if here == "recordings" else set())
        if here not in WITHOUT_LEDGER:
            allowed.add("ledger")
        faults += [f"{module} → {t}" for t in targets if package_of(t) not in allowed]
    assert not faults


def test_siblings_meet_through_services(graph: Graph) -> None:
    """A sibling's tables and pages are its own: others see its service and its model."""
    faults = []
    for module, targets in graph.items():
        here = package_of(module)
        if here in JOINING or here == "station":
            continue
        for target in targets:
            there = package_of(target)
            if there in (here, "base", "recordings", "station"):
                continue
            is_open = room_of(target) in OPEN_ROOMS or target in OPEN_SERVICES or (module, target) in OPEN_DOORS
            if not is_open:
                faults.append(f"{module} → {target}")
    assert not faults


def test_layers_inside_a_package(graph: Graph) -> None:
    """Model → store → service → pages: a room never reaches one above it, not even through a third."""
    faults = []
    for module in graph:
        layer = layer_of(module)
        if layer is None:
            continue
        for target in reached_from(module, graph):
            same = package_of(target) == package_of(module)
            above = layer_of(target)
            if same and above is not None and above > layer:
                faults.append(f"{module} → {target}")
    assert not faults


def test_floors_inside_a_package(graph: Graph) -> None:
    """Formats below transport below forwarding below rooms: a room never reaches a floor above its own."""
    faults = []
    for module, targets in graph.items():
        floor = floor_of(module)
        if floor is None:
            continue
        for target in targets:
            above = floor_of(target)
            if package_of(target) == package_of(module) and above is not None and above > floor:
                faults.append(f"{module} → {target}")
    assert not faults


def test_models_are_pure(graph: Graph) -> None:
    """A model uses the standard library, the errors and roles of base and pure modules of its own package."""
    faults = []
    for module, tree in sources().items():
        if room_of(module) != "model":
            continue
        own = f"station.{package_of(module)}"
        for name in imported_names(tree):
            top = name.split(".")[0]
            pure = top in sys.stdlib_module_names or name.startswith((f"{own}.", *PURE_BASE))
            if not pure:
                faults.append(f"{module} → {name}")
    assert not faults


def test_recordings_stand_alone(graph: Graph) -> None:
    """What an auditor runs (`python -m recordings`) needs no station."""
    assert not [f"{m} → {t}" for m, ts in graph.items() for t in ts if m.startswith("recordings") and "station" in t]


def test_sqlalchemy_stays_in_stores() -> None:
    """Statements are built in stores and queries (base has its own tables); services and pages call their functions."""
    faults = []
    for module, tree in sources().items():
        if package_of(module) == "base" or room_of(module).rpartition("_")[2] in ROOMS_OF_STATEMENTS:
            continue
        faults += [f"{module} → {name}" for name in imported_names(tree) if name.split(".")[0] in OF_THE_DATABASE]
    assert faults == []


@pytest.mark.parametrize("entry", ["station.rtc.http.main", "station.live.origin.main"])
def test_packets_never_touch_the_database(graph: Graph, entry: str) -> None:
    """Media and live bring in base, recordings and themselves, and none of it can open a database."""
    reached = reached_from(entry, graph)
    assert entry in reached
    own = f"station.{package_of(entry)}"
    allowed = ("station.base", own, "recordings")
    assert [m for m in reached if not m.startswith(allowed) and m != "station"] == []
    opening = [m for m in reached if any(n.split(".")[0] in OF_THE_DATABASE for n in imported_names(sources()[m]))]
    assert opening == []

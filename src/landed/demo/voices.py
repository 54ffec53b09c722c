"""What people say about the demo product, and how that follows from what shipped.

A text is one of a theme's sentences, a situation and a closing. The theme itself is written to no
file: it is the truth that a classifier of feedback is judged by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import design
from .columns import Bools, Feedback, Floats, Ints
from .product import Product

CHANNELS = ("review", "survey", "ticket")


@dataclass(frozen=True, slots=True)
class Theme:
    """One thing people say.

    Args:
        name: Slug.
        kind: bug, request or praise.
        ratings: Lowest and highest rating that goes with it; 1 to 5.
        channels: Shares of review, survey and ticket; sum to 1.
        sentences: What is said.
    """

    name: str
    kind: str
    ratings: tuple[int, int]
    channels: tuple[float, float, float]
    sentences: tuple[str, ...]


THEMES = (
    Theme("setup_confusing", "bug", (1, 3), (0.2, 0.5, 0.3), (
        "I had no idea what to do after signing up.",
        "Setting up the first project took me far too long.",
        "The start is confusing, nothing tells you which step comes next.",
        "I gave up twice before my workspace was ready.",
        "Where do I begin? The empty screen does not help.",
    )),
    Theme("sync_errors", "bug", (1, 2), (0.25, 0.15, 0.6), (
        "My changes keep failing to sync.",
        "I see an error almost every time two of us edit the same task.",
        "Sync stops with a conflict and my edit is gone.",
        "The app shows a gateway error when I save.",
        "Since the last update half of my saves time out.",
    )),
    Theme("slow_app", "bug", (2, 3), (0.5, 0.3, 0.2), (
        "The board takes ages to load.",
        "It has become slow with more than a few projects.",
        "Switching between projects lags.",
        "Scrolling through tasks stutters.",
    )),
    Theme("search_misses", "bug", (2, 3), (0.2, 0.4, 0.4), (
        "Search does not find tasks that I know exist.",
        "The first results of a search are never what I want.",
        "I type the exact title and search shows something else.",
        "Searching for a colleague's comment brings up nothing.",
    )),
    Theme("icons_unclear", "bug", (2, 3), (0.4, 0.5, 0.1), (
        "The new icons all look the same to me.",
        "I can no longer tell the inbox icon from the archive.",
        "Why change the icons? I keep tapping the wrong one.",
    )),
    Theme("icons_liked", "praise", (4, 5), (0.5, 0.5, 0.0), (
        "The new icons look great.",
        "Fresh icons, much cleaner than before.",
        "I like the redesigned icons.",
    )),
    Theme("dark_mode_wanted", "request", (3, 4), (0.4, 0.45, 0.15), (
        "Please add a dark mode.",
        "My eyes hurt at night, a dark theme would help.",
        "Everything is so bright. When will there be dark mode?",
        "A dark theme is the one thing I miss.",
    )),
    Theme("dark_mode_liked", "praise", (4, 5), (0.6, 0.4, 0.0), (
        "Dark mode at last, thank you!",
        "The dark theme is easy on the eyes.",
        "Love the dark mode.",
    )),
    Theme("price_too_high", "request", (2, 3), (0.4, 0.4, 0.2), (
        "Too expensive for a team of three.",
        "The price per seat is hard to defend.",
        "I would pay for a smaller plan.",
    )),
    Theme("refund_asked", "bug", (1, 2), (0.1, 0.0, 0.9), (
        "I was charged twice and want my money back.",
        "Please refund the last payment.",
        "I cancelled and was still billed.",
    )),
    Theme("integration_wanted", "request", (3, 4), (0.2, 0.5, 0.3), (
        "It should connect to our calendar.",
        "Is there a way to export tasks to a spreadsheet?",
        "We need a chat integration.",
        "An API would make this perfect.",
    )),
    Theme("teamwork_liked", "praise", (4, 5), (0.6, 0.4, 0.0), (
        "Our team finally knows who does what.",
        "Simple and does what it should.",
        "Comments right on the task save us a meeting a week.",
        "Best task board we have tried so far.",
    )),
)  # fmt: skip
SITUATIONS = (
    "", "We are a team of six.", "I use it every day.", "On my phone and on the desktop.",
    "I moved over from a spreadsheet.", "We run all client work in it.", "I only joined recently.",
    "My whole class uses it.",
)  # fmt: skip
CLOSINGS = (
    "", "Thanks.", "Please have a look.", "Otherwise a good app.", "Happy to tell you more.",
    "Hope this helps.", "Keep going!",
)  # fmt: skip

_NAMES = tuple(theme.name for theme in THEMES)


def wording(theme: int, number: int) -> str:
    """One text of a theme.

    Args:
        theme: Code into `THEMES`.
        number: Which text; any number >= 0 is taken modulo their count.
    """
    sentences = THEMES[theme].sentences
    number, closing = divmod(number, len(CLOSINGS))
    number, situation = divmod(number, len(SITUATIONS))
    parts = (sentences[number % len(sentences)], SITUATIONS[situation], CLOSINGS[closing])
    return " ".join(part for part in parts if part)


def wordings(theme: int) -> int:
    """How many different texts a theme has."""
    return len(THEMES[theme].sentences) * len(SITUATIONS) * len(CLOSINGS)


def draw_feedback(product: Product) -> Feedback:
    """Draw which sessions lead to a text, and to which.

    Args:
        product: The batch, its exposures noted.
    """
    rng = product.rng("feedback")
    sessions = product.sessions
    known = np.flatnonzero(product.is_known() & ~sessions.is_bot)
    said: list[Ints] = []
    theme: list[Ints] = []
    for code, share in enumerate(_shares(product, known)):
        spoke = known[rng.random(len(known)) < share]
        said.append(spoke)
        theme.append(np.full(len(spoke), code))
    session, code_of = np.concatenate(said), np.concatenate(theme)
    count = len(session)
    luck = rng.random(count)
    shares = np.array([entry.channels for entry in THEMES]).cumsum(axis=1)
    channel = np.minimum((luck[:, None] >= shares[code_of]).sum(axis=1), 2)
    low, high = np.array([entry.ratings for entry in THEMES]).T
    rating = rng.integers(low[code_of], high[code_of] + 1)
    wait = rng.exponential(40 * design.MINUTE_MS, count).astype(np.int64)
    return Feedback(
        session=session,
        at=sessions.at[session] + 5 * design.MINUTE_MS + wait,
        theme=code_of,
        channel=channel,
        rating=np.where(channel == CHANNELS.index("ticket"), 0, rating),
        wording=rng.integers(0, np.array([wordings(t) for t in range(len(THEMES))])[code_of]),
    )


def _shares(product: Product, session: Ints) -> list[Floats]:
    """Chance of each theme in each session: this is where feedback answers what shipped."""
    sessions, people = product.sessions, product.people
    user, at = sessions.user[session], sessions.at[session]
    is_new = at < people.signed_up_at[user] + 7 * design.DAY_MS
    later = at + design.MINUTE_MS  # once the flag has been evaluated
    checklist, sync, icons, search = (
        product.is_treated(change, user, later) for change in design.EXPERIMENTS
    )
    dark = at >= design.DARK_MODE.shipped_ms
    pays = sessions.plan[session] > 0
    share = {
        "setup_confusing": _pick(is_new & ~checklist, 0.024, _pick(is_new, 0.006, 0.0005)),
        "sync_errors": _pick(sync, 0.028, 0.0008),
        "slow_app": _pick(sync, 0.0012, 0.0035),
        "search_misses": _pick(search, 0.0012, 0.0035),
        "icons_unclear": _pick(icons, 0.0022, 0.0001),
        "icons_liked": _pick(icons, 0.0022, 0.0001),
        "dark_mode_wanted": _pick(dark, 0.0002, 0.004),
        "dark_mode_liked": _pick(dark, 0.007, 0.0),
        "price_too_high": _pick(pays, 0.0015, 0.0035),
        "refund_asked": _pick(pays, 0.003, 0.0),
        "integration_wanted": _pick(pays, 0.005, 0.0025),
        "teamwork_liked": _pick(is_new, 0.004, 0.0055),
    }
    return [share[name] for name in _NAMES]


def _pick(chosen: Bools, yes: float, no: float | Floats) -> Floats:
    picked: Floats = np.where(chosen, yes, no)
    return picked

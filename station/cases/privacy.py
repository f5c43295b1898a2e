"""Taking personal data out of text before strangers read it: one rule for titles, replies and reasons."""

from __future__ import annotations

from station.cases.masking.names import mask_names
from station.cases.masking.numbers import mask_numbers
from station.cases.masking.places import mask_contacts, mask_doors, mask_places
from station.cases.masking.view import view_of
from station.people.model import is_placeholder


def mask_personal(text: str, *names: str) -> str:
    """The text without numbers, addresses of mail and of doors, and names, however they are spelt.

    `names` are those of the people concerned. What the station calls somebody who gave no name is none.
    """
    view = view_of(text)
    mask_places(view)
    mask_contacts(view)
    mask_numbers(view)
    mask_doors(view)
    mask_names(view, tuple(name for name in names if not is_placeholder(name)))
    return view.result()

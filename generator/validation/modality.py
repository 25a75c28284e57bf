"""Stage ``modality``: the primary head is fed every modality that the architecture takes, or says which it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator import modalities
from generator.validation.errors import ModalityError

if TYPE_CHECKING:
    from generator.catalog import Catalog
    from generator.validation.reading import Reading


def check(reading: Reading, catalog: Catalog) -> None:
    """Hold the primary head's inputs to the modalities of the catalogue.

    Raises:
        ModalityError: an image, a video or a sound that nothing is fed of, without a word.
    """
    head = reading.heads[0]
    if head.unsettled is not None:
        return
    for modality in modalities.unfed(catalog.rows[reading.model_type].modalities, head):
        raise ModalityError(
            reading.model_type,
            f"{head.class_name} is fed no {modality}, which the architecture takes, and has no note that it is not. "
            f"What it proves would be of the other modalities alone.",
        )

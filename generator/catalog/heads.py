"""The model classes of a type, with the mappings and pipelines that lead to each, and which one stands for the type.
Whether a class can be built or run is not asked here."""

from __future__ import annotations

from generator.catalog.library import Entry, Library
from generator.catalog.row import HeadRow

__all__ = ["BASE", "PRIORITY", "TASKLESS", "heads", "missing", "pipelines"]

BASE = "MODEL_MAPPING"
"""The mapping of models without a head, behind ``AutoModel``."""

TASKLESS = frozenset({BASE, "MODEL_FOR_BACKBONE_MAPPING", "MODEL_FOR_TEXT_ENCODING_MAPPING", "MODEL_FOR_IMAGE_MAPPING"})
"""Mappings that give features and serve no task of their own; MODEL_FOR_IMAGE is the tower behind AutoModelForImage."""

PRIORITY = (
    # What writes text: the head that people mean by the name of a language model. Image-text first, since such types
    # are often listed for their text half too; then encoder-decoders, which list their decoder as a causal LM.
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING",
    "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING",
    "MODEL_FOR_MULTIMODAL_LM_MAPPING",
    # What hears and speaks; before causal LMs, since composed speech models list their token decoder as one.
    "MODEL_FOR_TEXT_TO_WAVEFORM_MAPPING",
    "MODEL_FOR_TEXT_TO_SPECTROGRAM_MAPPING",
    "MODEL_FOR_CTC_MAPPING",
    "MODEL_FOR_TDT_MAPPING",
    "MODEL_FOR_RNNT_MAPPING",
    # Masked before causal: encoders are listed for both, since most can be run as decoders.
    "MODEL_FOR_MASKED_LM_MAPPING",
    "MODEL_FOR_CAUSAL_LM_MAPPING",
    # What sees: the two-tower task before the tower's own, a special task before the general one only where a type
    # that has the general one is not known for it.
    "MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING",
    "MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING",
    "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING",
    "MODEL_FOR_OBJECT_DETECTION_MAPPING",
    "MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING",
    "MODEL_FOR_DEPTH_ESTIMATION_MAPPING",
    "MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING",
    "MODEL_FOR_INSTANCE_SEGMENTATION_MAPPING",
    "MODEL_FOR_IMAGE_SEGMENTATION_MAPPING",
    "MODEL_FOR_MASK_GENERATION_MAPPING",
    "MODEL_FOR_VIDEO_CLASSIFICATION_MAPPING",
    "MODEL_FOR_KEYPOINT_MATCHING_MAPPING",
    "MODEL_FOR_KEYPOINT_DETECTION_MAPPING",
    "MODEL_FOR_POSE_ESTIMATION_MAPPING",
    "MODEL_FOR_IMAGE_MATTING_MAPPING",
    "MODEL_FOR_IMAGE_TO_IMAGE_MAPPING",
    "MODEL_FOR_NORMAL_ESTIMATION_MAPPING",
    "MODEL_FOR_POINTMAP_ESTIMATION_MAPPING",
    "MODEL_FOR_TEXT_RECOGNITION_MAPPING",
    "MODEL_FOR_TABLE_RECOGNITION_MAPPING",
    "MODEL_FOR_CAUSAL_IMAGE_MODELING_MAPPING",
    # What answers and sorts, where nothing above is to be had.
    "MODEL_FOR_VISUAL_QUESTION_ANSWERING_MAPPING",
    "MODEL_FOR_DOCUMENT_QUESTION_ANSWERING_MAPPING",
    "MODEL_FOR_TABLE_QUESTION_ANSWERING_MAPPING",
    "MODEL_FOR_QUESTION_ANSWERING_MAPPING",
    "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
    "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING",
    "MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING",
    "MODEL_FOR_AUDIO_FRAME_CLASSIFICATION_MAPPING",
    "MODEL_FOR_AUDIO_XVECTOR_MAPPING",
    "MODEL_FOR_TIME_SERIES_PREDICTION_MAPPING",
    "MODEL_FOR_TIME_SERIES_CLASSIFICATION_MAPPING",
    "MODEL_FOR_TIME_SERIES_REGRESSION_MAPPING",
    "MODEL_FOR_RETRIEVAL_MAPPING",
    "MODEL_FOR_DECISION_MAPPING",
    "MODEL_FOR_MULTIPLE_CHOICE_MAPPING",
    "MODEL_FOR_NEXT_SENTENCE_PREDICTION_MAPPING",
    "MODEL_FOR_MASKED_IMAGE_MODELING_MAPPING",
    "MODEL_FOR_PRETRAINING_MAPPING",
)
"""Mappings by how well their head stands for a type. One that is missing here (a new release's) ranks after these and
before the taskless ones."""


def heads(entry: Entry, library: Library) -> tuple[HeadRow, ...]:
    """The heads of an entry that exist, the primary one first, then by name; their pipelines are left empty."""
    listed = _listed(entry, library)
    found = {name: tuple(sorted(mappings)) for name, mappings in sorted(listed.items()) if name in library.modules}
    if not listed and entry.model_type.replace("-", "_") == entry.folder:
        found = dict.fromkeys(library.models.exported(entry.folder), ())
    order = sorted(found, key=lambda name: (_rank(name, found[name], entry, library), name))
    names = order[:1] + sorted(order[1:])
    return tuple(HeadRow(name, found[name], (), primary=name == order[0]) for name in names)


def missing(entry: Entry, library: Library) -> tuple[str, ...]:
    """Classes that mappings list for the entry and the installed transformers does not have, sorted."""
    return tuple(sorted(name for name in _listed(entry, library) if name not in library.modules))


def _listed(entry: Entry, library: Library) -> dict[str, list[str]]:
    """Class -> the mappings that list it for the entry."""
    listed: dict[str, list[str]] = {}
    for name, table in library.mappings.items():
        for class_name in table.get(entry.model_type, ()):
            listed.setdefault(class_name, []).append(name)
    return listed


def _rank(name: str, mappings: tuple[str, ...], entry: Entry, library: Library) -> tuple[int, ...]:
    tasks = [_place(mapping) for mapping in mappings]
    if not tasks:
        found = library.models.public(name)
        generates = found is not None and any("GenerationMixin" in item.bases for item in library.models.line(found))
        return (not generates,)
    own = entry.package is not None or library.modules[name].startswith(f"models.{entry.folder}.")
    listed = [library.mappings[mapping][entry.model_type].index(name) for mapping in mappings]
    # A class of another folder is the library's stopgap (Sam2Model for sam2_video): any class of its own comes first.
    return (not own, min(tasks), min(listed))


def _place(mapping: str) -> int:
    if mapping in PRIORITY:
        return PRIORITY.index(mapping)
    return len(PRIORITY) + (
        1 + sorted(TASKLESS, key=lambda name: name != BASE).index(mapping) if mapping in TASKLESS else 0
    )


def pipelines(mappings: tuple[str, ...], library: Library, modalities: tuple[str, ...]) -> tuple[str, ...]:
    """Tasks of the pipeline registry that would load a head, sorted.

    Args:
        mappings: those that list the head.
        library: the installed transformers.
        modalities: what the head takes in; a pipeline that would load any base model is kept only where it fits them.
    """
    fitting = []
    for task, served in library.pipelines.items():
        behind = set(served) & set(mappings)
        if behind - {BASE} or (behind and _fits(task, library, modalities)):
            fitting.append(task)
    return tuple(fitting)


def _fits(task: str, library: Library, modalities: tuple[str, ...]) -> bool:
    """Whether a pipeline that would load any base model is meant for one that takes these modalities."""
    kind = library.pipeline_types.get(task, "multimodal")
    if kind in ("text", "image", "audio", "video"):
        return kind in modalities
    return {"audio", "text"} <= set(modalities) if "audio" in task else True

"""The generated skill of SAM 2 Video with its tracker alone, which follows an object by its memory: the pipeline of its other
head calls an operator that is not everywhere."""

from skills import hf_sam2_video


class Sam2Video(hf_sam2_video.Sam2Video):
    """Tiny SAM 2 Video."""

    heads = hf_sam2_video.Sam2Video.heads[:1]

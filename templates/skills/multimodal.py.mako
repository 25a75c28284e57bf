## Multimodal: several kinds of input in one sequence; each stands where its placeholder token is.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "image_token_id": "stands in the text for each feature of an image",
        "video_token_id": "stands in the text for each feature of a video",
        "audio_token_id": "stands in the text for each feature of a sound",
        "image_size": "pixels, height and width",
        "patch_size": "pixels, a side of a patch",
        "num_channels": None,
        "sampling_rate": "samples a second",
        "num_mel_bins": "bands of the spectrum",
        "vocab_size": "token ids lie below it",
        "max_position_embeddings": None,
        "decoder_start_token_id": None,
        "eos_token_id": None,
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): multimodal, takes ${takes}."""
</%def>

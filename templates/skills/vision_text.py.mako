## Vision-text: pixels and text in, brought into one space.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "image_size": "pixels, height and width",
        "patch_size": "pixels, a side of a patch",
        "num_channels": None,
        "vocab_size": "token ids lie below it",
        "max_position_embeddings": "the longest text",
        "eos_token_id": None,
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): relates ${takes} to each other."""
</%def>

## Encoders: the whole sequence in, a feature at every position out.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "vocab_size": "token ids lie below it",
        "max_position_embeddings": "the longest sequence",
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): an encoder, reads ${takes} in both directions at once."""
</%def>

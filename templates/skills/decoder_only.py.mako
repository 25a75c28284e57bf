## Decoders: a sequence in, the same sequence continued out.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "vocab_size": "token ids and the last axis of the logits",
        "max_position_embeddings": "the longest sequence, what it generates included",
        "eos_token_id": "ends what it generates",
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): a decoder, continues ${takes} token by token."""
</%def>

## Encoder-decoders: one sequence in, another out.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "vocab_size": "token ids and the last axis of the logits",
        "max_position_embeddings": "the longest sequence on either side",
        "decoder_start_token_id": "the first token that the decoder is given",
        "eos_token_id": "ends what it generates",
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): an encoder that reads ${takes} and a decoder that writes."""
</%def>

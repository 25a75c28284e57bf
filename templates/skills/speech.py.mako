## Speech: sound in or out, as samples or as spectra.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "sampling_rate": "samples a second",
        "num_mel_bins": "bands of the spectrum",
        "vocab_size": "token ids lie below it",
        "max_position_embeddings": None,
        "decoder_start_token_id": "the first token that the decoder is given",
        "eos_token_id": None,
        "pad_token_id": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): a speech model, takes ${takes}."""
</%def>

## Time series: past values in, future values out.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "context_length": "time steps that it sees",
        "prediction_length": "time steps that it predicts",
        "patch_size": "time steps of a patch",
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): a time-series model, predicts from ${takes}."""
</%def>

## Vision: pixels in, with no text.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {
        "image_size": "pixels, height and width",
        "patch_size": "pixels, a side of a patch",
        "num_channels": None,
    }
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): a vision model, takes ${takes}."""
</%def>

## What fits no family: nothing is assumed of it, so its facts stand as they come.
<%inherit file="base.py.mako"/>
<%!
    FACTS = {}
%>
<%def name="docstring()">\
"""${spec.title} (${spec.model_type}): of no family, takes ${takes}."""
</%def>

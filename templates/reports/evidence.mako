<%def name="sources(runs)">\
Runs
----

All that is shown comes from these runs, the newest first. A result is fresh while the skill is byte for byte the one
that it was made with and its environment held the versions pinned for its hardware; after that it is stale.

% if runs:
${table(["run", "date", "hardware", "fresh", "stale", "Python", "torch", "transformers", "devices", "revision", "command"], [source.row for source in runs])}
% else:
No run has left a result yet.
% endif
</%def>\
<%def name="losses(damage)">\
% if damage:

Damage
------

What among the results cannot be taken as it lies, and what comes of it. None of it counts as a pass.

${table(["where", "what", "cell", "consequence"], [[code(item.where), item.what, code(item.cell) if item.cell else "", consequence] for item, consequence in damage])}
% endif
</%def>\
<%def name="resting(idle)">\
% if idle:

There is no result of any kind from ${Markdown(", ".join(code(name) for name in idle))}.
% endif
</%def>\

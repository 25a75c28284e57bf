<%namespace file="evidence.mako" import="sources, losses, resting"/>\
<!-- Written by `invoke report` from the results; do not edit. -->

Compatibility
=============

% if release:
Of transformers ${release}; what each entry of its table of configs is, is in the [ledger](ledger.md).

% endif
Each architecture on each hardware, the worst status first. Only `passed` is green: it counts the cells (head × dtype ×
check) with fresh evidence. `stale` shows what an older run said of another skill or other versions; it is no pass.
How far the tiers have come is in the [coverage report](coverage.md).
% for name, (own, link) in elsewhere.items():
${code(name)} does not take this release of transformers, but ${own}: ${Markdown(f"its column is in the [report of that]({link})") if link else "it has no report of that yet"}.
% endfor
${resting(idle) | n}\
${losses(damage) | n}\

% if causes:
Causes
------

Cells that are not green, by cause. What is known of a cause is what `expected/` says of it, and a `known_failure` is one
that is as it says.

${table(["status", "hardware", "cells", "reason", "known", "architectures", "run again"], [cause.row for cause in causes])}

% endif
Architectures
-------------

${table(["architecture", "tier", *hardware], [[code(line.architecture.model_type), line.architecture.tier, *[line.squares[name].text for name in hardware]] for line in lines])}
% if hidden:

${hidden} architectures of the long tail have neither a skill nor a result; the coverage report names them.
% endif

% if routes:
Routes
------

What is compiled takes the first route that can convert it; heads that each took, and those of them whose numbers are the
reference's.

${table(["hardware", "route", "heads", "match"], routes)}

% endif
Details
-------

Of each architecture that did not pass whole; what passed is in `results/`.

The figure beside a status is rel_l2, the relative difference that the check measured, where it measures one; max_abs is
the largest absolute difference of any check of the head, seconds are those of all of them.
% for detail in details:
<% row = detail.line.architecture %>\

<details>
<summary>${row.model_type}: ${text("; ".join(f"{name} {square.text}" for name, square in detail.line.squares.items()), 400)}</summary>

${row.tier}, ${row.family}${Markdown(f", ran on {text(', '.join(detail.devices))}") if detail.devices else ""}

% if detail.rows:
${table(["head", "on", *detail.checks, "parameters", "max_abs", "seconds"], [item.row for item in detail.rows])}
% endif
% if detail.remarks:

% for status, where, words in detail.remarks:
- **${status}** on ${where}: ${text(words, 600)}
% endfor
% endif

</details>
% endfor

${sources(runs) | n}\

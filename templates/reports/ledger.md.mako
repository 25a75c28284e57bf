<!-- Written by `invoke report` from the catalogue; do not edit. -->

Ledger
======

The ${entries} entries of the table of configs of transformers${Markdown(f" {text(release)}") if release else ""}: each is exactly one of these.

${table(["state", "entries", *(["new", "gone"] if since else [])], states)}

An *architecture* is loaded by itself and has a skill; a *component* is part of one, an *alias* another name of one, and
what is *impossible* has no model code in this release. The first rule that holds decides, and the reason says which.

Architectures by family and tier
--------------------------------

${table(["family", *tiers, "all"], [[name, *counts, sum(counts)] for name, counts in families])}

% if since is None:
No facts of an earlier release are kept in `reports/facts`. `invoke catalog --diff OLDER NEWER --keep` keeps those of two.
% else:
Since transformers ${since["before"]}
${Markdown("-" * (19 + len(since["before"])))}

Of the ${since["kept"]} entries that both releases have, ${since["changed"]} changed in ways of their own; what is the same in many is told once.
% if since["present"]:

${table(["what", "entries", "which"], since["present"])}
% endif
% if since["renamed"]:

${table(["renamed from", "to", "held for one by"], since["renamed"])}
% endif
% if since["general"]:

${table(["in", "change"], since["general"])}
% endif
% if since["shared"]:

${table(["in many", "change", "entries", "which"], since["shared"])}
% endif
% if since["types"]:

<details>
<summary>What else changed in each: ${since["changed"]} entries</summary>

${table(["entry", "in", "change"], since["types"])}

</details>
% endif
% endif

Architectures
-------------
% for family, rows in architectures.items():

<details>
<summary>${family}: ${len(rows)}</summary>

${table(["architecture", "tier", "heads", "primary head", "needs", "reason"], rows)}

</details>
% endfor
% for state, rows in others.items():

State: ${state}
---------------

<details>
<summary>${len(rows)} entries, by the architecture that they belong to</summary>

${table(["entry", "of", "reason"], rows)}

</details>
% endfor

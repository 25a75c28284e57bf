<!-- Written by `invoke report` from the catalogue; do not edit. -->

Ledger
======

The ${entries} entries of the table of configs of transformers${Markdown(f" {text(release)}") if release else ""}: each is exactly one of these.

${table(["state", "entries"], states)}

An *architecture* is loaded by itself and has a skill; a *component* is part of one, an *alias* another name of one, and
what is *impossible* has no model code in this release. The first rule that holds decides, and the reason says which.

Architectures by family and tier
--------------------------------

${table(["family", *tiers, "all"], [[name, *counts, sum(counts)] for name, counts in families])}

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

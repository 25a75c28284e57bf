<%namespace file="evidence.mako" import="sources, losses, resting"/>\
<!-- Written by `invoke report` from the results; do not edit. -->

Coverage
========

% if release:
Of transformers ${release}; what each entry of its table of configs is, is in the [ledger](ledger.md).

% endif
How many architectures are catalogued, have a skill, have one that is validated, have run on a hardware, and passed
there. *Ran* means that some cell has a fresh verdict; *passed*, that every head has fresh evidence and all of it is
green; *known failures*, that all of it is green or fails as `expected/` says, which is no pass. What each cell said is in the [compatibility report](compatibility.md).
${resting(idle) | n}\
${losses(damage) | n}\

By tier
-------

${table(["tier", *columns], [[name, *counts] for name, counts in tiers])}

By family
---------

${table(["family", *columns], [[name, *counts] for name, counts in families])}

By head
-------

An architecture has a head for each task, one of them primary. *Passed*: every check that applies to the head; *partly*:
all that could be asked of it here, while a library or a device that is not here kept the rest from being asked;
*known failure*: what did not pass fails as `expected/` says; *unavailable*: for want of a library or a device, nothing
could be asked.

${table(["hardware", "heads", "known", "passed", "partly", "known failure", "unavailable", "not passed"], heads)}

What is missing
---------------
% for tier, found in gaps.items():

**${tier}**\
% if found:


${table(["not", "why", "architectures", "which"], [[gap.stage, gap.why, len(gap.names), listing(gap.names)] for gap in found])}
% else:
: nothing
% endif
% endfor

Not architectures
-----------------

Of the ${entries} entries of transformers' table of configs, those that are no architecture of their own, or cannot be
one here. `invoke catalog --model NAME` says more of each.

${table(["state", "reason", "entries", "which"], [[state, reason, len(found), listing(found)] for state, reason, found in outside])}

${sources(runs) | n}\

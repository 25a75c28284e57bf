"""What the two command lines, tasks.py and noxfile.py, call: environments, sessions, runs, and the sentences of errors.

The one place that knows all rooms; no room knows it. Importing it, or its ``environments``, ``releases`` and
``arguments``, needs neither the rooms nor anything that is not a command line's own.
"""

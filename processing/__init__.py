"""What makes a model's inputs, as a skill declares it, built in memory: once for both, so that what the generator tries
is what the harness runs. Knows no other room, imports no framework until it must, and downloads nothing.

A declaration (``Skill.processor``) names each part by the pipelines' argument: ``tokenizer``, ``image_processor``,
``video_processor``, ``feature_extractor``, ``processor``. A part has ``class_name`` and ``arguments``, and:

- A tokenizer has the ``model`` of its vocabulary (BPE, WordPiece, Unigram), the ``vocabulary``, words parted by blanks
  that stand at their ids, those of them that are ``special`` beside the usual ones, and the words that one ``starts``
  and ``ends`` a text, and that stand ``between`` two, where a general class stands in for the model's own. A class that
  takes its vocabulary from a file, with a word a line, has under ``file`` the argument that it is.
- A model that encodes and decodes sound for a processor has the arguments of its ``config`` in place of its own.
- A processor has under ``parts`` the part that it takes as each argument, and as ``prompt`` what stands for an image or
  a sound before a text that is no chat, as ``call`` what is told it at each call, and as ``frames`` how many images it
  takes for one video; ``unshown`` is what it could not be shown where the skill was written, or passes over, and ``untaken`` says that
  no way was found there in which the model takes what it makes.
- A part that only a library makes has its name under ``requires``.
"""

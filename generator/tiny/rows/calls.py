"""Heads that take other inputs than the names of their arguments say, or that a user calls otherwise than by forward."""

from __future__ import annotations

from generator.tiny.rows.row import Row

__all__ = ["CALLS"]

CALLS: tuple[Row, ...] = (
    # Heads whose inputs are not what the names of the arguments say
    Row(
        "speecht5",
        "without its pre-nets the encoder and the decoder take hidden states",
        heads=("SpeechT5Model",),
        inputs={
            "input_values": ("Floats", {"shape": (2, 12, 64)}),
            "decoder_input_values": ("Floats", {"shape": (2, 8, 64)}),
            "speaker_embeddings": None,
        },
    ),
    Row(
        "longformer",
        "a question ends at the first of three separators",
        heads=("LongformerForQuestionAnswering",),
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 12), "low": 3, "high": 120, "runs": ((2, 4, 2), (2, 11, 1))},
            )
        },
    ),
    Row(
        "longformer",
        "a question ends at the first of three separators",
        heads=("LongformerForMultipleChoice",),
        inputs={
            "input_ids": (
                "Tokens",
                {"shape": (2, 3, 12), "low": 3, "high": 120, "runs": ((2, 4, 2), (2, 11, 1))},
            )
        },
    ),
    Row(
        "musicgen_melody",
        "the decoder by itself takes a row of tokens for each of four codebooks; the token that starts and pads what it "
        "generates, and the number of sequences, come with a checkpoint's generation config",
        heads=("MusicgenMelodyForCausalLM", "MusicgenMelodyModel"),
        inputs={
            "input_ids": ("Tokens", {"shape": (8, 12), "low": 0, "high": 64}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        generation={"decoder_start_token_id": 128, "num_return_sequences": 1},
    ),
    Row(
        "blip",
        "forward says nothing of the question but by the loss of an answer to it",
        heads=("BlipForQuestionAnswering",),
        inputs={"labels": ("Tokens", {"shape": (2, 8), "low": 3, "high": 100})},
    ),
    Row(
        "musicgen",
        "the decoder by itself takes a row of tokens for each of four codebooks; the token that starts and pads what it "
        "generates, and the number of sequences, come with a checkpoint's generation config",
        heads=("MusicgenForCausalLM", "MusicgenModel"),
        inputs={
            "input_ids": ("Tokens", {"shape": (8, 12), "low": 0, "high": 64}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        generation={"decoder_start_token_id": 128, "num_return_sequences": 1},
    ),
    Row(
        "musicgen",
        "it takes sound to go on from only in place of the decoder's tokens",
        heads=("MusicgenForConditionalGeneration",),
        inputs={"input_values": None},
    ),
    Row(
        "pop2piano",
        "it takes a song as features as wide as it is, and plays them as the composer whom a checkpoint's generation "
        "config knows",
        config={"composer_vocab_size": 2},
        inputs={"input_ids": None, "input_features": ("Floats", {"shape": (2, 12, 64)})},
        generation_config={"composer_to_feature_token": {"composer1": 2, "composer2": 3}},
    ),
    Row(
        "speecht5",
        "it speaks frame by frame, by a method of its own that always keeps a cache",
        heads=("SpeechT5ForTextToSpeech",),
        generation={"method": "generate_speech", "cache": False, "minlenratio": 1.0, "maxlenratio": 1.0},
    ),
    Row(
        "tapas",
        "cells of columns that are not chosen have -10000, beside which no other number shows",
        heads=("TapasForQuestionAnswering",),
        config={"select_one_column": False, "num_aggregation_labels": 4},
    ),
    Row(
        "tvp",
        "a fault of the library: it views its column positions in the shape of the batch, which fails for more than one video",
        inputs={
            "pixel_values": ("Floats", {"shape": (1, 48, 3, 64, 64)}),
            "input_ids": ("Tokens", {"shape": (1, 12), "low": 4, "high": 120}),
            "attention_mask": ("Mask", {"shape": (1, 12)}),
        },
        batch=1,
    ),
    Row(
        "autoformer",
        "the future's values are what it is trained for: its decoder starts from the past's season and trend",
        heads=("AutoformerModel",),
        indifferent=("future_values",),
    ),
    Row(
        "pp_formulanet",
        "its forward reads the text as the decoder's where there is none of the decoder's own",
        inputs={"input_ids": None, "attention_mask": None},
    ),
    Row(
        "vibevoice",
        "generate() counts the tokens of the prompt by its mask, which forward does not take, and steps through caches of "
        "its own",
        generation={"fed": {"attention_mask": ("Mask", {"shape": (2, 8)})}, "cache": False},
    ),
    Row(
        "videoprism",
        "its scores are divided by their sum over the videos or the texts beside them, by design: a row alone has others",
        batch=1,
    ),
    Row(
        "graphormer",
        "a graph is nodes, ways between each two of them and the edges along these, each of several numbers; the kinds of "
        "edges go unread where ways of several edges are told",
        inputs={
            "input_nodes": ("Integers", {"shape": (2, 6, 1), "low": 1, "high": 500}),
            "input_edges": ("Integers", {"shape": (2, 6, 6, 5, 1), "low": 1, "high": 500}),
            "attn_bias": ("Floats", {"shape": (2, 7, 7)}),
            "in_degree": ("Integers", {"shape": (2, 6), "low": 1, "high": 6}),
            "out_degree": ("Integers", {"shape": (2, 6), "low": 1, "high": 6}),
            "spatial_pos": ("Integers", {"shape": (2, 6, 6), "low": 1, "high": 6}),
            "attn_edge_type": ("Integers", {"shape": (2, 6, 6, 1), "low": 1, "high": 500}),
        },
        indifferent=("attn_edge_type",),
    ),
    Row(
        "rag",
        "documents that a retriever would find are fed with their scores, two for each question, which then goes unread",
        config={"n_docs": 2},
        inputs={
            "input_ids": None,
            "attention_mask": None,
            "context_input_ids": ("Tokens", {"shape": (4, 12), "low": 3, "high": 120}),
            "context_attention_mask": ("Mask", {"shape": (4, 12)}),
            "doc_scores": ("Floats", {"shape": (2, 2)}),
        },
    ),
    # Heads that a user calls otherwise than by forward
    Row(
        "bark",
        "it has no forward: four models in a row are called by generate(), whose token ranges a checkpoint brings",
        config={
            "semantic_config": {"block_size": 64, "input_vocab_size": 200, "output_vocab_size": 72},
            "coarse_acoustics_config": {"block_size": 64, "input_vocab_size": 136, "output_vocab_size": 136},
            "fine_acoustics_config": {"block_size": 64, "input_vocab_size": 40, "output_vocab_size": 40},
            "codec_config": {"codebook_size": 32},
        },
        inputs={
            "input_ids": ("Tokens", {"shape": (2, 12), "low": 0, "high": 120}),
            "attention_mask": ("Mask", {"shape": (2, 12)}),
        },
        method="generate",
        arguments={"semantic_min_new_tokens": 6, "semantic_max_new_tokens": 6},
        generation_config={
            "codebook_size": 32,
            "semantic_config": {
                "eos_token_id": 64,
                "semantic_pad_token": 64,
                "semantic_vocab_size": 64,
                "semantic_infer_token": 199,
                "text_pad_token": 198,
                "text_encoding_offset": 72,
                "max_input_semantic_length": 12,
                "max_new_tokens": 6,
            },
            "coarse_acoustics_config": {
                "coarse_semantic_pad_token": 128,
                "coarse_infer_token": 129,
                "max_coarse_input_length": 12,
                "max_coarse_history": 12,
                "sliding_window_len": 6,
            },
            "fine_acoustics_config": {"max_fine_input_length": 16, "max_fine_history_length": 8},
        },
        generation=None,
    ),
)
"""Rows about what is called, and with what."""

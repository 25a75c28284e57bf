"""A skill of DAC written by hand, for the tests of the harness: a codec, which is asked to encode and to decode."""

from harness.inputs import Floats
from harness.skill import Head, Skill


class Dac(Skill):
    """Tiny DAC."""

    model_type = "dac"
    family = "speech"
    tier = "medium"
    modalities = ("audio",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "DacConfig"
    config = {
        "encoder_hidden_size": 8,
        "decoder_hidden_size": 32,
        "hidden_size": 16,
        "codebook_dim": 4,
        "codebook_size": 32,
        "n_codebooks": 2,
        "downsampling_ratios": [2, 4],
        "upsampling_ratios": [4, 2],
    }
    heads = (
        Head(
            "DacModel",
            mappings=(),
            primary=True,
            inputs={"input_values": Floats(shape=(2, 1, 64), scale=0.5)},
            steps=(
                {"call": "encode", "arguments": {"input_values": "$input_values"}},
                {"call": "decode", "arguments": {"audio_codes": "$encode.audio_codes"}},
            ),
            outputs={
                "encode.quantized_representation": ((2, 16, 8), "float32"),
                "encode.audio_codes": ((2, 2, 8), "int64"),
                "encode.projected_latents": ((2, 8, 8), "float32"),
                "decode.audio_values": ((2, 64), "float32"),
            },
            parameters=31177,
            batch=2,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Dac.main())

"""A skill of SAM 2 Video written by hand, for the tests of the harness: a tracker, which follows an object by its memory."""

from harness.inputs import Floats, Integers, Literal
from harness.skill import Head, Skill


class Sam2Video(Skill):
    """Tiny SAM 2 Video."""

    model_type = "sam2_video"
    family = "vision"
    tier = "long-tail"
    modalities = ("video",)
    checkpoint = None
    requires = ()
    transformers = "5.23.0"
    config_class = "Sam2VideoConfig"
    config = {
        "image_size": 64,
        "mask_decoder_config": {
            "hidden_size": 128,
            "iou_head_depth": 2,
            "iou_head_hidden_dim": 64,
            "mlp_dim": 128,
            "model_type": "sam2_video_mask_decoder",
            "num_attention_heads": 4,
        },
        "mask_downsampler_embed_dim": 128,
        "memory_attention_feed_forward_hidden_size": 64,
        "memory_attention_hidden_size": 128,
        "memory_attention_num_layers": 2,
        "memory_attention_rope_feat_sizes": [4, 4],
        "memory_encoder_hidden_size": 128,
        "memory_fuser_embed_dim": 128,
        "memory_fuser_intermediate_dim": 128,
        "prompt_encoder_config": {
            "hidden_size": 128,
            "image_size": 64,
            "model_type": "sam2_video_prompt_encoder",
            "patch_size": 16,
        },
        "vision_config": {
            "backbone_channel_list": [96, 48, 24, 16],
            "backbone_config": {
                "blocks_per_stage": [1, 2, 2, 2],
                "embed_dim_per_stage": [16, 24, 48, 96],
                "global_attention_blocks": [2, 2, 2],
                "hidden_size": 16,
                "image_size": [64, 64],
                "model_type": "sam2_hiera_det_model",
                "window_size_per_stage": [8, 4, 8, 7],
            },
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 128,
            "model_type": "sam2_vision_model",
        },
    }

    heads = (
        Head(
            "Sam2VideoModel",
            mappings=("MODEL_MAPPING",),
            primary=True,
            inputs={
                "video": Floats(shape=(3, 3, 64, 64)),
                "point_coords": Integers(shape=(1, 1, 2, 2), low=0, high=64),
                "point_labels": Literal(values=(((1, 0),),)),
            },
            steps=(
                {
                    "arguments": {
                        "dtype": "$dtype",
                        "inference_device": "$device",
                        "inference_state_device": "$device",
                        "video": "$video",
                        "video_height": 64,
                        "video_storage_device": "$device",
                        "video_width": 64,
                    },
                    "call": "Sam2VideoInferenceSession",
                    "name": "inference_session",
                },
                {"arguments": [1], "call": "$inference_session.obj_id_to_idx", "name": "object"},
                {
                    "arguments": {
                        "frame_idx": 0,
                        "inputs": {"point_coords": "$point_coords", "point_labels": "$point_labels"},
                        "obj_idx": "$object",
                    },
                    "call": "$inference_session.add_point_inputs",
                    "name": "prompt",
                },
                {"arguments": [1], "call": "$inference_session.obj_with_new_inputs.append", "name": "told"},
                {
                    "arguments": {"inference_session": "$inference_session", "start_frame_idx": 0},
                    "call": "propagate_in_video_iterator",
                    "name": "frames",
                    "stream": True,
                },
            ),
            outputs={
                "frames.0.pred_masks": ((1, 1, 16, 16), "float32"),
                "frames.0.object_score_logits": ((1, 1), "float32"),
                "frames.1.pred_masks": ((1, 1, 16, 16), "float32"),
                "frames.1.object_score_logits": ((1, 1), "float32"),
                "frames.2.pred_masks": ((1, 1, 16, 16), "float32"),
                "frames.2.object_score_logits": ((1, 1), "float32"),
            },
            parameters=1511834,
        ),
    )


if __name__ == "__main__":
    raise SystemExit(Sam2Video.main())

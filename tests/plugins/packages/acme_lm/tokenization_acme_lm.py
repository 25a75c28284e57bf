from transformers import PreTrainedTokenizerFast


class AcmeLmTokenizer(PreTrainedTokenizerFast):
    """A tokenizer of any vocabulary, which shouts."""

    def decode(self, *args, **kwargs):
        return super().decode(*args, **kwargs).upper()

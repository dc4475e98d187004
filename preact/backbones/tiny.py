"""The tiny backbone that is built in.

A small Llama, built and pre-trained within minutes, without a network. Its tokenizer and weights come from
the texts it is given, without any trait information. It writes like nobody in particular and is meant for
trying the trainer out; it knows nothing of releases, adapters or runs.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging

from oceanchat.corpus.essays import open_corpus
from oceanchat.errors import TrainingError
from preact.backbones.backbone import Backbone
from preact.backbones.pretraining import LONGER, Checkpoint, pretrain
from preact.config import TinyShape

MARKER = "tiny.json"
"""The file that marks a saved tiny backbone, with its shape and seed."""

SPECIAL = ("<pad>", "<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>")
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{{ eos_token }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build(
    texts: Sequence[str],
    conversations: Sequence[str],
    *,
    shape: TinyShape,
    seed: int,
    progress: Callable[[int, int, float], None],
    mixed: bool = False,
    checkpoint: Checkpoint | None = None,
) -> Backbone:
    """A tokenizer and a Llama pre-trained on plain `texts` and on `conversations` rendered by TEMPLATE.

    With `mixed` products are made in bfloat16 and weights kept in float32. `progress` gets the step, the
    number of steps and the loss (nats per token); a pre-training that was stopped goes on from its
    `checkpoint`. Raises TrainingError when there is too little text to fill
    one row.
    """
    tokenizer = _tokenizer([*texts, *conversations], shape)
    items = [[1, *_ids(tokenizer, _without_special(text)), 2] for text in texts]
    items += [_ids(tokenizer, conversation) for conversation in conversations] * shape.dialogue_repeats
    random.Random(seed).shuffle(items)
    stream = torch.tensor([token for item in items for token in item], dtype=torch.long)
    longest = shape.width * LONGER
    if len(stream) <= longest:
        raise TrainingError(
            f"the tiny backbone got {len(stream)} tokens of text and needs more than {longest};"
            " name a larger --pretrain-text"
        )
    model = _model(len(tokenizer), shape, seed)
    pretrain(model, stream, shape, seed, progress, mixed=mixed, checkpoint=checkpoint)
    return Backbone(model, tokenizer)


def read_texts(source: str) -> list[str]:
    """The texts of a .txt file (one) or of a corpus (one an essay); what it says about authors is not read.

    Raises TrainingError for a text file that cannot be read or is empty, CorpusError for a corpus.
    """
    path = Path(source)
    if path.suffix.lower() != ".txt":
        return [essay.text for essay in open_corpus(source).essays]
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        raise TrainingError(
            f"pre-training text '{source}' cannot be read; name a text file or a corpus of essays"
        ) from None
    if not text:
        raise TrainingError(f"pre-training text '{source}' is empty; name a file with text in it")
    return [text]


def conversation(messages: Sequence[tuple[str, str]]) -> str:
    """Messages (role, text) as TEMPLATE writes them, special tokens spelled out."""
    turns = "".join(f"<|{role}|>{_without_special(text)}</s>" for role, text in messages)
    return f"<s>{turns}"


def save(backbone: Backbone, folder: Path, shape: TinyShape, seed: int) -> None:
    """Write the backbone as any Hugging Face model, with the marker last: it stands for a complete folder."""
    logging.disable_progress_bar()
    backbone.model.save_pretrained(folder)
    backbone.tokenizer.save_pretrained(folder)
    (folder / MARKER).write_text(
        json.dumps({"shape": shape.model_dump(), "seed": seed}, indent=2) + "\n", encoding="utf-8"
    )


def is_tiny(folder: str) -> bool:
    """Whether this folder holds a saved tiny backbone."""
    return (Path(folder) / MARKER).is_file()


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    return ids


def _tokenizer(texts: Sequence[str], shape: TinyShape) -> Any:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((_without_special(text) for text in texts), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=shape.positions,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(SPECIAL[3:])})
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _without_special(text: str) -> str:
    for token in SPECIAL:
        text = text.replace(token, "\n")
    return text


def _model(vocabulary: int, shape: TinyShape, seed: int) -> Any:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=shape.hidden,
            num_hidden_layers=shape.layers,
            intermediate_size=shape.feed_forward,
            num_attention_heads=shape.heads,
            max_position_embeddings=shape.positions,
            tie_word_embeddings=True,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        )
    )

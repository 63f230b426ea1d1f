"""The networks of the zoo that torchvision and transformers have too, for torch.compile. Weights are random."""

import torch


def resnet50():
    import torchvision

    return torchvision.models.resnet50(weights=None)


def mobilenet_v2():
    import torchvision

    return torchvision.models.mobilenet_v2(weights=None)


class Bert(torch.nn.Module):
    """Takes its inputs in the order of the ONNX model."""

    def __init__(self, **sizes):
        super().__init__()
        from transformers import BertConfig, BertModel

        self.network = BertModel(BertConfig(**sizes), add_pooling_layer=False)

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.network(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state


def bert_base():
    return Bert()


def minilm():
    return Bert(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)


class Gpt2(torch.nn.Module):
    """Without a cache, which is less work than the ONNX model does."""

    def __init__(self):
        super().__init__()
        from transformers import GPT2Config, GPT2LMHeadModel

        self.network = GPT2LMHeadModel(GPT2Config())

    def forward(self, input_ids, attention_mask):
        return self.network(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).logits


def gpt2_prefill():
    return Gpt2()


def lstm():
    return torch.nn.LSTM(256, 256, num_layers=2, batch_first=True)


def build(case):
    """(network, its inputs) of a case whose model is one of Inductor.models."""
    torch.manual_seed(1)
    return globals()[case.model["name"]](), [torch.from_numpy(array) for array in case.inputs.values()]

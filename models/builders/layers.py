"""Layers as PyTorch's TorchScript exporter writes them."""

import math

import numpy as np


def linear(g, x, inputs, outputs, parameters=None, std=None):
    """MatMul + Add, as for inputs of rank 3. `parameters`: (weight [out, in], bias), else random."""
    std = std or 1 / math.sqrt(inputs)
    if parameters is None:
        weight, bias = g.normal((inputs, outputs), std), g.normal((outputs,), 0.1, "bias")
    else:
        weight, bias = g.weight(parameters[0].T), g.weight(parameters[1], "bias")
    return g.Add(bias, g.MatMul(x, weight))


def layer_norm(g, x, size, parameters=None, epsilon=1e-5):
    """LayerNorm decomposed, as before opset 17."""
    if parameters is None:
        scale, shift = g.uniform((size,), 0.5, 1.5), g.normal((size,), 0.1, "bias")
    else:
        scale, shift = g.weight(parameters[0]), g.weight(parameters[1], "bias")
    centered = g.Sub(x, g.mean(x, [-1]))
    variance = g.mean(g.Pow(centered, g.const(2.0)), [-1])
    root = g.Sqrt(g.Add(variance, g.const(epsilon)))
    return g.Add(g.Mul(g.Div(centered, root), scale), shift)


def gelu_erf(g, x):
    inner = g.Erf(g.Div(x, g.const(math.sqrt(2))))
    return g.Mul(g.Mul(x, g.Add(inner, g.const(1.0))), g.const(0.5))


def gelu_tanh(g, x):
    """GPT-2's approximation."""
    cubed = g.Mul(g.Pow(x, g.const(3.0)), g.const(0.044715))
    inner = g.Tanh(g.Mul(g.Add(x, cubed), g.const(math.sqrt(2 / math.pi))))
    return g.Mul(g.Mul(x, g.const(0.5)), g.Add(inner, g.const(1.0)))


def silu(g, x):
    return g.Mul(x, g.Sigmoid(x))


def conv_weight(g, channels_in, channels_out, kernel, groups=1, gain=2.0):
    """Scaled so that activations keep their size through a ReLU."""
    kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    fan_in = channels_in // groups * math.prod(kernel)
    return g.normal((channels_out, channels_in // groups) + kernel, math.sqrt(gain / fan_in))


def conv(g, x, channels_in, channels_out, kernel, stride=1, groups=1, bias=True, padding=None, gain=2.0,
         dilation=1):
    padding = dilation * (kernel - 1) // 2 if padding is None else padding
    operands = [x, conv_weight(g, channels_in, channels_out, kernel, groups, gain)]
    if bias:
        operands.append(g.normal((channels_out,), 0.1, "bias"))
    return g.Conv(*operands, dilations=[dilation] * 2, group=groups, kernel_shape=[kernel] * 2,
                  pads=[padding] * 4, strides=[stride] * 2)


def batch_norm(g, x, channels, scale=(0.7, 1.3)):
    parameters = [g.uniform((channels,), *scale), g.normal((channels,), 0.1, "bias"),
                  g.normal((channels,), 0.1, "running_mean"), g.uniform((channels,), 0.7, 1.4, "running_var")]
    return g.BatchNormalization(x, *parameters, epsilon=1e-5, momentum=0.9)


def split_heads(g, x, heads, width, permutation=(0, 2, 1, 3)):
    """[batch, seq, heads * width] -> [batch, heads, seq, width] (or as the permutation says)."""
    batch, seq = g.dim(x, 0), g.dim(x, 1)
    return g.Transpose(g.reshape(x, [batch, seq, heads, width]), perm=permutation)


def merge_heads(g, x, heads, width):
    x = g.Transpose(x, perm=[0, 2, 1, 3])
    return g.reshape(x, [g.dim(x, 0), g.dim(x, 1), heads * width])


def clip(g, x, low, high):
    return g.Clip(x, g.const(low), g.const(high))


LOWEST = np.finfo(np.float32).min

#!/usr/bin/env python3
"""Writes the oracles of the transformer, from PyTorch's own encoder layer in float64:

    tests/oracle/make_transformer.py tests/testdata/oracles

torch.nn.TransformerEncoderLayer (post-norm, ReLU, no dropout) attends over the target and the sequence's places with empty ones
masked; Tandem computes nothing at an empty place, so its output is cleared here. Needs python3-torch; the numbers are committed.
"""
from __future__ import annotations

import json
import os
import sys

import torch

ROWS = 6


def array(tensor: torch.Tensor) -> dict[str, object]:
    data = [float(f"{value:.12g}") for value in tensor.detach().reshape(-1).tolist()]
    return {"shape": list(tensor.shape), "data": data}


def blocks_of(layer: torch.nn.TransformerEncoderLayer) -> dict[str, tuple[torch.Tensor, bool]]:
    """Tandem's name of a parameter -> (PyTorch's, whether it is stored transposed)."""
    attention = layer.self_attn
    return {
        "qkv/weight": (attention.in_proj_weight, True),
        "qkv/bias": (attention.in_proj_bias, False),
        "out/weight": (attention.out_proj.weight, True),
        "out/bias": (attention.out_proj.bias, False),
        "norm1/scale": (layer.norm1.weight, False),
        "norm1/shift": (layer.norm1.bias, False),
        "ffn1/weight": (layer.linear1.weight, True),
        "ffn1/bias": (layer.linear1.bias, False),
        "ffn2/weight": (layer.linear2.weight, True),
        "ffn2/bias": (layer.linear2.bias, False),
        "norm2/scale": (layer.norm2.weight, False),
        "norm2/shift": (layer.norm2.bias, False),
    }


def make(name: str, folder: str, dim: int, length: int, heads: int, hidden: int, blocks: int) -> None:
    """x has two plain fields, the second of them the target, then the sequence."""
    torch.manual_seed(1)
    fields = 2 + length
    x = torch.rand(ROWS, fields, dim, dtype=torch.float64) * 2 - 1
    for row in range(ROWS):  # row r has its first length - r places, row 0 all of them
        x[row, max(2, fields - row) :] = 0
    x[2, 2] = 0  # a hole: an id that no table holds
    x[1, 1] = 0  # no target
    x.requires_grad_()
    position = (torch.rand(length + 1, dim, dtype=torch.float64) - 0.5).requires_grad_()
    layers = [
        torch.nn.TransformerEncoderLayer(dim, heads, hidden, dropout=0.0, batch_first=True, dtype=torch.float64)
        for _ in range(blocks)
    ]
    for layer in layers:
        for parameter in layer.parameters():
            torch.nn.init.uniform_(parameter, -0.6, 0.6)

    tokens = torch.cat([x[:, 2:], x[:, 1:2]], dim=1)
    absent = (tokens == 0).all(dim=2)
    hidden_state = tokens + position
    for layer in layers:
        hidden_state = layer(hidden_state, src_key_padding_mask=absent)
    output = torch.where(absent[:, :, None], torch.zeros_like(hidden_state), hidden_state).reshape(ROWS, -1)
    upstream = torch.rand(output.shape, dtype=torch.float64) * 2 - 1
    (output * upstream).sum().backward()

    # An empty place stays empty: Tandem takes no gradient there, and neither does PyTorch, whose mask cuts it off.
    params, grads = {"position": array(position)}, {"x": array(x.grad), "position": array(position.grad)}
    for index, layer in enumerate(layers):
        for block, (parameter, transposed) in blocks_of(layer).items():
            stored, gradient = parameter.detach(), parameter.grad
            params[f"{index}/{block}"] = array(stored.T if transposed else stored)
            grads[f"{index}/{block}"] = array(gradient.T if transposed else gradient)
    case = {
        "op": "transformer",
        "config": {"fields": fields, "dim": dim, "length": length, "heads": heads, "hidden": hidden, "blocks": blocks},
        "inputs": {"x": array(x)},
        "params": params,
        "upstream": {"output": array(upstream)},
        "outputs": {"output": array(output)},
        "grads": grads,
    }
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        json.dump(case, file)
        file.write("\n")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make("transformer", sys.argv[1], dim=8, length=5, heads=2, hidden=12, blocks=1)
    make("transformer_deep", sys.argv[1], dim=6, length=3, heads=3, hidden=7, blocks=2)


if __name__ == "__main__":
    main()

"""CTR models as one who knows PyTorch writes them for a CPU: the strongest fair peer. No main: see today.py.

A model's forward takes the vectors of its fields, rows [B, F, D + 1] of one table whose last column is the linear weight, and (BST) those
of a history [B, places, D + 1]; it returns logits [B]. The same functions as bench/side_by_side.py configures for Tandem.

A CIN has three forms; which is fastest depends on precision and processor, so all are tried:
  blocks     the outer products of so many samples at a time are made and multiplied; plain autograd keeps them for the way back
  recompute  they are made again on the way back: less memory, and what autograd can't see is done by hand
  pooled     blocks, and the last layer by its pooled maps: allowed without an activation
In all of them the first layer multiplies the upper triangle of its symmetric product only.
"""
import torch
from torch import nn
from torch.nn import functional

TEACHER, STUDENT, MAPS = (400, 400), (128, 64), (128, 128)


def mlp(inputs, hidden, readout):
    layers = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, *([nn.Linear(inputs, 1)] if readout else []))


def outer(x0, x, pairs):
    """[rows, previous maps x fields], of the first layer's pairs where x is x0."""
    if pairs is not None:
        return x0.index_select(1, pairs[0]) * x0.index_select(1, pairs[1])
    return (x.unsqueeze(2) * x0.unsqueeze(1)).flatten(1)


class Recomputed(torch.autograd.Function):
    """act(outer W^T + b), `rows` rows at a time; the outer product is not kept."""

    @staticmethod
    def forward(ctx, x0, x, weight, bias, pairs, rows, relu):
        y = torch.empty(x0.shape[0], weight.shape[0], dtype=x0.dtype)
        for i in range(0, x0.shape[0], rows):
            torch.addmm(bias, outer(x0[i:i + rows], x[i:i + rows], pairs), weight.t(), out=y[i:i + rows])
        if relu:
            y.relu_()
        ctx.save_for_backward(x0, x, weight, y)
        ctx.how = pairs, rows, relu
        return y

    @staticmethod
    def backward(ctx, d_y):
        x0, x, weight, y = ctx.saved_tensors
        pairs, rows, relu = ctx.how
        d_y = d_y * (y > 0) if relu else d_y.contiguous()
        fields = x0.shape[1]
        full = weight
        if pairs is not None:
            full = torch.zeros(weight.shape[0], fields, fields, dtype=weight.dtype)
            full[:, pairs[0], pairs[1]] += weight
            full[:, pairs[1], pairs[0]] += weight
            full = full.flatten(1)
        d_weight = torch.zeros(weight.shape)
        d_x0, d_x = torch.empty_like(x0), torch.empty_like(x)
        for i in range(0, x0.shape[0], rows):
            a, b, d = x0[i:i + rows], x[i:i + rows], d_y[i:i + rows]
            if x0.dtype == torch.float32:
                d_weight.addmm_(d.t(), outer(a, b, pairs))
            else:
                d_weight += d.t() @ outer(a, b, pairs)
            g = (d @ full).view(a.shape[0], -1, fields)
            if pairs is not None:
                d_x0[i:i + rows] = torch.bmm(g, a.unsqueeze(2)).squeeze(2)
            else:
                d_x[i:i + rows] = torch.bmm(g, a.unsqueeze(2)).squeeze(2)
                d_x0[i:i + rows] = torch.bmm(b.unsqueeze(1), g).squeeze(1)
        return d_x0, None if pairs is not None else d_x, d_weight.to(weight.dtype), d_y.sum(0), None, None, None


class Cin(nn.Module):
    def __init__(self, fields, relu, form, block):
        super().__init__()
        self.relu, self.form, self.block = relu, form, block
        self.register_buffer("pairs", torch.triu_indices(fields, fields))
        inputs = [self.pairs.shape[1], *(maps * fields for maps in MAPS[:-1])]
        self.weights = nn.ParameterList(nn.Parameter(nn.init.xavier_normal_(torch.empty(m, n))) for m, n in zip(MAPS, inputs))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(m)) for m in MAPS)
        self.readout = nn.Linear(sum(MAPS), 1, bias=False)

    def layer(self, x0, x, k, dim):
        weight, bias = self.weights[k], self.biases[k]
        pairs = self.pairs if k == 0 else None
        if self.form != "recompute":
            y = torch.addmm(bias, outer(x0, x, pairs), weight.t())
            return torch.relu(y) if self.relu else y
        if torch.is_autocast_enabled("cpu"):
            x0, x, weight, bias = (t.bfloat16() for t in (x0, x, weight, bias))
        return Recomputed.apply(x0, x, weight, bias, pairs, self.block * dim, self.relu)

    def maps(self, e):
        samples, fields, dim = e.shape
        x0 = e.transpose(1, 2).reshape(samples * dim, fields)
        x, pooled = x0, []
        for k in range(len(MAPS)):
            if self.form == "pooled" and k == len(MAPS) - 1:
                sums = torch.bmm(x.view(samples, dim, -1).transpose(1, 2), x0.view(samples, dim, fields)).flatten(1)
                pooled.append(torch.addmm(dim * self.biases[k], sums, self.weights[k].t()))
            else:
                x = self.layer(x0, x, k, dim)
                pooled.append(x.view(samples, dim, -1).sum(1))
        return torch.cat(pooled, 1)

    def forward(self, e):
        blocks = [e] if self.form == "recompute" else e.split(self.block)
        return self.readout(torch.cat([self.maps(block) for block in blocks]))


class Attention(nn.Module):
    """BST's block over the places of a history and the target (two heads, a feed-forward layer of 64)."""

    def __init__(self, places, dim, heads=2, hidden=64):
        super().__init__()
        self.heads = heads
        self.position = nn.Parameter(torch.randn(places + 1, dim) * 0.01)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.first, self.second = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, history, target):
        x = torch.cat([history, target.unsqueeze(1)], 1) + self.position
        rows, places, dim = x.shape
        q, k, v = self.qkv(x).view(rows, places, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(rows, places, dim)
        x = self.norm1(x + self.out(mixed))
        return self.norm2(x + self.second(torch.relu(self.first(x)))).flatten(1)


class Model(nn.Module):
    """`name`: xdeepfm, identity (xDeepFM without activation), deepfm, dcn_v2, bst, student."""

    def __init__(self, name, fields, places, dim, form="blocks", block=32, target=0):
        super().__init__()
        self.name, self.dim, self.target = name, dim, target
        width = fields * dim
        self.bias = nn.Parameter(torch.zeros(1))
        inputs = width + ((places + 1) * dim if name == "bst" else 0)
        self.mlp = mlp(inputs, STUDENT if name == "student" else TEACHER, name != "dcn_v2")
        if name in ("xdeepfm", "identity"):
            self.cin = Cin(fields, name == "xdeepfm", form, block)
        if name == "dcn_v2":
            self.crosses = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
            self.head = nn.Linear(width + TEACHER[-1], 1)
        if name == "bst":
            self.attention = Attention(places, dim)

    def forward(self, rows, history=None):
        e, logit = rows[:, :, :self.dim], self.bias
        x = e.flatten(1)
        if self.name != "student":
            logit = logit + rows[:, :, self.dim].sum(1)
        if self.name == "deepfm":
            logit = logit + 0.5 * (e.sum(1).square() - e.square().sum(1)).sum(1)
        if self.name in ("xdeepfm", "identity"):
            logit = logit + self.cin(e).squeeze(1)
        if self.name == "bst":
            x = torch.cat([self.attention(history[:, :, :self.dim], e[:, self.target]), x], 1)
        out = self.mlp(x)
        if self.name == "dcn_v2":
            crossed = x
            for cross in self.crosses:
                crossed = torch.addcmul(crossed, x, cross(crossed))
            out = self.head(torch.cat([out, crossed], 1))
        return logit + out.squeeze(1)

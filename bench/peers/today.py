#!/usr/bin/env python3
"""How fast PyTorch and ONNX Runtime train and score on Criteo-shaped data in memory: what bench/side_by_side.py talks to.

    today.py --data=criteo-like.tsv --model=xdeepfm --mode=train --precision=bf16        # tries every variant, prints the best
    today.py --data=criteo-like.tsv --model=xdeepfm --mode=train --serve                 # commands on stdin, answers on stdout

A variant is how the same function is computed: eager or compiled (inductor), in float32 or by autocast to bfloat16 (`narrow`: with vectors of
bfloat16 as well, so that what autocast leaves in float32 isn't), a CIN's form and block; for scores also TorchScript and ONNX Runtime. One thread. Ids are made before; training is fused Adam on the towers and lazy Adam on
the rows of the batch, whose ids are found in the step. Commands: `variants` (names), `try NAME SECONDS` and `run NAME SECONDS`: batches for
so long, after a warm-up the first time; `try` forgets the variant afterwards. Answers are JSON, one a line. On PyTorch 1.x (Debian's) the
compiled variants are not there.
"""
import argparse
import contextlib
import json
import os
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import criteo_data  # noqa: E402
import models  # noqa: E402

DIM, BATCH = 16, 512
COMPILED = hasattr(torch, "compile")
TARGET = 13 + 2  # the field whose table the history shares: C3


class Data:
    """Batches of ids (into one table), histories and labels."""

    def __init__(self, path, rows):
        log = criteo_data.load_criteo(path, min_count=1)
        ids, sizes, _ = criteo_data.encode(log, np.arange(len(log.y)))
        ids = ids + np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.rows_of_table, self.fields = int(sum(sizes)), ids.shape[1]
        history = criteo_data.load_history(path, TARGET, ids)
        self.places = 0 if history is None else history.shape[1]
        joined = torch.from_numpy(ids if history is None else np.concatenate([ids, history], 1))
        labels = torch.from_numpy(log.y)
        last = min(rows, len(labels)) - BATCH + 1
        self.batches = [(joined[i:i + BATCH].contiguous(), labels[i:i + BATCH].contiguous()) for i in range(0, last, BATCH)]


def logits_of(model, vectors, fields, precision):
    if precision == "narrow":
        vectors = vectors.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision != "f32"):
        return model(vectors[:, :fields], vectors[:, fields:]).float()


def update_rows(row, first, second, gradient, rate, deviation):
    """Adam of the batch's rows. `rate` and `deviation` carry the bias corrections."""
    first = first * 0.9 + gradient * 0.1
    second = second * 0.999 + gradient * gradient * 0.001
    return row - rate * first / (second.sqrt() / deviation + 1e-8), first, second


class Training:
    def __init__(self, args, data, how, precision, form, block):
        torch.manual_seed(1)
        compiled = how == "compile"
        self.model = models.Model(args.model, data.fields, data.places, DIM, form, block, TARGET)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3, **({"fused": True} if COMPILED else {"foreach": True}))
        self.table = torch.zeros(data.rows_of_table, DIM + 1)
        self.table[:, :DIM].normal_(0, 0.01)
        self.first, self.second = torch.zeros_like(self.table), torch.zeros_like(self.table)
        self.steps = 0

        def loss(vectors, labels):
            return functional.binary_cross_entropy_with_logits(logits_of(self.model, vectors, data.fields, precision), labels)

        self.loss = torch.compile(loss, dynamic=False) if compiled else loss
        self.update = torch.compile(update_rows, dynamic=True) if compiled else update_rows

    def step(self, ids, labels):
        ids, places = torch.unique(ids, return_inverse=True)
        rows = self.table.index_select(0, ids).requires_grad_(True)
        loss = self.loss(functional.embedding(places, rows), labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.steps += 1
        rate = torch.tensor(1e-3 / (1 - 0.9**self.steps))
        deviation = torch.tensor((1 - 0.999**self.steps) ** 0.5)
        with torch.no_grad():
            new = self.update(rows.detach(), self.first.index_select(0, ids), self.second.index_select(0, ids), rows.grad, rate, deviation)
            for memory, value in zip((self.table, self.first, self.second), new):
                memory.index_copy_(0, ids, value)
        return loss


class Scoring:
    """The model alone: gather and towers, probabilities out."""

    def __init__(self, args, data, how, precision, form, block):
        torch.manual_seed(1)
        model = models.Model(args.model, data.fields, data.places, DIM, form, block, TARGET).eval()
        table = torch.randn(data.rows_of_table, DIM + 1) * 0.01
        # A table of bfloat16 too, and no autocast: what one would serve.
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        self.module = Scorer(model.to(kind), table.to(kind), data.fields).eval()
        self.run = self.module
        ids = data.batches[0][0]
        if how == "jit":
            with torch.no_grad():
                self.run = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(self.module, ids)))
        elif how == "compile":
            from torch._inductor import config
            config.freezing = True
            self.run = torch.compile(self.module, dynamic=False)

    def step(self, ids, labels):
        with torch.inference_mode():
            return self.run(ids)


class Scorer(nn.Module):
    def __init__(self, model, table, fields):
        super().__init__()
        self.model, self.fields = model, fields
        self.table = nn.Parameter(table, requires_grad=False)

    def forward(self, ids):
        vectors = functional.embedding(ids, self.table)
        return torch.sigmoid(self.model(vectors[:, :self.fields], vectors[:, self.fields:]).float())


class OnnxScoring:
    """ONNX Runtime on the student: Gather, Gemm and Relu, Sigmoid. bf16: its own conversion does not run on a CPU, see variants().
    int8: weights and activations by its quantizer, calibrated on the batches."""

    def __init__(self, args, data, how, precision, form, block):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
        random = np.random.RandomState(1)
        sizes = [data.fields * DIM, *models.STUDENT, 1]
        tensors = [numpy_helper.from_array((random.randn(data.rows_of_table, DIM) * 0.01).astype(np.float32), "table"),
                   numpy_helper.from_array(np.array([0, data.fields * DIM], np.int64), "flat")]
        nodes = [helper.make_node("Gather", ["table", "ids"], ["vectors"]), helper.make_node("Reshape", ["vectors", "flat"], ["x0"])]
        for k, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            weight = random.randn(inputs, outputs) / np.sqrt(inputs)
            tensors += [numpy_helper.from_array(weight.astype(np.float32), f"w{k}"),
                        numpy_helper.from_array(np.full(outputs, 0.01, np.float32), f"b{k}")]
            nodes.append(helper.make_node("Gemm", [f"x{k}", f"w{k}", f"b{k}"], [f"s{k}"]))
            last = k == len(sizes) - 2
            nodes.append(helper.make_node("Sigmoid" if last else "Relu", [f"s{k}"], ["y" if last else f"x{k + 1}"]))
        graph = helper.make_graph(nodes, "student", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows", data.fields])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 1])], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        path = f"{args.data}.{os.getpid()}.onnx"
        onnx.save(model, path)
        if precision == "int8":
            from onnxruntime import quantization
            quantized = path + ".int8"
            if how == "onnx-dynamic":
                quantization.quantize_dynamic(path, quantized, op_types_to_quantize=["Gemm", "MatMul"])
            else:
                quantization.quantize_static(path, quantized, Calibration(data), op_types_to_quantize=["Gemm"], per_channel=True,
                                             quant_format=quantization.QuantFormat.QDQ)
            os.replace(quantized, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        os.remove(path)

    def step(self, ids, labels):
        return self.session.run(None, {"ids": ids.numpy()})[0]


class Calibration:
    """What onnxruntime.quantization asks of a data reader."""

    def __init__(self, data):
        self.batches = iter([{"ids": ids.numpy()} for ids, _ in data.batches[:8]])

    def get_next(self):
        return next(self.batches, None)


def variants(model, mode):
    """Name -> (class, how, precision, form, block)."""
    hows = ["eager", "compile"] if COMPILED else ["eager"]
    precisions = ["f32"] + (["bf16"] if COMPILED else []) + (["narrow"] if COMPILED and mode == "train" else [])
    named = {}
    for precision in precisions:
        for how in hows:
            forms = [("blocks", 32)]
            if model in ("xdeepfm", "identity"):
                forms = [("blocks", 16 if how == "eager" else 64), ("blocks", 32 if how == "eager" else 128)]
                forms += [("recompute", 8), ("recompute", 32)] if mode == "train" and how == "eager" else []
                forms += [("pooled", 16), ("pooled", 32 if how == "eager" else 128)] if model == "identity" else []
            for form, block in forms:
                name = f"{how} {precision}".replace("narrow", "bf16 narrow") + (f" {form} {block}" if model in ("xdeepfm", "identity") else "")
                named[name] = (Training if mode == "train" else Scoring, how, precision, form, block)
        if mode == "infer" and model not in ("xdeepfm", "identity", "bst"):
            named[f"jit {precision}"] = (Scoring, "jit", precision, "blocks", 32)
    with contextlib.suppress(ImportError):
        import onnxruntime  # noqa: F401
        if mode == "infer" and model == "student":
            named["onnx f32"] = (OnnxScoring, "onnx", "f32", "", 0)
            named["onnx-static int8"] = (OnnxScoring, "onnx", "int8", "", 0)
            named["onnx-dynamic int8"] = (OnnxScoring, "onnx-dynamic", "int8", "", 0)
    return named


class Bench:
    def __init__(self, args):
        self.args = args
        self.data = Data(args.data, args.rows)
        self.variants = variants(args.model, args.mode)
        self.ready = {}

    def run(self, name, seconds, keep):
        begin = time.perf_counter()
        if name not in self.ready:
            kind, *how = self.variants[name]
            self.ready[name] = kind(self.args, self.data, *how)
            for batch in self.data.batches[:3]:
                self.ready[name].step(*batch)
        warm = time.perf_counter() - begin
        side = self.ready[name]
        rows, wall, cpu = 0, time.perf_counter(), time.process_time()
        while rows == 0 or time.perf_counter() - wall < seconds:
            for batch in self.data.batches:
                value = side.step(*batch)
                rows += BATCH
                if time.perf_counter() - wall >= seconds:
                    break
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if not keep:
            del self.ready[name], side
            if COMPILED:
                torch._dynamo.reset()
        return {"variant": name, "per_second": rows / wall, "per_cpu_second": rows / cpu, "warm_up": warm,
                "last": float(np.mean(np.asarray(value.detach() if torch.is_tensor(value) else value)))}

    def answer(self, words):
        try:
            if words[0] == "variants":
                return {"torch": torch.__version__, "variants": list(self.variants)}
            return self.run(" ".join(words[1:-1]), float(words[-1]), words[0] == "run")
        except Exception as why:  # a variant that this version or processor can't do is an answer
            self.ready.clear()
            return {"variant": " ".join(words[1:-1]), "error": f"{type(why).__name__}: {str(why)[:300]}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="a log of make_criteo_like.py; a 41st column is a history of values of C3, joined by '|'")
    parser.add_argument("--model", required=True, choices=["xdeepfm", "identity", "deepfm", "dcn_v2", "bst", "student"])
    parser.add_argument("--mode", default="train", choices=["train", "infer"])
    parser.add_argument("--rows", type=int, default=40960)
    parser.add_argument("--precision", default="", help="only variants of f32, bf16 or int8")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    bench = Bench(args)
    if args.serve:
        for line in sys.stdin:
            print(json.dumps(bench.answer(line.split())), flush=True)
        return
    for name in bench.variants:
        if not args.precision or f" {args.precision}" in name:
            print(json.dumps(bench.answer(["try", *name.split(), str(args.seconds)])), flush=True)


if __name__ == "__main__":
    main()

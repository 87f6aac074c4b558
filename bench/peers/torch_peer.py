"""The peer PyTorch: obeys orders on stdin as serve.ts tells, one line of JSON each.

Usage: torch_peer.py f32|tf32|bf16 [compiled]. Reads tasks as task.ts writes them. It knows
nothing of how Shoal computes.
"""

import json
import math
import sys
import time

import torch
import torch.nn.functional as F

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PRECISION = sys.argv[1] if len(sys.argv) > 1 else "f32"
COMPILED = "compiled" in sys.argv[2:]
THREADS = 2


def wait():
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def precision():
    """Autocast for bf16; master weights stay f32, as usual."""
    return torch.autocast(DEVICE.type, torch.bfloat16, enabled=PRECISION == "bf16")


def read_task(path):
    with open(path + ".json", encoding="utf-8") as file:
        task = json.load(file)
    with open(path + ".bin", "rb") as file:
        raw = bytearray(file.read())
    values = {}
    for stored in task["tensors"]:
        dtype = torch.float32 if stored["dtype"] == "f32" else torch.int32
        count = math.prod(stored["shape"])
        flat = torch.frombuffer(raw, dtype=dtype, count=count, offset=stored["offset"])
        values[stored["name"]] = flat.reshape(stored["shape"]).clone()
    return task, values


def attend(qkv, heads):
    """Causal attention of packed queries, keys and values [B, T, 3D]: [B, T, D]."""
    batch, time_, packed = qkv.shape
    width = packed // 3
    parts = [p.view(batch, time_, heads, width // heads).transpose(1, 2) for p in qkv.split(width, -1)]
    mixed = F.scaled_dot_product_attention(*parts, is_causal=True)
    return mixed.transpose(1, 2).reshape(batch, time_, width)


class Gpt(torch.nn.Module):
    """GPT-2 (Radford et al. 2019, section 2.3), its parameters in a list by name."""

    def __init__(self, sizes, values):
        super().__init__()
        self.sizes = sizes
        # A product by a transposed weight is what torch.nn.Linear computes.
        self.names = list(values)
        self.values = torch.nn.ParameterList([torch.nn.Parameter(v) for v in values.values()])

    def forward(self, inputs, targets):
        p = dict(zip(self.names, self.values))
        sizes = self.sizes
        width = sizes["D"]

        def linear(name, x):
            return F.linear(x, p[name + ".weight"], p[name + ".bias"])

        def norm(name, x):
            return F.layer_norm(x, (width,), p[name + ".weight"], p[name + ".bias"], 1e-5)

        x = F.embedding(inputs, p["tokens.weight"]) + p["positions.weight"]
        for i in range(sizes["L"]):
            at = f"blocks.{i}."
            qkv = linear(at + "qkv", norm(at + "norm1", x))
            x = x + linear(at + "out", attend(qkv, sizes["H"]))
            hidden = F.gelu(linear(at + "up", norm(at + "norm2", x)), approximate="tanh")
            x = x + linear(at + "down", hidden)
        x = norm("norm", x)
        logits = F.linear(x, p["tokens.weight"] if sizes["tied"] else p["head.weight"])
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class Lstm(torch.nn.Module):
    """An embedding, torch.nn.LSTM (cuDNN on a GPU), a linear head."""

    def __init__(self, sizes, values):
        super().__init__()
        vocabulary, width = sizes["V"], sizes["D"]
        self.tokens = torch.nn.Embedding(vocabulary, width)
        self.rnn = torch.nn.LSTM(width, width, sizes["L"], batch_first=True)
        self.head = torch.nn.Linear(width, vocabulary)
        self.load_state_dict(values)

    def forward(self, inputs, targets):
        states, _ = self.rnn(self.tokens(inputs))
        return F.cross_entropy(self.head(states).flatten(0, 1), targets.flatten())


def kernel(task, values):
    """A function that gives results, the first of them the value, and what it reads."""
    tensors = {name: value.to(DEVICE) for name, value in values.items()}
    if task["kind"] == "matmul":
        a, b = tensors["a"], tensors["b"]
        multiply = torch.compile(torch.matmul) if COMPILED else torch.matmul

        def product():
            with torch.no_grad(), precision():
                return [multiply(a, b)]

        return product
    heads = task["sizes"].get("H")
    names = [name for name in tensors if name != "dy"]
    wanted = [tensors[name].requires_grad_() for name in names]

    def forward(*inputs):
        if heads is not None:
            return attend(inputs[0], heads)
        x, weight, bias = inputs
        return F.layer_norm(x, weight.shape, weight, bias, 1e-5)

    run = torch.compile(forward) if COMPILED else forward

    def both():
        with precision():
            y = run(*[t.bfloat16() for t in wanted] if PRECISION == "bf16" else wanted)
        return [y, *torch.autograd.grad(y, wanted, tensors["dy"].to(y.dtype))]

    return both


class KernelWork:
    def __init__(self, task, values):
        self.once = kernel(task, values)
        self.values = [x.float().abs().double().mean().item() for x in self.once()]

    def run(self, times):
        for _ in range(times):
            self.once()
        wait()


class Decoding:
    """A GPT that decodes one text, its keys and values in caches [L, 1, H, T, D / H]."""

    def __init__(self, sizes, params):
        self.sizes, self.params = sizes, params
        heads, context = sizes["H"], sizes["T"]
        shape = (sizes["L"], 1, heads, context, sizes["D"] // heads)
        self.keys, self.values = (torch.zeros(shape, device=DEVICE) for _ in range(2))

    def logits(self, token, t):
        """Logits [1, V] behind `token` at position t; positions before it are in the caches."""
        p, width, heads = self.params, self.sizes["D"], self.sizes["H"]

        def linear(name, x):
            return F.linear(x, p[name + ".weight"], p[name + ".bias"])

        def norm(name, x):
            return F.layer_norm(x, (width,), p[name + ".weight"], p[name + ".bias"], 1e-5)

        x = (p["tokens.weight"][token] + p["positions.weight"][t]).view(1, width)
        for i in range(self.sizes["L"]):
            at = f"blocks.{i}."
            qkv = linear(at + "qkv", norm(at + "norm1", x))
            q, k, v = qkv.view(3, 1, heads, 1, width // heads)
            self.keys[i, :, :, t] = k[:, :, 0]
            self.values[i, :, :, t] = v[:, :, 0]
            past = self.keys[i, :, :, : t + 1], self.values[i, :, :, : t + 1]
            mixed = F.scaled_dot_product_attention(q, *past)
            x = x + linear(at + "out", mixed.reshape(1, width))
            hidden = F.gelu(linear(at + "up", norm(at + "norm2", x)), approximate="tanh")
            x = x + linear(at + "down", hidden)
        head = p["tokens.weight"] if self.sizes["tied"] else p["head.weight"]
        return F.linear(norm("norm", x), head)


class GenerateWork:
    def __init__(self, task, values):
        self.tokens = values.pop("inputs").flatten().tolist()
        values.pop("targets")
        params = {name: value.to(DEVICE) for name, value in as_linear(values).items()}
        self.decoding = Decoding(task["sizes"], params)
        logits = self.once()
        at = [0, len(logits) // 2, len(logits) - 1]
        self.values = [logits[t].abs().double().mean().item() for t in at]

    def once(self):
        """Feeds all tokens one by one and takes the likeliest after each, as sampling would."""
        found = []
        with torch.inference_mode(), precision():
            for t, token in enumerate(self.tokens):
                logits = self.decoding.logits(token, t)
                logits.argmax().item()
                found.append(logits)
        return found

    def run(self, times):
        for _ in range(times):
            self.once()


def as_linear(values):
    """Parameters of a GPT with the weights of products transposed, as torch.nn.Linear has them."""
    matrices = {"qkv", "out", "up", "down", "head"}
    return {
        name: v.t().contiguous() if v.dim() == 2 and name.split(".")[-2] in matrices else v
        for name, v in values.items()
    }


class StepWork:
    def __init__(self, task, values):
        sizes, optim = task["sizes"], task["optim"]
        self.batch = [values.pop(name).long() for name in ("inputs", "targets")]
        if task["kind"] == "gpt":
            self.model = Gpt(sizes, as_linear(values)).to(DEVICE)
        else:
            values["head.weight"] = values["head.weight"].t().contiguous()
            self.model = Lstm(sizes, values).to(DEVICE)
        params = list(self.model.parameters())
        groups = [
            {"params": [p for p in params if p.dim() > 1], "weight_decay": optim["weight_decay"]},
            {"params": [p for p in params if p.dim() <= 1], "weight_decay": 0.0},
        ]
        betas = (optim["beta1"], optim["beta2"])
        self.optimizer = torch.optim.AdamW(
            groups, lr=optim["lr"], betas=betas, eps=optim["eps"], fused=True
        )
        self.loss = torch.compile(self.model) if COMPILED else self.model
        self.values = [self.step().item() for _ in range(task["compared"])]

    def step(self):
        inputs, targets = (ids.to(DEVICE) for ids in self.batch)
        with precision():
            loss = self.loss(inputs, targets)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def run(self, times):
        for _ in range(times):
            loss = self.step()
        loss.item()


def reason(error):
    """The first line of an error, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def say(answer):
    print(json.dumps(answer), flush=True)


def cpu_name():
    vectors = getattr(torch.backends.cpu, "get_cpu_capability", lambda: "")()
    return ", ".join(["CPU", f"{THREADS} threads", *([vectors] if vectors else [])])


def main():
    if DEVICE.type == "cpu":
        torch.set_num_threads(THREADS)
    torch.backends.cuda.matmul.allow_tf32 = PRECISION == "tf32"
    torch.backends.cudnn.allow_tf32 = PRECISION == "tf32"
    adapter = torch.cuda.get_device_name() if DEVICE.type == "cuda" else cpu_name()
    name = " ".join(["PyTorch", PRECISION, *(["compiled"] if COMPILED else [])])
    say({"name": name, "version": torch.__version__, "adapter": adapter})
    work = None
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if order["do"] == "open":
                work = None
                task, values = read_task(order["task"])
                make = {"gpt": StepWork, "lstm": StepWork, "generate": GenerateWork}
                work = make.get(task["kind"], KernelWork)(task, values)
                wait()
                say({"values": work.values})
            elif order["do"] == "run":
                start = time.perf_counter()
                work.run(order["times"])
                say({"seconds": time.perf_counter() - start})
            else:
                work = None
                if DEVICE.type == "cuda":
                    torch.cuda.empty_cache()
                say({})
        except Exception as error:  # noqa: BLE001 - a row that cannot be done says why
            say({"error": reason(error)})


main()

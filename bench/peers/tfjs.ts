/**
 * The peer `@tensorflow/tfjs` on its back end `webgpu` or `wasm`, the argument, in the settings that were measured to serve it
 * best (README.md). It knows nothing of how Shoal computes.
 */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { isSoftware } from "../../src/device/adapter.ts";
import { serve, type Work } from "./serve.ts";
import { BATCH, type Loaded, NO_DECODING, sizeIn, type Task, tensorIn } from "./task.ts";
import { FLAGS } from "./tfjs_flags.ts";
import { attend, gptLoss, normalise, type Params } from "./tfjs_gpt.ts";
import { lstmLoss, lstmParams } from "./tfjs_lstm_step.ts";
import { meanSize } from "./values.ts";

const tensorOf = ({ data, shape, dtype }: Pick<Loaded, "data" | "shape" | "dtype">): tf.Tensor =>
  tf.tensor(data, [...shape], dtype === "f32" ? "float32" : "int32");

/** Results of a kernel, the first of them its value. */
type Kernel = (inputs: tf.Tensor[]) => tf.Tensor[];

/** Kernels with the names of what they read. */
function kernelOf(task: Task): { inputs: string[]; run: Kernel } | undefined {
  if (task.kind === "matmul") {
    return { inputs: ["a", "b"], run: ([a, b]) => [tf.matMul(a as tf.Tensor, b as tf.Tensor)] };
  }
  if (task.kind === "attention") {
    const [B, T, D, H] = ["B", "T", "D", "H"].map((name) => sizeIn(task, name)) as [
      ...[number, number, number, number],
    ];
    return { inputs: ["qkv", "dy"], run: withBackward(([x]) => attend(x!, { B, T, D, H })) };
  }
  if (task.kind === "layer_norm") {
    return {
      inputs: ["x", "weight", "bias", "dy"],
      run: withBackward(([x, weight, bias]) => normalise(x!, weight!, bias!)),
    };
  }
}

/** A function's value and the gradients of its inputs; the last input is that of the value. */
function withBackward(f: (inputs: tf.Tensor[]) => tf.Tensor): Kernel {
  return (all) => {
    const inputs = all.slice(0, -1);
    const { value, grads } = tf.valueAndGrads((...given) => f(given))(inputs, all.at(-1));
    return [value, ...grads];
  };
}

async function openKernel(task: Task, { inputs, run }: { inputs: string[]; run: Kernel }) {
  const tensors = inputs.map((name) => tensorOf(tensorIn(task, name)));
  const once = () => tf.tidy(() => run(tensors));
  const values: number[] = [];
  for (const result of once()) values.push(meanSize(await result.data() as Float32Array));
  return {
    values,
    async run(times: number) {
      for (let i = 1; i < times; i++) tf.dispose(once());
      // One element is read, so that the wait copies nothing to speak of.
      const corner = tf.tidy(() => tf.slice(tf.reshape(once().at(-1) as tf.Tensor, [-1]), 0, 1));
      await corner.data();
      corner.dispose();
    },
    close: () => tf.dispose(tensors),
  };
}

async function openStep(task: Task): Promise<Work> {
  if (task.kind === "generate") throw new Error(NO_DECODING);
  const { lr, beta1, beta2, eps, weight_decay } = task.optim;
  const stored = [...task.tensors.values()].filter(({ name }) => !BATCH.includes(name));
  const params: Params = new Map(
    (task.kind === "lstm" ? lstmParams(stored) : stored).map((tensor) => [
      tensor.name,
      tf.variable(tf.tidy(() => tensorOf(tensor)), true),
    ]),
  );
  const loss = task.kind === "gpt" ? gptLoss(task) : lstmLoss(task);
  const optimizer = tf.train.adam(lr, beta1, beta2, eps);
  const matrices = [...params.values()].filter(({ shape }) => shape.length > 1);
  const [inputs, targets] = BATCH.map((name) => tensorIn(task, name)) as [Loaded, Loaded];
  const next = (): tf.Scalar =>
    tf.tidy(() => {
      const batch = [tensorOf(inputs), tensorOf(targets)] as const;
      const { value, grads } = tf.variableGrads(() => loss(params, ...batch), [...params.values()]);
      for (const matrix of matrices) matrix.assign(tf.mul(matrix, 1 - lr * weight_decay));
      optimizer.applyGradients(Object.entries(grads).map(([name, tensor]) => ({ name, tensor })));
      return value;
    });
  const read = async (cost: tf.Scalar): Promise<number> => {
    const [value = NaN] = await cost.data();
    cost.dispose();
    return value;
  };
  const values: number[] = [];
  for (let i = 0; i < task.compared; i++) values.push(await read(next()));
  return {
    values,
    async run(times) {
      for (let i = 1; i < times; i++) next().dispose();
      await read(next());
    },
    close() {
      tf.dispose([...params.values()]);
      optimizer.dispose();
    },
  };
}

const [backend] = Deno.args;
const adapter = backend === "wasm" ? "WebAssembly" : await adapterName();
if (adapter === undefined || !await tf.setBackend(backend ?? "")) {
  console.error(`Cannot run tfjs: need its back end webgpu or wasm: cannot start ${backend}`);
  Deno.exit(69);
}
if (backend === "webgpu") {
  const flags = { ...FLAGS.always, ...isSoftware(adapter) ? FLAGS.software : {} };
  for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
}
await serve({
  name: "tfjs",
  version: tf.version.tfjs,
  adapter,
  open(task) {
    const kernel = kernelOf(task);
    return kernel === undefined ? openStep(task) : openKernel(task, kernel);
  },
});
Deno.exit(0);

async function adapterName(): Promise<string | undefined> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return undefined;
  return adapter.info.description || adapter.info.vendor || "unnamed adapter";
}

/**
 * The peer of our recurrent bench: one LSTM language model trained by TensorFlow.js, on WebGPU or
 * WebAssembly. Prints a line of JSON. It knows nothing of how Shoal trains.
 * Arguments: `by_hand`, `autodiff`, `layers` or `check`, and a back end; README.md tells of them.
 */
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";
import { isSoftware } from "../../src/device/adapter.ts";
import {
  B,
  type Batch,
  batchOf,
  D,
  L,
  MEASURED,
  RATE,
  T,
  textIds,
  V,
  WARM_UP,
} from "./lstm_task.ts";
import { FLAGS } from "./tfjs_flags.ts";
import { autodiffLayer, byHandLayer, type Layer, type Matrix } from "./tfjs_layers.ts";

/** Does a step and gives its loss in nats per token, measured before the update. */
type Step = (batch: Batch) => Promise<number>;

/** The model on top of a kind of layer: its loss, and its variables. */
function modelOf(layer: Layer): { loss: (batch: Batch) => tf.Scalar; variables: tf.Variable[] } {
  const variables: tf.Variable[] = [];
  const uniform = (shape: number[], bound: number) => {
    const start = tf.randomUniform(shape, -bound, bound, "float32", 1 + variables.length);
    const variable = tf.variable(start);
    variables.push(variable);
    return variable;
  };
  const bound = 1 / Math.sqrt(D);
  const embedding = uniform([V, D], 1);
  const layers = Array.from({ length: L }, () => ({
    wx: uniform([D, 4 * D], bound),
    wh: uniform([D, 4 * D], bound),
    bias: uniform([4 * D], bound),
  }));
  const head = uniform([D, V], bound);
  const headBias = uniform([V], bound);
  // Of a vocabulary this small a matmul by one-hot rows, not gather: its gradient is a matmul too.
  const oneHot = (ids: Int32Array): Matrix =>
    tf.cast(tf.oneHot(tf.tensor1d(ids, "int32"), V) as Matrix, "float32");
  const loss = ({ inputs, targets }: Batch): tf.Scalar => {
    const x = tf.matMul<Matrix>(oneHot(inputs), embedding);
    const h = layers.reduce((states, weights) => layer(states, weights), x);
    const logits = tf.add(tf.matMul(h, head), headBias);
    return tf.losses.softmaxCrossEntropy(oneHot(targets), logits);
  };
  return { loss, variables };
}

/** Steps of a model by `tf.train.adam`. */
function stepOf(layer: Layer): Step {
  const { loss, variables } = modelOf(layer);
  const optimizer = tf.train.adam(RATE);
  return async (batch) => {
    const cost = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss(batch), variables);
      optimizer.applyGradients(
        Object.entries(grads).map(([name, tensor]) => ({ name, tensor })),
      );
      return value;
    });
    const [value = NaN] = await cost.data();
    cost.dispose();
    return value;
  };
}

/** Steps of the model that the layers API makes of four lines. */
function layersStep(): Step {
  const model = tf.sequential();
  model.add(tf.layers.embedding({ inputDim: V, outputDim: D, batchInputShape: [B, T] }));
  for (let l = 0; l < L; l++) model.add(tf.layers.lstm({ units: D, returnSequences: true }));
  model.add(tf.layers.timeDistributed({ layer: tf.layers.dense({ units: V }) }));
  model.compile({
    optimizer: tf.train.adam(RATE),
    loss: (wanted, logits) => tf.losses.softmaxCrossEntropy(wanted, logits),
  });
  return async ({ inputs, targets }) => {
    const [x, y] = tf.tidy(() => {
      const rows = [inputs, targets].map((ids) => tf.transpose(tf.tensor2d(ids, [T, B], "int32")));
      return [rows[0] as Matrix, tf.cast(tf.oneHot(rows[1] as Matrix, V), "float32")] as const;
    });
    const loss = await model.trainOnBatch(x, y);
    tf.dispose([x, y]);
    return Array.isArray(loss) ? loss[0] ?? NaN : loss;
  };
}

/** Largest difference of a gradient between the two layers, as a part of its largest element. */
async function check(batch: Batch): Promise<number> {
  const all = [autodiffLayer, byHandLayer].map((layer) => {
    const { loss, variables } = modelOf(layer);
    const { grads } = tf.variableGrads(() => loss(batch), variables);
    return variables.map(({ name }) => grads[name] as tf.Tensor);
  }) as [tf.Tensor[], tf.Tensor[]];
  const parts = all[0].map((a, k) => {
    const difference = tf.max(tf.abs(tf.sub(a, all[1][k] as tf.Tensor)));
    return tf.div(difference, tf.max(tf.abs(a))).data();
  });
  return Math.max(...(await Promise.all(parts)).map(([part]) => part ?? NaN));
}

/** Times the steps of a variant and prints the result. */
async function measure(variant: string, { step, adapter }: { step: Step; adapter: string }) {
  const ids = await textIds();
  const losses: number[] = [];
  const times: number[] = [];
  for (let k = 0; k < WARM_UP + MEASURED; k++) {
    const batch = batchOf(ids, k);
    const start = performance.now();
    // A step ends when its loss is here, as in our own bench.
    losses.push(await step(batch));
    if (k >= WARM_UP) times.push(performance.now() - start);
  }
  const median = times.toSorted((a, b) => a - b)[Math.floor(MEASURED / 2)] as number;
  console.log(JSON.stringify({
    peer: `@tensorflow/tfjs ${tf.getBackend()}`,
    version: tf.version.tfjs,
    variant,
    adapter,
    steps: MEASURED,
    ms_per_step: Number(median.toFixed(1)),
    tokens_per_s: Math.round(T * B * 1000 / median),
    loss_first: losses[0],
    loss_last: losses.at(-1),
  }));
}

/** Opens a back end and gives the name of its adapter; undefined where there is none. */
async function openBackend(backend: string): Promise<string | undefined> {
  if (backend === "wasm") return await tf.setBackend(backend) ? "CPU" : undefined;
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter || !await tf.setBackend(backend)) return undefined;
  const name = adapter.info.description || adapter.info.vendor || "unnamed adapter";
  const flags = { ...FLAGS.always, ...isSoftware(name) ? FLAGS.software : {} };
  for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
  return name;
}

function fail(code: number, message: string): never {
  console.error(message);
  Deno.exit(code);
}

const STEPS: Readonly<Record<string, () => Step>> = {
  by_hand: () => stepOf(byHandLayer),
  autodiff: () => stepOf(autodiffLayer),
  layers: layersStep,
};

const [variant = "by_hand", backend = "webgpu"] = Deno.args;
const make = STEPS[variant];
if (make === undefined && variant !== "check") {
  fail(64, `Cannot measure a variant: need ${Object.keys(STEPS).join(", ")} or check: ${variant}`);
}
if (backend !== "webgpu" && backend !== "wasm") {
  fail(64, `Cannot measure a back end: need webgpu or wasm: ${backend}`);
}
if (variant === "layers" && backend === "wasm") {
  fail(64, "Cannot measure layers: need the gradient of gather: wasm has none");
}
const adapter = await openBackend(backend);
if (adapter === undefined) {
  fail(69, `Cannot measure tfjs: need an adapter for ${backend}: none was found`);
}
if (make === undefined) {
  console.log(JSON.stringify({ gradient_difference: await check(batchOf(await textIds(), 0)) }));
} else {
  await measure(variant, { step: make(), adapter });
}

/**
 * The peer `@jax-js/jax` on its back end `webgpu` or `wasm`, the argument: every task is one traced function. It knows
 * nothing of how Shoal computes.
 */
import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  jit,
  nn,
  numpy as np,
  tree,
  valueAndGrad,
  vjp,
} from "@jax-js/jax";
import { gptLoss } from "./jax_gpt.ts";
import { lstmLoss } from "./jax_lstm.ts";
import { normalise, type Params } from "./jax_parts.ts";
import { serve, type Work } from "./serve.ts";
import { BATCH, type Loaded, NO_DECODING, sizeIn, type Task, tensorIn } from "./task.ts";
import { meanSize } from "./values.ts";

const arrayOf = ({ data, shape }: Loaded): np.Array => np.array(data).reshape([...shape]);

/** Results of a kernel, the first of them its value. */
type Kernel = (...inputs: np.Array[]) => np.Array[];

/** Kernels with the names of what they read. */
function kernelOf(task: Task): { inputs: string[]; run: Kernel } | undefined {
  if (task.kind === "matmul") return { inputs: ["a", "b"], run: (a, b) => [np.matmul(a!, b!)] };
  if (task.kind === "attention") {
    const [B, T, D, H] = ["B", "T", "D", "H"].map((name) => sizeIn(task, name)) as number[];
    const attend = (qkv: np.Array) => {
      const parts = np.split(qkv, 3, -1).map((part) => part.reshape([B!, T!, H!, D! / H!]));
      const [q, k, v] = parts as [np.Array, np.Array, np.Array];
      return nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([B!, T!, D!]);
    };
    return { inputs: ["qkv", "dy"], run: (qkv, dy) => withBackward(attend, [qkv!], dy!) };
  }
  if (task.kind === "layer_norm") {
    return {
      inputs: ["x", "weight", "bias", "dy"],
      run: (x, weight, bias, dy) => withBackward(normalise, [x!, weight!, bias!], dy!),
    };
  }
}

/** A function's value and the gradients of its inputs, `dy` being that of the value. */
function withBackward<A extends np.Array[]>(
  f: (...inputs: A) => np.Array,
  inputs: A,
  dy: np.Array,
): np.Array[] {
  const [y, back] = vjp(f as (...inputs: np.Array[]) => np.Array, inputs);
  const flows = back(dy) as unknown as np.Array[];
  back.dispose();
  return [y, ...flows];
}

/** Calls that are waited for together. One whose result is given up before never runs. */
const QUEUED = 32;

async function openKernel(task: Task, { inputs, run }: { inputs: string[]; run: Kernel }) {
  const arrays = inputs.map((name) => arrayOf(tensorIn(task, name)));
  const traced = jit(run);
  const once = () => traced(...arrays.map((array) => array.ref)) as np.Array[];
  const values: number[] = [];
  for (const result of once()) values.push(meanSize(await result.data() as Float32Array));
  return {
    values,
    async run(times: number) {
      for (let done = 0; done < times; done += QUEUED) {
        const queued = Array.from({ length: Math.min(QUEUED, times - done) }, once);
        await blockUntilReady(queued);
        tree.dispose(queued);
      }
    },
    close() {
      tree.dispose(arrays);
      traced.dispose();
    },
  };
}

/** One training step as one traced function: loss, parameters and both moments of AdamW. */
async function openStep(task: Task): Promise<Work> {
  if (task.kind === "generate") throw new Error(NO_DECODING);
  const loss = task.kind === "gpt" ? gptLoss(task) : lstmLoss(task);
  const { lr, beta1, beta2, eps, weight_decay } = task.optim;
  const stored = [...task.tensors.values()].filter(({ name }) => !BATCH.includes(name));
  const step = jit((
    params: Params,
    m: Params,
    v: Params,
    [inputs, targets, c1, c2]: np.Array[],
  ) => {
    const [value, grads] = valueAndGrad(loss)(tree.ref(params), inputs!, targets!);
    const next: [Params, Params, Params] = [{}, {}, {}];
    for (const { name, shape } of stored) {
      const g = (grads as Params)[name]!;
      const nextM = m[name]!.mul(beta1).add(g.ref.mul(1 - beta1));
      const nextV = v[name]!.mul(beta2).add(g.ref.mul(g).mul(1 - beta2));
      const root = np.sqrt(nextV.ref.mul(c2!.ref)).add(eps);
      const pace = nextM.ref.mul(c1!.ref).div(root);
      const p = params[name]!;
      const kept = shape.length > 1 ? p.mul(1 - lr * weight_decay) : p;
      next[0][name] = kept.sub(pace.mul(lr));
      next[1][name] = nextM;
      next[2][name] = nextV;
    }
    c1!.dispose();
    c2!.dispose();
    return { value, state: next };
  });
  let state: [Params, Params, Params] = [{}, {}, {}];
  for (const tensor of stored) {
    state[0][tensor.name] = arrayOf(tensor);
    state[1][tensor.name] = np.zeros([...tensor.shape]);
    state[2][tensor.name] = np.zeros([...tensor.shape]);
  }
  const [inputs, targets] = BATCH.map((name) => tensorIn(task, name));
  let number = 0;
  const next = (): np.Array => {
    number++;
    const corrections = [beta1, beta2].map((beta) => np.array(1 / (1 - beta ** number)));
    const batch = [arrayOf(inputs!), arrayOf(targets!), ...corrections];
    const done = step(...state, batch) as { value: np.Array; state: typeof state };
    state = done.state;
    return done.value;
  };
  const values: number[] = [];
  for (let i = 0; i < task.compared; i++) values.push((await next().data())[0] as number);
  return {
    values,
    async run(times) {
      for (let i = 1; i < times; i++) next().dispose();
      await next().data();
    },
    close() {
      tree.dispose(state);
      step.dispose();
    },
  };
}

const [backend] = Deno.args;
if ((backend !== "webgpu" && backend !== "wasm") || !(await init(backend)).includes(backend)) {
  console.error(`Cannot run jax-js: need its back end webgpu or wasm: cannot start ${backend}`);
  Deno.exit(69);
}
defaultDevice(backend);
await serve({
  name: "jax-js",
  version: "0.1.25",
  adapter: backend === "wasm" ? "WebAssembly" : adapterName(),
  open(task) {
    const kernel = kernelOf(task);
    return kernel === undefined ? openStep(task) : openKernel(task, kernel);
  },
});
Deno.exit(0);

function adapterName(): string {
  const { adapterInfo } = getWebGPUDevice();
  return adapterInfo?.description || adapterInfo?.vendor || "unnamed adapter";
}

/**
 * The addition of the gradient reduction tree, in place: acc = acc (+) other, bitwise equal to
 * src/base/tree_add.ts. Subnormals are flushed to zero by bit operations, because drivers differ.
 */
import { sameShape, showShape, sizeOf } from "../../src/base/shape.ts";
import { treeAdd } from "../../src/base/tree_add.ts";
import { apply } from "../../src/graph/trace.ts";
import type { Case, Launch, Op, Spec, Tensor } from "../../src/graph/types.ts";
import { treeAddKernel } from "./words_wasm.ts";
import { linearGroups, linearHead, WORKGROUP_SIZE } from "../../src/graph/wgsl.ts";

/** WGSL over u32 words, `type` being u32 or a vector of them. */
function wgslOf(n: number, { width, groups }: { width: 1 | 4; groups: Launch["groups"] }): string {
  const [words, floats] = width === 4 ? ["vec4<u32>", "vec4<f32>"] : ["u32", "f32"];
  const fill = (value: string) => `${words}(${value}u)`;
  return `@group(0) @binding(0) var<storage, read> other: array<${words}>;
@group(0) @binding(1) var<storage, read_write> acc: array<${words}>;
fn flush(bits: ${words}) -> ${words} {
  return select(bits, ${fill("0")}, (bits & ${fill("0x7f800000")}) == ${fill("0")});
}
fn is_nan(bits: ${words}) -> ${width === 4 ? "vec4<bool>" : "bool"} {
  return (bits & ${fill("0x7fffffff")}) > ${fill("0x7f800000")};
}
${linearHead(n / width, groups)}
  let a = acc[i];
  let b = other[i];
  let total = bitcast<${words}>(bitcast<${floats}>(flush(a)) + bitcast<${floats}>(flush(b)));
  let nan = is_nan(a) | is_nan(b) | is_nan(total);
  acc[i] = select(flush(total), ${fill("0x7fc00000")}, nan);
}
`;
}

/**
 * Adds `other` to `acc` in place, as src/base/tree_add.ts does. @throws {RangeError} on other
 * shapes.
 */
export function treeAddTensors(acc: Tensor, other: Tensor): Tensor {
  return apply(treeAddOp, [acc, other]);
}

/** The op behind {@linkcode treeAddTensors}. */
export const treeAddOp: Op = {
  name: "tree_add",
  shape([acc, other]) {
    if (!acc || !other) throw new RangeError("Cannot tree_add: it takes two inputs");
    if (!sameShape(acc.shape, other.shape)) {
      throw new RangeError(
        `Cannot tree_add ${showShape(other.shape)} to ${showShape(acc.shape)}: axes differ`,
      );
    }
    return [acc];
  },
  donate: () => [0],
  launch({ outputs }, _, target) {
    const n = sizeOf(outputs[0]?.shape ?? []);
    const width = n % 4 === 0 ? 4 : 1;
    const groups = linearGroups(n / width, target.groups);
    return [{
      wgsl: wgslOf(n, { width, groups }),
      bindings: [{ input: 1 }, { output: 0 }],
      groups,
    }];
  },
  wasm: ({ outputs: [sum] }) => treeAddKernel(sizeOf((sum as Spec).shape)),
  reference({ inputs: [acc, other], outputs: [y] }) {
    if (!acc || !other || !y) return;
    for (let i = 0; i < y.data.length; i++) {
      y.data[i] = treeAdd(acc.data[i] as number, other.data[i] as number);
    }
  },
  cost({ outputs }) {
    const n = sizeOf(outputs[0]?.shape ?? []);
    return { flops: n, bytes: 12 * n, terms: 2 };
  },
  cases: [
    ...[
      1,
      WORKGROUP_SIZE - 1,
      WORKGROUP_SIZE,
      WORKGROUP_SIZE + 1,
      4 * WORKGROUP_SIZE,
      4 * WORKGROUP_SIZE + 4,
    ].map((n) => treeCase("tile", n)),
    treeCase("ragged", 3, 5, 7),
    treeCase("bench", 2 ** 20),
  ],
};

function treeCase(kind: Case["kind"], ...shape: number[]): Case {
  const spec: Spec = { shape, dtype: "f32" };
  return { kind, inputs: [spec, spec], attrs: {} };
}

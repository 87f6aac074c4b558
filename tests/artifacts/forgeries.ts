/** Forgeries of checkpoints: each changes one thing and keeps all hashes valid. */
import type { CheckpointDraft } from "../../src/checkpoint/commit.ts";
import {
  MANIFEST,
  type Manifest,
  MANIFEST_PARTS,
  printManifest,
} from "../../src/checkpoint/manifest.ts";
import { stateHash } from "../../src/checkpoint/state_hash.ts";
import type { NamedTensor } from "../../src/checkpoint/tensors/tensor.ts";
import { writeSafetensors } from "../../src/checkpoint/tensors/safetensors.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { tensor } from "../checkpoint/fixture.ts";
import { tinyConfig } from "../support/gpt.ts";

/** Config of a tiny transformer. */
export const GPT = tinyConfig();
/** Config of a tiny LSTM with carried states. */
export const LSTM = resolveConfig({
  ...GPT,
  model: { kind: "recurrent", cell: "lstm", layers: 1, width: 4 },
  data: { ...GPT.data, bptt: 8 },
});

/** What is changed of a checkpoint before all its hashes are taken again. */
export interface Forgery {
  readonly of?: typeof GPT;
  /** The parts of the draft. */
  readonly tensors?: (draft: CheckpointDraft) => Partial<CheckpointDraft>;
  /** The manifest once it names its files. */
  readonly manifest?: (manifest: Manifest) => unknown;
  /** Its text once it is sealed. */
  readonly text?: (text: string) => string;
  readonly says: RegExp;
}

/** Writes a checkpoint whose hashes fit whatever is in it. */
export async function forge(path: string, draft: CheckpointDraft, forgery: Forgery): Promise<void> {
  const { model, optimizer } = { ...draft, ...forgery.tensors?.(draft) };
  Deno.mkdirSync(path, { recursive: true });
  const files = [];
  for (
    const [name, tensors] of [[MANIFEST_PARTS[0], model], [MANIFEST_PARTS[1], optimizer]] as const
  ) {
    files.push({ name, ...await writeSafetensors(`${path}/${name}`, tensors) });
  }
  const { step } = draft.manifest;
  const whole = {
    format: 1,
    ...draft.manifest,
    shaders: "",
    kernels: "",
    skipped: [],
    stateHash: stateHash(step, { model, optimizer }),
    files,
  } as unknown as Manifest;
  const forged = (forgery.manifest?.(whole) ?? whole) as Manifest;
  const text = printManifest(forged);
  Deno.writeTextFileSync(`${path}/${MANIFEST}`, forgery.text?.(text) ?? text);
}

const change = (
  tensors: readonly NamedTensor[],
  name: RegExp,
  to: (t: NamedTensor) => NamedTensor[],
) => tensors.flatMap((t) => name.test(t.name) ? to(t) : [t]);
const model = (name: RegExp, to: (t: NamedTensor) => NamedTensor[]): Pick<Forgery, "tensors"> => ({
  tensors: (draft) => ({ model: change(draft.model, name, to) }),
});
const optimizer = (
  name: RegExp,
  to: (t: NamedTensor) => NamedTensor[],
): Pick<Forgery, "tensors"> => ({
  tensors: (draft) => ({ optimizer: change(draft.optimizer, name, to) }),
});
const said = (more: Record<string, unknown>): Pick<Forgery, "manifest"> => ({
  manifest: (manifest) => ({ ...manifest, ...more }),
});
const configured = (more: Record<string, unknown>): Pick<Forgery, "manifest"> => ({
  manifest: (manifest) => ({ ...manifest, config: { ...manifest.config as object, ...more } }),
});
const again = (name: string) => ({ shape, data }: NamedTensor) => [{ name, shape, data }];
const turned = (t: NamedTensor) => [{ ...t, shape: t.shape.toReversed() }];
const flat = (t: NamedTensor) => [{ ...t, shape: [t.data.length] }];

/** Forgeries by what they change. */
export const FORGERIES: Readonly<Record<string, Forgery>> = {
  // Tensors.
  "a moment is missing": { ...optimizer(/^m\.head|^m\.tokens/, () => []), says: /lacks m\.\S+ \[/ },
  "all moments are missing": {
    ...optimizer(/./, () => []),
    says: /optimizer\.safetensors lacks m\./,
  },
  "the second moment is missing": { ...optimizer(/^v\./, () => []), says: /lacks v\./ },
  "a parameter is missing": {
    ...model(/norm/, () => []),
    says: /model\.safetensors lacks \S*norm/,
  },
  "the token table is missing": { ...model(/^tokens/, () => []), says: /lacks tokens\.weight$/ },
  "the token table is a scalar": {
    ...model(/^tokens/, () => [tensor("tokens.weight", [])]),
    says: /lacks tokens\.weight$/,
  },
  "the token table has no rows": {
    ...model(
      /^tokens/,
      () => [{ name: "tokens.weight", shape: [0, 16], data: new Float32Array() }],
    ),
    says: /its tokenizer has 256 tokens, its model 0$/,
  },
  "a tensor more": {
    tensors: ({ model }) => ({ model: [...model, tensor("extra", [3])] }),
    says: /model\.safetensors has extra, which its config does not name$/,
  },
  "a moment more": {
    tensors: ({ optimizer }) => ({ optimizer: [...optimizer, tensor("w.extra", [3])] }),
    says: /optimizer\.safetensors has w\.extra, which/,
  },
  "a tensor called __proto__": {
    tensors: ({ model }) => ({ model: [...model, tensor("__proto__", [3])] }),
    says: /__proto__/,
  },
  "a tensor called ../x": {
    tensors: ({ model }) => ({ model: [...model, tensor("../x", [3])] }),
    says: /has \.\.\/x, which/,
  },
  "a parameter under another name": { ...model(/qkv\.weight/, again("qkw")), says: /lacks \S*qkv/ },
  "a shape turned": {
    ...model(/qkv\.weight/, turned),
    says: /is \[48, 16\], its config says \[16, 48\]$/,
  },
  "a shape flattened": { ...model(/qkv\.weight/, flat), says: /is \[768\], its config says/ },
  "a moment's shape turned": { ...optimizer(/^m\..*qkv\.weight/, turned), says: /is \[48, 16\]/ },
  "fewer rows of positions": {
    ...model(/^positions/, ({ name }) => [tensor(name, [4, 16])]),
    says: /positions\.weight is \[4, 16\], its config says \[8, 16\]$/,
  },
  "no carried state": { of: LSTM, ...optimizer(/^carry/, () => []), says: /lacks carry\./ },
  "a lane of the carried state too few": {
    of: LSTM,
    ...optimizer(/^carry/, ({ name, shape: [lanes = 0, ...rest] }) => [
      tensor(name, [lanes - 1, ...rest]),
    ]),
    says: /carry\.\S+ is \[/,
  },
  "a parameter that is not finite": {
    ...model(/qkv\.bias/, (t) => [{ ...t, data: t.data.with(2, NaN) }]),
    says: /its state is not finite: \S+qkv\.bias\[2\] is NaN$/,
  },
  "a moment that is not finite": {
    ...optimizer(/^v\..*qkv\.bias/, (t) => [{ ...t, data: t.data.with(2, -Infinity) }]),
    says: /its state is not finite: v\.\S+\[2\] is -Infinity$/,
  },
  // Numbers.
  "a negative step": { ...said({ step: -2 }), says: /step: Too small/ },
  "a step that is no whole number": { ...said({ step: 2.5 }), says: /step: Invalid input/ },
  "a step beyond 2^53": { ...said({ step: 2 ** 60 }), says: /step: / },
  "a step as a text": { ...said({ step: "2" }), says: /step: Invalid input/ },
  "the step of another folder": {
    ...said({ step: 3 }),
    says: /is of step 3, the folder is step-00000002/,
  },
  "another position": {
    ...said({ position: { window: 9 } }),
    says: /position\.window is 9, its config says 16/,
  },
  "a negative position": {
    ...said({ position: { window: -1 } }),
    says: /position\.window: Too small/,
  },
  "a position of another type": { ...said({ position: [4] }), says: /position: Invalid input/ },
  "another number of tokens": {
    ...said({ tokens: 1e15 }),
    says: /tokens is 1000000000000000, its/,
  },
  "other micro-batches": {
    ...said({ microBatches: 8 }),
    says: /microBatches is 8, its config says 4/,
  },
  "no micro-batch": { ...said({ microBatches: 0 }), says: /microBatches: Too small/ },
  "another seed": { ...said({ seed: 1 }), says: /seed is 1, its config says 1337/ },
  "a seed as an object": { ...said({ seed: { state: [1] } }), says: /seed: Invalid input/ },
  "steps passed over that were never done": {
    ...said({ skipped: [1, 2] }),
    says: /skipped is no rising list/,
  },
  "steps passed over twice": { ...said({ skipped: [1, 1] }), says: /skipped is no rising list/ },
  "steps passed over as a text": { ...said({ skipped: "1" }), says: /skipped: Invalid input/ },
  "a validation loss as a text": { ...said({ valLoss: "low" }), says: /valLoss: Invalid input/ },
  "another format": { ...said({ format: 2 }), says: /format: Invalid input/ },
  "a key more": { ...said({ more: 1 }), says: /Unrecognized key: "more"/ },
  "a key called __proto__": {
    text: (text) => {
      const value = JSON.parse(text.replace('"format"', '"__proto__": {"step": 9}, "format"'));
      const { seal: _, ...rest } = value;
      return printManifest(rest);
    },
    says: /Unrecognized key: "__proto__"|seal/,
  },
  "no seal": { text: (text) => text.replace(/,\s*"seal": "\w+"/, ""), says: /seal: Invalid input/ },
  "a list": { text: () => "[]", says: /is not valid: / },
  "a number": { text: () => "7", says: /is not valid: / },
  "null": { text: () => "null", says: /is not valid: / },
  "nesting": { text: () => "[".repeat(1e5), says: /is nested deeper than 32 levels$/ },
  "a key twice": {
    text: (text) => text.replace("{", '{"step": 2,'),
    says: /has the key "step" twice/,
  },
  // Files.
  "a file outside": {
    manifest: (m) => ({ ...m, files: m.files.map((file) => ({ ...file, name: "../x" })) }),
    says: /files\.0\.name: is not a plain file name/,
  },
  "a file twice": {
    manifest: (m) => ({ ...m, files: m.files.map(() => m.files[0]) }),
    says:
      /must list model\.safetensors and optimizer\.safetensors: it lists model\.safetensors, model/,
  },
  "no files": { ...said({ files: [] }), says: /must list model\.safetensors and/ },
  "a file of 2^50 bytes": {
    manifest: (m) => ({ ...m, files: m.files.map((file) => ({ ...file, bytes: 2 ** 50 })) }),
    says: /model\.safetensors has \d+ bytes, not 1125899906842624/,
  },
  // Config.
  "no config": { ...said({ config: null }), says: /its config is none: Cannot use this config/ },
  "a config as a list": { ...said({ config: [1] }), says: /its config is none: / },
  "a config as a text": { ...said({ config: "{}" }), says: /its config is none: / },
  "a config with a key more": {
    ...configured({ block_size: 4 }),
    says: /its config is none: .*block_size/,
  },
  "a config of another width": {
    ...configured({ model: { ...GPT.model, width: 32 } }),
    says: /tokens\.weight is \[256, 16\], its config says \[256, 32\]$/,
  },
  "a config of a model beyond all memory": {
    ...configured({ model: { ...GPT.model, width: 2 ** 20, layers: 2 ** 12 } }),
    says: /model\.safetensors has \d+ tensors for 4096 layers$/,
  },
  "a config of more layers than any": {
    ...configured({ model: { ...GPT.model, layers: 1e15 } }),
    says: /its config is none: .*model\.layers: need at most 4096/,
  },
  "a config with another optimizer": {
    ...configured({ model: { kind: "recurrent", cell: "gru", layers: 1, width: 16 } }),
    says: /model\.safetensors lacks /,
  },
  // Tokenizer.
  "a tokenizer as a number": {
    ...said({ tokenizer: 7 }),
    says: /its tokenizer is none: it: Invalid input/,
  },
  "a tokenizer as a list": { ...said({ tokenizer: [] }), says: /its tokenizer is none: / },
  "a tokenizer of no kind": { ...said({ tokenizer: {} }), says: /its tokenizer is none: kind: / },
  "a tokenizer of another kind": {
    ...said({ tokenizer: { kind: "bytes" } }),
    says: /is none: kind: /,
  },
  "a tokenizer with more tokens than the model": {
    ...said({ tokenizer: { kind: "gpt2" } }),
    says: /its tokenizer has 50257 tokens, its model 256$/,
  },
  "a tokenizer with fewer tokens than the model": {
    ...said({ tokenizer: { kind: "char", chars: "ab" } }),
    says: /its tokenizer has \d+ tokens, its model 256$/,
  },
  "a tokenizer of characters that are none": {
    ...said({ tokenizer: { kind: "char", chars: 7 } }),
    says: /its tokenizer is none: chars: /,
  },
  "a tokenizer of characters out of order": {
    ...said({ tokenizer: { kind: "char", chars: "ba" } }),
    says: /its tokenizer is none: /,
  },
  "a tokenizer.json that is empty": {
    ...said({ tokenizer: { kind: "bpe", tokenizer: {} } }),
    says: /its tokenizer is none: /,
  },
  "a tokenizer.json of other types": {
    ...said({
      tokenizer: { kind: "bpe", tokenizer: { model: { type: "BPE", vocab: [1], merges: {} } } },
    }),
    says: /its tokenizer is none: /,
  },
};

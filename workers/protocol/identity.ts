/**
 * What decides the bits of a run. A worker that joins must agree in every part. A resume uses the same
 * table: some parts must agree, others only cause a notice that the last bits may differ. Pure.
 */
import { configHash } from "../../src/config/identity.ts";
import { resolveStored } from "../../src/config/resolve.ts";
import type { Manifest } from "../../src/checkpoint/manifest.ts";
import { isSameAdapter } from "../../src/device/backend.ts";
import { tokenizerSpecSchema } from "../../src/data/schema.ts";
import { tokenizerFrom, tokenizerHash } from "../../src/data/tokenizers/mod.ts";

/** All parts of an identity, in the order of messages; an empty part is unknown. */
export interface Identity {
  /** Source files of workers that changed since the run began, or {@linkcode AS_BEGUN}. */
  readonly code: string;
  /** Version of Deno, which includes the shader compiler. */
  readonly deno: string;
  /** Hash of the keys that decide numbers. */
  readonly config: string;
  /** Hash of the tokenizer. */
  readonly tokenizer: string;
  /** Hash of the data. */
  readonly data: string;
  /** Card, driver and graphics API, as far as the adapter names them. */
  readonly adapter: string;
  /** Device class that kernels are selected for. */
  readonly kernels: string;
  /** Hash of all compiled shaders with their constants. */
  readonly shaders: string;
  /** Hash of the device's results for the run's first micro-batch and the seed's parameters. */
  readonly probe: string;
}

/** A part of an identity. */
export type IdentityPart = keyof Identity;

/** The `code` part of workers whose source files have not changed. */
export const AS_BEGUN = "as the run began";

/** What a resume does about a part that differs. */
type OnResume =
  /** Refuses it where it is read, with both values. */
  | "refused"
  /** Does not compare it: it concerns one process. */
  | "free"
  /** Shows this notice: the last bits may differ. */
  | ((checkpoint: string, run: string) => string);

/** How two values of a part are compared and shown. */
interface Rule {
  readonly onResume: OnResume;
  readonly isSame?: (run: string, other: string) => boolean;
  /** The text of a difference, where it is more than the two values. */
  readonly show?: (run: string, other: string) => string;
}

/** Every part and its rule. */
export const IDENTITY_PARTS: Readonly<Record<IdentityPart, Rule>> = {
  code: { onResume: "free", show: (_, other) => `code: ${other}` },
  deno: { onResume: (checkpoint, run) => `by Deno ${checkpoint}, this run by Deno ${run}` },
  config: { onResume: "refused" },
  tokenizer: { onResume: "refused" },
  data: { onResume: "refused" },
  adapter: {
    onResume: (checkpoint, run) => `on ${checkpoint}, this run on ${run}`,
    isSame: isSameAdapter,
  },
  kernels: {
    onResume: (checkpoint, run) => `by kernels for ${checkpoint}, this run by those for ${run}`,
  },
  shaders: {
    onResume: (checkpoint, run) => `by the shaders ${brief(checkpoint)}, this run by ${brief(run)}`,
  },
  probe: {
    show: (run, other) => `what its device computes first: ${brief(run)} against ${brief(other)}`,
    onResume: (checkpoint, run) =>
      `by a device or driver that gives ${brief(checkpoint)} for its first micro-batch, ` +
      `this run by one that gives ${brief(run)}`,
  },
};

/** The names of all parts. */
export const NAMES = Object.keys(IDENTITY_PARTS) as readonly IdentityPart[];

/** The parts for which a resume shows a notice. */
const NOTICED = NAMES.filter((part): part is keyof ComputedBy =>
  typeof IDENTITY_PARTS[part].onResume === "function"
);

/** The parts in which two identities differ; unknown parts do not count. */
export function differingParts(run: Partial<Identity>, other: Partial<Identity>): IdentityPart[] {
  return NAMES.filter((part) => differs(part, run[part] ?? "", other[part] ?? ""));
}

function differs(part: IdentityPart, run: string, other: string): boolean {
  const { isSame = (a, b) => a === b } = IDENTITY_PARTS[part];
  return run !== "" && other !== "" && !isSame(run, other);
}

/** The differences as texts: `shaders: 0123456789ab against ba9876543210`, the run's value first. */
export function identityDifferences(run: Partial<Identity>, other: Partial<Identity>): string[] {
  return differingParts(run, other).map((part) => {
    const [a, b] = [run[part] ?? "", other[part] ?? ""];
    return IDENTITY_PARTS[part].show?.(a, b) ?? `${part}: ${brief(a)} against ${brief(b)}`;
  });
}

/**
 * The identity of a run once a worker has joined: its known parts, completed by the worker's. Undefined
 * for a worker that differs and must not join.
 */
export function joinedBy(
  run: Partial<Identity>,
  worker: Partial<Identity>,
): Partial<Identity> | undefined {
  if (differingParts(run, worker).length > 0) return undefined;
  const known = NAMES.flatMap((part) => run[part] ? [[part, run[part]] as const] : []);
  return { ...worker, ...Object.fromEntries(known) };
}

/** The parts of an identity that a manifest records as such. */
export type ComputedBy = Pick<Identity, "deno" | "adapter" | "kernels" | "shaders" | "probe">;

/** The identity of the run that wrote a checkpoint. */
export function identityIn(
  manifest: ComputedBy & Pick<Manifest, "config" | "tokenizer" | "dataHash">,
): Identity {
  const { config, tokenizer, dataHash, ...rest } = manifest;
  const { deno, adapter, kernels, shaders, probe } = rest;
  const spec = tokenizer === null ? undefined : tokenizerSpecSchema.parse(tokenizer);
  return {
    code: "",
    deno,
    config: configHash(resolveStored(config)),
    tokenizer: spec === undefined ? "" : tokenizerHash(tokenizerFrom(spec)),
    data: dataHash,
    adapter,
    kernels,
    shaders,
    probe,
  };
}

/** Why a resumed run's last bits may differ from those of the run that was saved; empty if equal. */
export function otherBits(checkpoint: Partial<ComputedBy>, run: Partial<ComputedBy>): string[] {
  const texts = NOTICED.flatMap((part) => {
    const { onResume } = IDENTITY_PARTS[part];
    const [a, b] = [checkpoint[part] ?? "", run[part] ?? ""];
    return differs(part, a, b) && typeof onResume === "function" ? [onResume(a, b)] : [];
  });
  return texts.map((text) =>
    `The checkpoint was computed ${text}: its numbers may differ in the last bits`
  );
}

/** The beginning of a hash; anything else as it is. */
function brief(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;
}

/**
 * What decides the bits of a run. A worker that joins is held to all of it, a resume to the same
 * table: what may not differ is refused, what may cost the last bits is told. Pure.
 */
import { configHash } from "../../src/config/identity.ts";
import { resolveStored } from "../../src/config/resolve.ts";
import type { Manifest } from "../../src/checkpoint/manifest.ts";
import { isSameAdapter } from "../../src/device/backend.ts";
import { tokenizerSpecSchema } from "../../src/data/schema.ts";
import { tokenizerFrom, tokenizerHash } from "../../src/data/tokenizers/mod.ts";

/** Every part of an identity, in the order in which differences are told; empty is not known. */
export interface Identity {
  /** Source files of workers that are not those that the run began with; {@linkcode AS_BEGUN}. */
  readonly code: string;
  /** Version of Deno, which brings the compiler of shaders along. */
  readonly deno: string;
  /** Hash of the keys that decide numbers. */
  readonly config: string;
  /** Hash of the tokenizer that is read with. */
  readonly tokenizer: string;
  /** Hash of what is read. */
  readonly data: string;
  /** Card, driver and graphics API, as far as the adapter names them. */
  readonly adapter: string;
  /** Class of devices that kernels are chosen for. */
  readonly kernels: string;
  /** Hash of all shaders that are compiled, with their constants. */
  readonly shaders: string;
  /** Hash of what the device computes of the run's first micro-batch from the seed's parameters. */
  readonly probe: string;
}

/** A part of an identity. */
export type IdentityPart = keyof Identity;

/** Workers' code that is as it was when the run's process loaded it. */
export const AS_BEGUN = "as the run began";

/** How a resume takes a part that differs. */
type OnResume =
  /** Refused where it is read, with the values that differ. */
  | "refused"
  /** Not compared: it is about one process alone. */
  | "free"
  /** Told, since it may cost the last bits. */
  | ((checkpoint: string, run: string) => string);

/** How two values of a part are compared and told. */
interface Rule {
  readonly onResume: OnResume;
  readonly isSame?: (run: string, other: string) => boolean;
  /** The difference in words, where it is more than the two values. */
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

/** The parts that a resume tells of. */
const TOLD = NAMES.filter((part): part is keyof ComputedBy =>
  typeof IDENTITY_PARTS[part].onResume === "function"
);

/** The parts in which two identities differ; one that either does not know is not among them. */
export function differingParts(run: Partial<Identity>, other: Partial<Identity>): IdentityPart[] {
  return NAMES.filter((part) => differs(part, run[part] ?? "", other[part] ?? ""));
}

function differs(part: IdentityPart, run: string, other: string): boolean {
  const { isSame = (a, b) => a === b } = IDENTITY_PARTS[part];
  return run !== "" && other !== "" && !isSame(run, other);
}

/** The same, each as `shaders: 0123456789ab against ba9876543210`: the run's, then the other's. */
export function identityDifferences(run: Partial<Identity>, other: Partial<Identity>): string[] {
  return differingParts(run, other).map((part) => {
    const [a, b] = [run[part] ?? "", other[part] ?? ""];
    return IDENTITY_PARTS[part].show?.(a, b) ?? `${part}: ${brief(a)} against ${brief(b)}`;
  });
}

/**
 * What a run is that takes a worker in: what was known of it, and what the worker is where nothing
 * was. Undefined for a worker that differs, which is not to be taken in.
 */
export function joinedBy(
  run: Partial<Identity>,
  worker: Partial<Identity>,
): Partial<Identity> | undefined {
  if (differingParts(run, worker).length > 0) return undefined;
  const known = NAMES.flatMap((part) => run[part] ? [[part, run[part]] as const] : []);
  return { ...worker, ...Object.fromEntries(known) };
}

/** What computed a run, as its manifest has it. */
export type ComputedBy = Pick<Identity, "deno" | "adapter" | "kernels" | "shaders" | "probe">;

/** What a checkpoint says of the run that wrote it. */
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

/** Why a run's bits may not be those that its checkpoint would have gone on with; none where they are. */
export function otherBits(checkpoint: Partial<ComputedBy>, run: Partial<ComputedBy>): string[] {
  const told = TOLD.flatMap((part) => {
    const { onResume } = IDENTITY_PARTS[part];
    const [a, b] = [checkpoint[part] ?? "", run[part] ?? ""];
    return differs(part, a, b) && typeof onResume === "function" ? [onResume(a, b)] : [];
  });
  return told.map((text) =>
    `The checkpoint was computed ${text}: its numbers may differ in the last bits`
  );
}

/** A hash is told by its beginning, anything else as it is. */
function brief(value: string): string {
  return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;
}

/**
 * The manifest of a checkpoint. Parsing is strict: a parsed manifest is trusted. It contains a
 * digest of itself (the seal), since no other file has a digest of it.
 */
import { hashValue } from "../base/hash.ts";
import { Damage } from "./damage.ts";
import { parseStrict } from "./json.ts";
import { manifestSchema } from "./manifest/schema.ts";

/** Name of the manifest in its checkpoint. */
export const MANIFEST = "manifest.json";
/** Names of a checkpoint's files besides the manifest. */
export const MANIFEST_PARTS = ["model.safetensors", "optimizer.safetensors"] as const;
const DEPTH = 32;

/** A file of a checkpoint: name, size in bytes, SHA-256 as 64 hex digits. */
export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A complete manifest. */
export interface Manifest {
  readonly format: 1;
  /** Finished steps. */
  readonly step: number;
  /** Tokens trained on. */
  readonly tokens: number;
  /** World size at the save; a resume may use another. */
  readonly workers: number;
  /** Micro-batches per step; a resume must use the same. */
  readonly microBatches: number;
  readonly seed: number;
  /** The run's config as JSON. */
  readonly config: unknown;
  readonly configHash: string;
  readonly dataHash: string;
  /** The tokenizer as JSON. */
  readonly tokenizer: unknown;
  /** The adapter that computed it: results are bitwise reproducible per adapter. */
  readonly adapter: string;
  /** Further properties of the adapter and its driver, as they report them. */
  readonly adapterInfo?: Readonly<Record<string, string>> | undefined;
  /** Hash of all shaders that computed it; empty if unknown. */
  readonly shaders: string;
  /** Device class that its kernels were chosen for; empty if unknown. */
  readonly kernels: string;
  /** Hash of its device's result for the run's first micro-batch; empty if unknown. */
  readonly probe: string;
  /** Version of Deno. */
  readonly deno: string;
  /** Version of Shoal. */
  readonly shoal?: string | undefined;
  /** Steps skipped without an update. */
  readonly skipped: readonly number[];
  /** Validation loss in nats per token; null if it was not measured for this state. */
  readonly valLoss: number | null;
  /** The next window of the data. */
  readonly position: { readonly window: number };
  readonly stateHash: string;
  readonly files: readonly ManifestFile[];
}

/** The fields that are known before a checkpoint is hashed and written. */
export type ManifestDraft =
  & Omit<Manifest, "format" | "files" | "stateHash" | Later>
  & Partial<Pick<Manifest, Later>>;

/** Fields added after the first version of the format. */
type Later = "shaders" | "kernels" | "probe" | "skipped" | "valLoss";

/** Completes a draft. A loss that is not finite counts as not measured. */
export function completeManifest(
  draft: ManifestDraft,
  { stateHash, files }: Pick<Manifest, "stateHash" | "files">,
): Manifest {
  const {
    adapterInfo,
    shaders = "",
    kernels = "",
    probe = "",
    skipped = [],
    valLoss = null,
    ...rest
  } = draft;
  return {
    format: 1,
    ...rest,
    ...(adapterInfo === undefined ? {} : { adapterInfo }),
    shaders,
    kernels,
    probe,
    skipped,
    valLoss: valLoss !== null && Number.isFinite(valLoss) ? valLoss : null,
    stateHash,
    files,
  };
}

/** Parses manifest.json. @throws {Damage} with the first fault. */
export function parseManifest(text: string): Manifest {
  const json = parseStrict(text, { what: MANIFEST, depth: DEPTH });
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.join(".");
    throw new Damage(`${MANIFEST} is not valid: ${place ? `${place}: ` : ""}${issue?.message}`);
  }
  const { seal, ...manifest } = parsed.data;
  // Hash the JSON itself: fields that it omits were not part of the digest.
  const { seal: _, ...sealed } = json as Record<string, unknown>;
  if (seal !== hashValue(sealed)) throw new Damage(`${MANIFEST} does not match its seal`);
  const names = manifest.files.map((file) => file.name).sort();
  if (names.join() !== MANIFEST_PARTS.join()) {
    throw new Damage(
      `${MANIFEST} must list ${MANIFEST_PARTS.join(" and ")}: it lists ${names.join(", ")}`,
    );
  }
  return manifest;
}

/** The text of manifest.json, with its seal. */
export function printManifest(manifest: Manifest): string {
  return JSON.stringify({ ...manifest, seal: hashValue(manifest) }, null, 2) + "\n";
}

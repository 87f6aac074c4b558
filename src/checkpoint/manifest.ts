/**
 * What a checkpoint says of itself. Parsing is strict: a manifest is trusted once it parsed. Its
 * text carries a seal, the hash of all the rest, since no other file vouches for it.
 */
import { hashValue } from "../base/hash.ts";
import { Damage } from "./damage.ts";
import { parseStrict } from "./json.ts";
import { manifestSchema } from "./manifest/schema.ts";

/** Name of the manifest in its checkpoint. */
export const MANIFEST = "manifest.json";
/** Names of the files that a checkpoint holds beside its manifest. */
export const MANIFEST_PARTS = ["model.safetensors", "optimizer.safetensors"] as const;
const DEPTH = 32;

/** A file of a checkpoint: plain name, size in bytes, SHA-256 as 64 hex digits. */
export interface ManifestFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A complete manifest. */
export interface Manifest {
  readonly format: 1;
  /** Steps that are finished. */
  readonly step: number;
  /** Tokens that were trained on. */
  readonly tokens: number;
  /** World size that wrote it; a resume may use another. */
  readonly workers: number;
  /** Micro-batches per step; a resume must use the same. */
  readonly microBatches: number;
  readonly seed: number;
  /** The run's config as plain JSON. */
  readonly config: unknown;
  readonly configHash: string;
  readonly dataHash: string;
  /** The tokenizer as plain JSON. */
  readonly tokenizer: unknown;
  /** Adapter that computed it: bits are a promise per adapter. */
  readonly adapter: string;
  /** What else is known of adapter and driver, as they name it themselves. */
  readonly adapterInfo?: Readonly<Record<string, string>> | undefined;
  /** Hash of all shaders that computed it; empty where that is not known. */
  readonly shaders: string;
  /** Class of devices that its kernels were chosen for; empty where that is not known. */
  readonly kernels: string;
  /** Hash of what its device made of the run's first micro-batch; empty where that is not known. */
  readonly probe: string;
  /** Version of Deno. */
  readonly deno: string;
  /** Version of Shoal. */
  readonly shoal?: string | undefined;
  /** Steps that were passed over without an update. */
  readonly skipped: readonly number[];
  /** Loss on validation data in nats per token; null where it was not measured for this state. */
  readonly valLoss: number | null;
  /** The next window of the data. */
  readonly position: { readonly window: number };
  readonly stateHash: string;
  readonly files: readonly ManifestFile[];
}

/** What the caller knows of a checkpoint before it is hashed and written. */
export type ManifestDraft =
  & Omit<Manifest, "format" | "files" | "stateHash" | Later>
  & Partial<Pick<Manifest, Later>>;

/** What manifests did not always say. */
type Later = "shaders" | "kernels" | "probe" | "skipped" | "valLoss";

/** A complete manifest. A loss that is not finite counts as not measured. */
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

/** Parses manifest.json. Throws Damage with the first fault. */
export function parseManifest(text: string): Manifest {
  const json = parseStrict(text, { what: MANIFEST, depth: DEPTH });
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.join(".");
    throw new Damage(`${MANIFEST} is not valid: ${place ? `${place}: ` : ""}${issue?.message}`);
  }
  const { seal, ...manifest } = parsed.data;
  // Over what stands there: what it leaves out was not sealed.
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

/** The text of manifest.json, sealed. */
export function printManifest(manifest: Manifest): string {
  return JSON.stringify({ ...manifest, seal: hashValue(manifest) }, null, 2) + "\n";
}

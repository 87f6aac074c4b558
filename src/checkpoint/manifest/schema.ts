/** The schema of manifest.json. */
import { z } from "zod";

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "is not a SHA-256");

/** A file name without path separators that is not hidden. */
const plainName = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/, "is not a plain file name");

/** Strict: an unknown key means another format. Keys with a default were added later. */
export const manifestSchema = z.strictObject({
  format: z.literal(1),
  step: count,
  tokens: count,
  workers: z.number().int().positive(),
  microBatches: z.number().int().positive(),
  seed: z.number().int(),
  config: z.json(),
  configHash: sha256,
  dataHash: sha256,
  tokenizer: z.json(),
  adapter: z.string(),
  adapterInfo: z.record(z.string(), z.string()).optional(),
  shaders: z.string().default(""),
  kernels: z.string().default(""),
  probe: z.string().default(""),
  deno: z.string(),
  shoal: z.string().optional(),
  skipped: z.array(count).default([]),
  valLoss: z.number().nullable().default(null),
  position: z.strictObject({ window: count }),
  stateHash: sha256,
  files: z.array(z.strictObject({ name: plainName, bytes: count, sha256 })),
  /** Digest of all other fields. */
  seal: sha256,
});

/** Sweeps of a few seconds, and what is left of them. */
import { startCommand } from "./command.ts";
import { type Ended, type Place, withoutStatus } from "./support.ts";

/** A row of trials.jsonl, as far as tests ask. */
export interface Row {
  readonly key: string;
  readonly name: string;
  readonly steps: number;
  readonly state_hash: string;
  readonly val_loss: number;
  readonly status: string;
  readonly trunk: { readonly key: string; readonly step: number } | null;
  readonly reason: string | null;
}

/** An entry of sweep.jsonl. */
export type Entry = Readonly<Record<string, unknown>> & { readonly kind: string };

/** What every tiny sweep starts from: a transformer that plain loops train in a second. */
export const TINY = {
  name: "tiny",
  base: {
    device: "reference",
    micro_batches: 2,
    micro_batch_size: 2,
    eval: { every: 0, windows: 4 },
    model: { layers: 1, width: 8, heads: 2 },
    data: { path: "text.txt", seq_len: 8, stride: 8 },
    optim: { warmup_steps: 2 },
    checkpoint: { every: 5 },
  },
  axes: {},
};

/** The same with trunks: two rates, each with two lengths of 20 and 40 steps. */
export const TRUNKS = {
  ...TINY,
  base: { ...TINY.base, optim: { ...TINY.base.optim, schedule: "wsd" } },
  axes: { "optim.lr": [1e-3, 1e-2] },
  budgets: [640, 1280],
  trunk: true,
};

/** Writes a sweep file and gives its name. */
export function sweepFile(place: Place, value: unknown, name = "sweep.json"): string {
  place.write(name, JSON.stringify(value));
  return name;
}

/** Starts `sweep` in a place. */
export function startSweep(place: Place, args: readonly string[]): Deno.ChildProcess {
  return startCommand("sweep", args, {
    cwd: place.path,
    env: { TMPDIR: place.of("tmp"), XDG_RUNTIME_DIR: place.of("tmp") },
  });
}

/** Runs `sweep` to its end. */
export async function runSweep(place: Place, args: readonly string[]): Promise<Ended> {
  const start = performance.now();
  const { code, stdout, stderr } = await startSweep(place, args).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  const said = withoutStatus(text(stderr));
  return { code, stdout: text(stdout), stderr: said, ms: performance.now() - start };
}

/** The rows that a sweep left. */
export function rows(place: Place, out: string): Row[] {
  return lines(place, `${out}/trials.jsonl`) as unknown as Row[];
}

/** The entries of its journal. */
export function entries(place: Place, out: string): Entry[] {
  return lines(place, `${out}/sweep.jsonl`) as Entry[];
}

function lines(place: Place, name: string): unknown[] {
  return Deno.readTextFileSync(place.of(name)).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Key and state of each trial, in order of key. */
export function states(place: Place, out: string): string[] {
  return rows(place, out).map(({ key, state_hash, status }) => `${key} ${status} ${state_hash}`)
    .sort();
}

/** Keys of the trials that a process trained to the last step, once for each time. */
export function ends(place: Place, out: string): string[] {
  return rows(place, out).flatMap(({ key, steps }) =>
    lines(place, `${out}/trials/${key}/journal.jsonl`)
      .filter((entry) => Object(entry)["kind"] === "end" && Object(entry)["step"] === steps)
      .map(() => key)
  ).sort();
}

/**
 * Runs a sweep and disturbs it: after each delay, in milliseconds, the signal. Then it is run to its
 * end. Gives how many of the blows struck.
 */
export async function disturbed(
  place: Place,
  args: readonly string[],
  blows: readonly { readonly ms: number; readonly signal: Deno.Signal }[],
): Promise<number> {
  let struck = 0;
  for (const { ms, signal } of blows) {
    const child = startSweep(place, args);
    const ended = child.output();
    const timer = setTimeout(() => {
      child.kill(signal);
      struck++;
    }, ms);
    await ended.finally(() => clearTimeout(timer));
  }
  const { code, stderr } = await runSweep(place, args);
  if (code !== 0) throw new Error(`Cannot end the sweep: code ${code}: ${stderr}`);
  return struck;
}

/**
 * Our side of the comparison with peers on the CPU device: two worker processes of one thread, each
 * with half of a row's work. Arguments: a folder for their socket, and `pin` to hold each worker on a
 * core of its own.
 */
import { fileURLToPath } from "node:url";
import { cpuMode } from "../../src/device/v8.ts";
import { modeName } from "../../src/device/cpu.ts";
import { pinned, Side } from "../beside/child.ts";
import { type Order, serve } from "../peers/serve.ts";
import { isKernel } from "./kernel.ts";
import { valuesOfWhole, WORLD } from "./halves.ts";

/** Who started this process watches the time. */
const SECONDS = 3600;
const HALF = fileURLToPath(new URL("./cpu_half.ts", import.meta.url));
const [folder = "", pin] = Deno.args;
const { flags, pairs } = cpuMode(Deno.version.deno);

/** The workers, by rank. */
type Pair = readonly Side[];

let started = 0;

async function startPair(): Promise<Pair> {
  const socket = `${folder}/halves-${++started}.sock`;
  const args = (rank: number) => [
    ...["run", "--quiet", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys"],
    ...[`--allow-write=${folder}`, `--allow-net=unix:${socket}`],
    ...flags === undefined ? [] : [`--v8-flags=${flags}`],
    ...[HALF, String(rank), socket],
  ];
  const start = (rank: number) => {
    const deno = { command: Deno.execPath(), args: args(rank) };
    return Side.start(pin === "pin" ? pinned(deno, String(rank)) : deno, SECONDS);
  };
  return await Promise.all(Array.from({ length: WORLD }, (_, rank) => start(rank)));
}

let pair: Pair | undefined;

/** The answers of `sides`. After an error both workers are ended: one may wait for the other. */
async function askAll<T>(sides: Pair, order: Order): Promise<T[]> {
  try {
    return await Promise.all(sides.map((side) => side.ask<T>(order, SECONDS)));
  } catch (error) {
    const all = pair ?? [];
    pair = undefined;
    all.forEach((side) => side.kill());
    throw error;
  }
}

await serve({
  name: "Shoal",
  version: `Deno ${Deno.version.deno}`,
  adapter: `${WORLD} CPU workers, ${modeName(pairs)}`,
  async open(task, path) {
    const all = pair ??= await startPair();
    const sides = task.kind === "generate" ? all.slice(0, 1) : all;
    const opened = await askAll<{ values: number[][] }>(sides, { do: "open", task: path });
    const halves = opened.map(({ values }) => values);
    if (!isKernel(task)) requireSame(task.name, halves);
    return {
      values: valuesOfWhole(halves),
      async run(times) {
        const laps = await askAll<{ seconds: number }>(sides, { do: "run", times });
        return Math.max(...laps.map(({ seconds }) => seconds));
      },
      close: () => askAll(sides, { do: "close" }).then(() => {}, () => {}),
    };
  },
});
for (const side of pair ?? []) await side.close();
Deno.exit(0);

/** @throws {Error} unless the workers agree to the last bit, as they must after an all-reduce. */
function requireSame(name: string, [first, ...others]: readonly (readonly number[][])[]): void {
  const differs = others.find((values) => JSON.stringify(values) !== JSON.stringify(first));
  if (differs === undefined) return;
  throw new Error(`Cannot compare ${name}: workers must have one loss: ${first} and ${differs}`);
}

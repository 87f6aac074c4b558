/** Gathers the facts of this machine. A failed measurement becomes a fact and no error. */
import type { Card } from "../../cards/card.ts";
import { needsProof, type Pin, pinOf } from "../../cards/pin.ts";
import { type Backend, BACKEND_VARIABLE, cardIn, selectBackend } from "../../device/backend.ts";
import { openCpu } from "../../device/cpu.ts";
import { cpuMode } from "../../device/v8.ts";
import { TESTED_RUNTIMES } from "../../device/webgpu.ts";
import { kernelClass } from "../../graph/target.ts";
import { findCards, honorsPin, TRACES } from "../../../workers/launch/cards.ts";
import { autoPlace } from "../../../workers/launch/choose_device.ts";
import { CHILD, passedEnvironment } from "../../../workers/launch/spawn.ts";
import type { CardFacts, CheckOutcome, Facts, Failure, Look, PinnedFact } from "./facts.ts";
import { fileSpeed, mappedSpeed } from "./memory_ways.ts";
import { diskFacts, failureOf, socketSpeed } from "./ways.ts";

/** Milliseconds that a look at an adapter may take. */
const PATIENCE = 30_000;

/** All facts; `out` is the folder that runs would be written to, `doing` hears what is looked at. */
export async function gatherFacts(
  out: string,
  doing: (what: string) => void = () => {},
): Promise<Facts> {
  const during = <T>(what: string, work: () => Promise<T>): Promise<T> => {
    doing(what);
    return work();
  };
  const notices: string[] = [];
  doing("looking for cards");
  const placed = await attempt(() => autoPlace((text) => notices.push(text)));
  const workerId = "value" in placed ? placed.value.cards[0] : undefined;
  // One after the other: what is measured at the same time is measured slower.
  const adapter = await during(
    "measuring the adapter",
    () => attempt(() => look<Look | null>({ pin: workerId?.pin }), "noDevice"),
  );
  return {
    deno: {
      version: Deno.version.deno,
      tested: TESTED_RUNTIMES.includes(Deno.version.deno),
    },
    machine: {
      cores: navigator.hardwareConcurrency,
      memoryBytes: Deno.systemMemoryInfo().total,
    },
    cpu: {
      kernels: kernelClass(openCpu().target),
      pairs: cpuMode(Deno.version.deno).pairs,
    },
    variables: variables(),
    cards: await cardFacts(),
    run: "failure" in placed ? placed : { value: { notices, device: placed.value.kind } },
    adapter,
    openGl: "value" in adapter && adapter.value === null ? await openGl() : null,
    socket: await during("measuring a socket", () => attempt(socketSpeed)),
    shared: await during("measuring shared memory", async () => ({
      file: await attempt(fileSpeed),
      mapped: await attempt(mappedSpeed),
    })),
    disk: await during("measuring the disk", () => attempt(() => diskFacts(out), "config")),
    missing: await missing(),
  };
}

/** The name of OpenGL's adapter; null where there is none. */
async function openGl(): Promise<string | null> {
  const found = await attempt(() => look<{ name: string }>({ backend: "gl" }, "name"));
  return "value" in found ? found.value.name : null;
}

async function attempt<T>(
  work: () => Promise<T>,
  exit?: Failure["exit"],
): Promise<CheckOutcome<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { failure: failureOf(error, exit) };
  }
}

/** Variables of drivers and workers to report. Home and cache paths are private: leave them out. */
function variables(): Record<string, string> {
  const all = { ...passedEnvironment(), ...visible() };
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => !/^(HOME|DENO_DIR|DENO_AUDIT_|XDG_CACHE)/.test(name)),
  );
}

function visible(): Record<string, string> {
  const value = Deno.env.get("CUDA_VISIBLE_DEVICES");
  return value === undefined ? {} : { CUDA_VISIBLE_DEVICES: value };
}

async function cardFacts(): Promise<CardFacts> {
  const { cards, unseen, layer } = await findCards();
  const facts: PinnedFact[] = [];
  for (const card of cards) {
    const pin = layer ? pinOf(card, cards) : undefined;
    const heeded = pin === undefined ? null : await isThere(card, cards);
    facts.push({ ...card, pin: pin ?? null, heeded });
  }
  return { cards: facts, unseen, layer, renderNode: hasRenderNode() };
}

/** Twins have one name: for them the layer's word is taken. */
async function isThere(card: Card, cards: readonly Card[]): Promise<boolean> {
  if (needsProof(card, cards)) return await honorsPin(card, cards);
  const found = await attempt(() => look<{ name: string }>({ pin: pinOf(card, cards) }, "name"));
  return "value" in found && cardIn(found.value.name) === card.name;
}

function hasRenderNode(): boolean {
  try {
    return Deno.statSync(TRACES.at(-1) as string).isFile;
  } catch {
    return false;
  }
}

/** Runs `look.ts` with a pin. @throws when it fails, with its last line of stderr. */
async function look<T>(
  { pin = {}, backend = selectBackend() }: { pin?: Pin | undefined; backend?: Backend },
  ...args: string[]
): Promise<T> {
  const { success, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...CHILD,
      new URL("./look.ts", import.meta.url).href,
      backend,
      ...args,
    ],
    clearEnv: true,
    env: { NO_COLOR: "1", ...passedEnvironment(), ...pin, [BACKEND_VARIABLE]: backend },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PATIENCE),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (success) return JSON.parse(text(stdout));
  const why = text(stderr).split("\n").find((line) => line.startsWith("error: "))?.slice(7);
  throw new Error(
    signal === null ? why ?? "a process that computes failed" : `a process was ended by ${signal}`,
  );
}

/** What a run needs and this process, which has a run's flags, may not. */
async function missing(): Promise<string[]> {
  const needs: [string, Deno.PermissionDescriptor][] = [
    ["read files", { name: "read" }],
    ["write files", { name: "write" }],
    ["start workers", { name: "run", command: Deno.execPath() }],
    ["name this machine", { name: "sys", kind: "hostname" }],
    ["read CUDA_VISIBLE_DEVICES", { name: "env", variable: "CUDA_VISIBLE_DEVICES" }],
  ];
  const states = await Promise.all(
    needs.map(async ([what, need]) => [what, (await Deno.permissions.query(need)).state]),
  );
  return states.filter(([, state]) => state !== "granted").map(([what]) => String(what));
}

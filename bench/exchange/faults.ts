/**
 * The cost of a fault: time until it is detected, time until the next committed step, and steps
 * that are recomputed. Real processes; times come from the journals of the runs.
 */
import { fileURLToPath } from "node:url";
import { parseJournal } from "../../src/report/journal/journal.ts";
import type { JournalLine } from "../../src/report/journal/journal.ts";
import { cpuName, deviceHere } from "../device.ts";
import type { Filter } from "../filter.ts";
import { adapterHere } from "../machine.ts";
import type { Report } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { median } from "../time.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Steps at which faults are injected, far enough apart for a replacement to be ready. */
const STRIKES = [20, 80, 140];
const STEPS = 200;

/** A fault, as in its plan. */
interface Fault {
  readonly name: string;
  readonly point: string;
  readonly do: string;
  /** Whether only a GPU has it. */
  readonly isOfGpu?: true;
  /** Further arguments of the runs. */
  readonly args?: readonly string[];
}

const FAULTS: readonly Fault[] = [
  { name: "killed while it computes", point: "forward", do: "sigkill" },
  { name: "killed within the exchange", point: "exchange", do: "sigkill" },
  { name: "killed after its vote", point: "voted", do: "sigkill" },
  { name: "killed before its update", point: "apply", do: "sigkill" },
  { name: "an error of its own", point: "forward", do: "throw" },
  { name: "its GPU is lost", point: "forward", do: "lose", isOfGpu: true },
  { name: "stopped (SIGSTOP)", point: "forward", do: "sigstop" },
  { name: "hung, its event loop alive", point: "forward", do: "hang" },
  { name: "a gradient is NaN once", point: "forward", do: "nan" },
  {
    name: "a bit of a parameter flips, hashes every 10 steps",
    point: "summed",
    do: "flip",
    args: ["--guard.hash_every=10", "--checkpoint.every=10"],
  },
];

const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  gpt: ["configs/smoke.ts"],
  lstm: ["configs/lstm_char.ts", "--model.width=32", "--micro-batches=4", "--data.bptt=16"],
};

/** Runs every fault whose name contains `filter`, for both model families. */
export async function benchFaults({ filter, device: asked = "auto" }: Filter): Promise<Report> {
  const device = await deviceHere(asked);
  const faults = FAULTS.filter(({ name, isOfGpu }) =>
    name.includes(filter) && (device === "webgpu" || !isOfGpu)
  );
  const folder = await Deno.makeTempDir({ prefix: "shoal-faults-" });
  try {
    const sections = [];
    for (const [family, config] of Object.entries(FAMILIES)) {
      const args = [...config, `--device=${device}`];
      const golden = (await train(folder, ["golden", family], { args, workers: 1 })).state;
      const rows: string[][] = [];
      for (const fault of faults) {
        const run = await train(folder, [fault.name, family], { args, workers: 2, fault });
        rows.push([fault.name, ...cellsOf(run), run.state === golden ? "the same" : "OTHERS"]);
      }
      sections.push({ title: `${family}, 2 workers`, table: [HEAD, ...rows], notes: NOTES });
    }
    if ("goodput".includes(filter)) sections.push(await goodput(folder, device));
    const adapter = device === "cpu" ? cpuName() : await adapterHere();
    return { what: "faults", adapter, sections };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const HEAD = ["fault", "noticed, ms", "next step, ms", "steps again", "bits"];
const NOTES = [
  `Medians of ${STRIKES.length} strikes in a run of ${STEPS} steps; times begin with the strike`,
  "next step: until the formation that follows has committed one; steps again: committed ones",
];

/** A run that has ended. */
interface Ended {
  readonly journal: readonly JournalLine[];
  readonly state: string;
  readonly seconds: number;
}

/** Runs `train` to its end in a folder of its own. @throws when it fails. */
async function train(
  folder: string,
  name: readonly string[],
  { args, workers, fault, plan }: {
    args: readonly string[];
    workers: number;
    fault?: Fault;
    plan?: readonly unknown[];
  },
): Promise<Ended> {
  const out = `${folder}/${name.join("-").replaceAll(/[^\w]+/g, "_")}`;
  const faults = plan ?? STRIKES.map((step) => ({
    at: { step, rank: 1, point: fault?.point },
    do: fault?.do,
  }));
  await Deno.writeTextFile(`${out}.json`, JSON.stringify(fault ?? plan ? faults : []));
  const start = performance.now();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    cwd: ROOT,
    args: [
      "task",
      "--quiet",
      "train",
      ...args,
      `--out=${out}`,
      `--workers=${workers}`,
      "--recovery.restarts=1000",
      "--testing",
      `--faults=${out}.json`,
      ...plan === undefined ? [`--steps=${STEPS}`, "--eval.every=0"] : [],
      ...fault?.args ?? [],
    ],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) throw new Error(`Cannot bench: ${new TextDecoder().decode(stderr)}`);
  const summary = JSON.parse(await Deno.readTextFile(`${out}/summary.json`));
  const journal = parseJournal(await Deno.readTextFile(`${out}/journal.jsonl`)).entries;
  return { journal, state: summary.state_hash, seconds: (performance.now() - start) / 1000 };
}

/** Median times in ms after each fault; and the recomputed steps. */
function cellsOf({ journal }: Ended): string[] {
  const after = (at: number, kinds: (line: JournalLine) => boolean): number | undefined => {
    const found = journal.find((line) => line.at >= at && kinds(line));
    return found === undefined ? undefined : 1000 * (found.at - at);
  };
  const strikes = journal.filter(({ kind }) => kind === "strike").map(({ at }) => at);
  const noticed = strikes.flatMap((at) =>
    after(
      at,
      ({ kind, event }) =>
        (kind === "membership" && event === "lost") || kind === "guard" || kind === "drift" ||
        (kind === "membership" && event === "tick"),
    ) ?? []
  );
  const recovered = strikes.flatMap((at) =>
    after(
      at,
      ({ kind, action }) => kind === "recovered" || action === "transient" || kind === "rewind",
    ) ?? []
  );
  const again = journal.filter(({ kind }) => kind === "rewind")
    .reduce((n, { from, to }) => n + Number(from) - Number(to), 0);
  const cell = (times: readonly number[]) =>
    times.length === strikes.length ? fixed(median(times)) : "never";
  return [cell(noticed), cell(recovered), String(again)];
}

/** Seconds between two kills. */
const MTBF = 30;

/** The default model with a kill every half minute, compared with an undisturbed run. */
async function goodput(folder: string, device: string): Promise<Report["sections"][number]> {
  const args = ["configs/gpt_char.ts", "--steps=900", `--device=${device}`];
  const calm = await train(folder, ["calm"], { args, workers: 2, plan: [] });
  const each = Math.round(900 * MTBF / calm.seconds);
  const plan = Array.from({ length: Math.floor(899 / each) }, (_, i) => ({
    at: { step: each * (i + 1), rank: i % 2, point: "forward" },
    do: "sigkill",
  }));
  const struck = await train(folder, ["struck"], { args, workers: 2, plan });
  return {
    title: `gpt_char, 900 steps, 2 workers, one killed every ${MTBF} s`,
    table: [
      ["", "seconds", "kills", "goodput", "bits"],
      ["undisturbed", fixed(calm.seconds), "0", "100 %", ""],
      [
        "with kills",
        fixed(struck.seconds),
        String(plan.length),
        percent(calm.seconds, struck.seconds),
        struck.state === calm.state ? "the same" : "OTHERS",
      ],
    ],
    notes: ["goodput: time of the undisturbed run over that of the other, both in one go"],
  };
}

/**
 * The overhead of the protocol: steps of a worker process with orders, votes, heartbeats and
 * hashes, compared with the same steps of a replica in this process. Blocks of both alternate.
 */
import gptChar from "../../configs/gpt_char.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig } from "../../src/config/schema.ts";
import { Replica } from "../../src/engine/replica.ts";
import type { WorkerGroup } from "../../workers/group/worker_group.ts";
import { corpusOf } from "../corpus.ts";
import { deviceHere, openBenchDevice, shownName } from "../device.ts";
import type { Filter } from "../filter.ts";
import type { Report } from "../report.ts";
import { fixed, percent } from "../table.ts";
import { benchTeam } from "./team.ts";
import { median } from "../time.ts";

const BLOCKS = 12;
const STEPS = 10;

/** Times steps of the default config with and without the protocol. */
export async function benchProtocol({ device: asked = "auto" }: Filter): Promise<Report> {
  const kind = await deviceHere(asked);
  const config = resolveConfig({ ...gptChar, workers: 1, device: { kind } });
  const corpus = await corpusOf(config);
  // As many threads of a software driver as a single worker gets.
  Deno.env.set("LP_NUM_THREADS", String(navigator.hardwareConcurrency));
  const device = await openBenchDevice(kind);
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const team = benchTeam(config, corpus);
  try {
    await team.open();
    await team.form(0);
    const bare: number[] = [];
    const led: number[] = [];
    for (let block = -1; block < BLOCKS; block++) {
      const first = (block + 1) * STEPS;
      const times = [await timeOf(() => bareSteps(replica, config, first)), 0];
      times[1] = await timeOf(() => ledSteps(team, first));
      if (block < 0) continue; // both have loaded their kernels
      bare.push(times[0] as number / STEPS);
      led.push(times[1] as number / STEPS);
    }
    const prove = await timeOf(async () => {
      await team.order({ type: "prove" });
      await team.expect("proof");
    });
    return reportOf(shownName(device), config, { bare: median(bare), led: median(led), prove });
  } finally {
    await team.close();
    device.close();
  }
}

function reportOf(
  adapter: string,
  config: RunConfig,
  { bare, led, prove }: { bare: number; led: number; prove: number },
): Report {
  const hashes = prove / config.guard.hash_every;
  const row = (name: string, ms: number) => [name, fixed(ms), percent(ms - bare, bare)];
  return {
    what: "protocol",
    adapter,
    sections: [{
      title: `${config.name}, one worker: a step, ms`,
      table: [
        ["", "ms", "over bare"],
        row("bare replica", bare),
        row("led: orders, votes, signs of life", led),
        row(`led, and hashed every ${config.guard.hash_every} steps`, led + hashes),
      ],
      notes: [
        `Medians of ${BLOCKS} blocks of ${STEPS} steps each, bare and led in turn`,
        `Comparing hashes takes ${fixed(prove)} ms each time`,
      ],
    }],
  };
}

async function bareSteps(replica: Replica, config: RunConfig, first: number): Promise<void> {
  const node = { level: Math.log2(config.micro_batches), index: 0 };
  for (let step = first; step < first + STEPS; step++) {
    replica.accumulate(step, node);
    await replica.inspect();
    replica.update(step);
  }
}

async function ledSteps(team: WorkerGroup, first: number): Promise<void> {
  await team.order({ type: "step", step: first });
  for (let step = first; step < first + STEPS; step++) {
    await team.expect("vote");
    team.committed(step + 1);
    const next = step + 1 < first + STEPS;
    await team.order({ type: "commit", step, next });
  }
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

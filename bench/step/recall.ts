/**
 * Memory of each cell: accuracy on the recall task after the same number of steps, for gaps of
 * 10, 30 and 90 tokens and several seeds. A measure of learning, not of speed.
 */
import recallLstm from "../../configs/recall_lstm.ts";
import recallGpt from "../../configs/recall_gpt.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunConfig, RunInput } from "../../src/config/schema.ts";
import { openBenchDevice, shownName } from "../device.ts";
import type { Device } from "../../src/device/types.ts";
import { Replica } from "../../src/engine/replica.ts";
import type { Filter } from "../filter.ts";
import type { Report } from "../report.ts";

const GAPS = [10, 30, 90] as const;
const SEEDS = [1, 2, 3] as const;
/** Steps of every run. */
const BUDGET = 200;
/** Steps between measurements of the accuracy. */
const LOOK = 25;
/** Accuracy from which the task counts as learnt. */
const LEARNT = 0.95;

/** Models by name, for a given gap. */
const MODELS: Readonly<Record<string, (gap: number) => RunInput>> = {
  "rnn_tanh": () => cell("rnn_tanh", null),
  "rnn_relu (IRNN)": () => cell("rnn_relu", null),
  "lstm, forget bias 1": () => cell("lstm", null),
  "lstm, memory n": (gap) => cell("lstm", gap),
  "gru, memory n": (gap) => cell("gru", gap),
  "gru_before, memory n": (gap) => cell("gru_before", gap),
  "gpt": () => recallGpt,
};

type CellName = "rnn_tanh" | "rnn_relu" | "lstm" | "gru" | "gru_before";

function cell(name: CellName, memory: number | null): RunInput {
  return { ...recallLstm, model: { ...recallLstm.model, cell: name, memory } };
}

/** Result of one run. */
interface Ending {
  /** Accuracy. */
  readonly accuracy: number;
  /** Steps until it was learnt, if it was. */
  readonly learnt?: number;
}

/** Trains every model whose name contains `filter`. */
export async function benchRecall(
  { filter, doing, device: kind = "auto" }: Filter,
): Promise<Report> {
  const device = await openBenchDevice(kind);
  const rows: string[][] = [];
  let chance = 0;
  for (const [name, input] of Object.entries(MODELS)) {
    if (!name.includes(filter)) continue;
    const row = [name];
    for (const gap of GAPS) {
      const endings: Ending[] = [];
      for (const seed of SEEDS) {
        doing?.(`${name}, gap ${gap}`);
        const base = input(gap);
        const config = resolveConfig({ ...base, seed, data: { ...base.data, gap } });
        chance = 1 / config.data.names;
        endings.push(await learn(device, config));
      }
      row.push(...cells(endings));
    }
    rows.push(row);
  }
  return {
    what: "recall",
    adapter: shownName(device),
    sections: [{
      title: `Accuracy on recall after ${BUDGET} steps, chance ${(100 * chance).toFixed(1)} %`,
      table: [["model", ...GAPS.flatMap((gap) => [`n = ${gap}`, "learnt at"])], ...rows],
      notes: [
        `Mean over seeds ${
          SEEDS.join(", ")
        }, lowest and highest behind it; the other column is the ` +
        `median step at which ${100 * LEARNT} % were reached, looked at every ${LOOK} steps`,
        "Each question stands n tokens behind the one name it asks for; settings are those of " +
        "configs/recall_*.ts; `memory n` starts the gates with a time constant of n steps",
      ],
    }],
  };
}

function cells(endings: readonly Ending[]): string[] {
  const accuracies = endings.map(({ accuracy }) => 100 * accuracy).sort((a, b) => a - b);
  const mean = accuracies.reduce((a, b) => a + b, 0) / accuracies.length;
  const [low, high] = [accuracies[0] ?? NaN, accuracies.at(-1) ?? NaN];
  const steps = endings.map(({ learnt }) => learnt ?? Infinity).sort((a, b) => a - b);
  const median = steps[Math.floor(steps.length / 2)] ?? Infinity;
  return [
    `${mean.toFixed(1)} (${low.toFixed(1)}-${high.toFixed(1)})`,
    Number.isFinite(median) ? String(median) : "-",
  ];
}

async function learn(device: Device, config: RunConfig): Promise<Ending> {
  const corpus = { texts: [], vocabulary: 0 };
  const replica = new Replica(device, { config, corpus });
  await replica.open();
  const root = { level: Math.log2(config.micro_batches), index: 0 };
  let learnt: number | undefined;
  let accuracy = 0;
  for (let step = 0; step < BUDGET; step++) {
    replica.accumulate(step, root);
    replica.update(step);
    if ((step + 1) % LOOK !== 0) continue;
    accuracy = accuracyOf(await replica.evaluate(0, 1));
    if (accuracy >= LEARNT) learnt ??= step + 1;
  }
  return learnt === undefined ? { accuracy } : { accuracy, learnt };
}

function accuracyOf(sequences: Awaited<ReturnType<Replica["evaluate"]>>): number {
  const counted = sequences.reduce((sum, sequence) => sum + sequence.counted, 0);
  // The terms of a classification are its loss and its correct predictions.
  return sequences.reduce((sum, { sums }) => sum + (sums[1] as number), 0) / counted;
}

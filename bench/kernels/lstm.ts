/**
 * An LSTM language model's training step against the same model in `@tensorflow/tfjs` on its WebGPU
 * back end: two layers of width 128, 64 tokens, 16 lanes; forward, backward and update. Rounds of
 * the two alternate, so that their ratio survives a noisy machine. Needs npm for the peer.
 */
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { Replica } from "../../src/engine/replica.ts";
import { corpusOf } from "../corpus.ts";
import type { Report } from "../report.ts";
import { stepConfigs } from "../step/step_configs.ts";
import { fixed } from "../table.ts";
import { median, secondsOf } from "../time.ts";

const ROUNDS = 3;
const WARM_UP = 2;
const STEPS = 10;

/** Output of the peer's process. */
interface Peer {
  readonly peer: string;
  readonly version: string;
  readonly variant: string;
  readonly ms_per_step: number;
}

/** Times both, alternating. @throws {UserError} `noInput` when the peer cannot be run. */
export async function benchLstm(): Promise<Report> {
  const config = stepConfigs().find(({ name }) => name === "lstm_2x128");
  if (config === undefined) throw new RangeError("Cannot time lstm_2x128: it is not configured");
  const device = await openWebGpu({ runtime: Deno.version.deno });
  const replica = new Replica(device, { config, corpus: await corpusOf(config) });
  await replica.open();
  let number = 0;
  const step = async () => {
    replica.accumulate(number, { level: 0, index: 0 });
    await replica.inspect();
    replica.update(number++);
  };
  for (let i = 0; i < WARM_UP; i++) await step();
  const rows: string[][] = [];
  const ratios: number[] = [];
  let name = "";
  for (let round = 0; round < ROUNDS; round++) {
    const laps: number[] = [];
    for (let i = 0; i < STEPS; i++) laps.push(1e3 * await secondsOf(step));
    const ours = median(laps);
    const peer = await runPeer();
    name = `${peer.peer} ${peer.version}, ${peer.variant}`;
    ratios.push(peer.ms_per_step / ours);
    rows.push([String(round + 1), fixed(ours), fixed(peer.ms_per_step), fixed(ratios.at(-1) ?? 0)]);
  }
  return {
    what: "lstm",
    adapter: device.name,
    sections: [{
      title: "LSTM, 2 layers of width 128, T = 64, B = 16: milliseconds per step",
      table: [["round", "ours", "peer", "peer / ours"], ...rows],
      notes: [
        `Peer: ${name}: the fastest of its variants that trains (bench/peers/README.md)`,
        `Median ratio ${fixed(median(ratios))}; forward, backward and update on both sides`,
      ],
    }],
  };
}

async function runPeer(): Promise<Peer> {
  const config = fileURLToPath(new URL("../peers/deno.json", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", config, "tfjs"],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return JSON.parse(text.slice(text.indexOf("{")));
  const why = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
  throw new UserError(
    "noInput",
    `Cannot run the peer (bench/peers): it ended with ${code}: ${why}`,
  );
}

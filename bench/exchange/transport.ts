/**
 * The cost of channels: frames between two processes over a Unix socket, and its parts by
 * themselves. No device is used.
 */
import { join } from "node:path";
import { treeAddInto } from "../../src/base/tree_add.ts";
import { decodeHeader, encodeHeader } from "../../src/transport/codec.ts";
import { checksum, encodePrefix, headBytes, MAX_HEADER } from "../../src/transport/frame.ts";
import { scanFault } from "../../src/transport/scan.ts";
import { listenUnix } from "../../src/transport/unix.ts";
import type { Channel, Header } from "../../src/transport/channel.ts";
import type { Report } from "../report.ts";
import { fixed } from "../table.ts";
import { median, medianSeconds, secondsOf } from "../time.ts";

/** Payloads in bytes: the gradient of a small model, and a bucket of a larger one. */
const PAYLOADS: readonly number[] = [1.6e6, 40e6];
/** Bytes sent per measurement. */
const VOLUME = 400e6;
const ROUND_TRIPS = 500;

/** A header as the reduce sends it. */
const HEADER: Header = { type: "root", step: 123, start: 0, end: 400_000, level: 2, index: 0 };

/** A quantity, its value, and the unit. */
type Row = [string, string, string];

/** Times the cases whose names contain `filter`. */
export async function benchTransport({ filter }: { filter: string }): Promise<Report> {
  const rows = [...await channelRows(), ...await codecRows(), ...await arrayRows()];
  const table = [["part", "value", "unit"], ...rows.filter(([name]) => name.includes(filter))];
  const notes = ["Channel: two processes, each with one buffer that it keeps; checksums included"];
  return { what: "transport", sections: [{ title: "Transport", table, notes }] };
}

async function channelRows(): Promise<Row[]> {
  const folder = await Deno.makeTempDir({ prefix: "shoal-bench-" });
  const path = join(folder, "echo.sock");
  const listener = await listenUnix(path, { attempt: 0 });
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--cached-only",
      `--allow-net=unix:${path}`,
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      new URL("./echo.ts", import.meta.url).href,
      path,
    ],
  }).spawn();
  try {
    const channel = await listener.accept();
    const rows: Row[] = [];
    for (const bytes of PAYLOADS) rows.push(await throughput(channel, bytes));
    rows.push(await latency(channel));
    channel.close();
    return rows;
  } finally {
    listener.close();
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** The echo answers small frames but not payloads. */
async function ask(channel: Channel): Promise<void> {
  await channel.send({ type: "echo" });
  await channel.receive();
}

async function throughput(channel: Channel, bytes: number): Promise<Row> {
  const payload = new Uint8Array(bytes).fill(7);
  const frames = Math.ceil(VOLUME / bytes);
  const send = async () => {
    for (let i = 0; i < frames; i++) await channel.send(HEADER, payload);
    await ask(channel);
  };
  const seconds = await medianSeconds(send, 3);
  const name = `channel: frames of ${fixed(bytes / 1e6)} MB`;
  return [name, fixed(frames * bytes / seconds / 1e9), "GB/s"];
}

async function latency(channel: Channel): Promise<Row> {
  const times: number[] = [];
  for (let i = 0; i < ROUND_TRIPS; i++) times.push(await secondsOf(() => ask(channel)));
  return ["channel: round trip of a small message", fixed(median(times) * 1e6), "us"];
}

async function codecRows(): Promise<Row[]> {
  const header = encodeHeader(HEADER);
  const target = new Uint8Array(headBytes(MAX_HEADER));
  const info = { payloadLength: 1, attempt: 0, sequence: 0, payloadCrc: 0 };
  const microseconds = async (work: () => unknown) => {
    const times = 5000;
    const loop = () => {
      for (let i = 0; i < times; i++) work();
    };
    return fixed(await medianSeconds(loop, 5) / times * 1e6);
  };
  return [
    ["codec: encode a header", await microseconds(() => encodeHeader(HEADER)), "us"],
    ["codec: scan a header", await microseconds(() => scanFault(header)), "us"],
    ["codec: decode a header", await microseconds(() => decodeHeader(header)), "us"],
    ["frame: write a head", await microseconds(() => encodePrefix(target, info, header)), "us"],
  ];
}

async function arrayRows(): Promise<Row[]> {
  const bytes = new Uint8Array(16e6).fill(7);
  const crc = await medianSeconds(() => checksum(bytes), 7);
  const [n, times] = [1 << 20, 10];
  const [a, b] = [new Float32Array(n).fill(1), new Float32Array(n).fill(0.5)];
  const add = await medianSeconds(() => {
    for (let i = 0; i < times; i++) treeAddInto(a, a, b);
  }, 7);
  return [
    ["checksum", fixed(bytes.length / crc / 1e9), "GB/s"],
    ["tree addition of arrays", fixed(n * times / add / 1e9), "G elements/s"],
  ];
}

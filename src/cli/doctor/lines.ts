/** Formats facts and findings for a terminal. Pure. */
import { showCard } from "../../cards/card.ts";
import { modeName } from "../../device/cpu.ts";
import type { Bandwidths } from "../../device/bandwidth.ts";
import { showBytes } from "../../report/format.ts";
import { table } from "../table.ts";
import type { Facts, Look, PinnedFact } from "./facts.ts";
import type { Finding } from "./judge.ts";

/** The report as lines. */
export function doctorLines(facts: Facts, findings: readonly Finding[]): string[] {
  const { deno, machine, cpu, cards, variables } = facts;
  const set = Object.entries(variables);
  return [
    "machine",
    ...table([
      ["Deno", deno.version],
      ["cores", String(machine.cores)],
      ["memory", showBytes(machine.memoryBytes)],
      ["--device=auto", deviceIn(facts)],
      [
        "--device=cpu",
        `kernels of class ${cpu.kernels}, ${modeName(cpu.pairs)}`,
      ],
      ...set.map(([name, value]) => [name, value]),
    ]),
    "",
    "cards",
    ...cards.cards.length === 0 ? ["  none"] : cards.cards.flatMap(cardLines),
    "",
    ...adapterLines(facts),
    "speeds",
    ...waysLines(facts),
    "",
    ...findingLines(findings),
  ];
}

function deviceIn({ run, adapter }: Facts): string {
  if ("failure" in run) return run.failure.message;
  const { device } = run.value;
  if (device === "cpu") return "the CPU: no GPU was found";
  return "value" in adapter && adapter.value !== null ? adapter.value.name : device;
}

/** A card, and below it the pin alone, for people to copy. */
function cardLines(card: PinnedFact): string[] {
  const { pin, heeded, kind, memory, driver } = card;
  const how = pin === null
    ? "no pin"
    : Object.entries(pin).map(([name, value]) => `${name}=${value}`).join(" ");
  const proof = heeded === null ? "" : heeded ? ", heeded" : ", NOT heeded";
  const size = memory === undefined ? "" : `, ${showBytes(memory * 2 ** 20)}`;
  const version = driver === undefined ? "" : `, driver ${driver}`;
  return [`  ${showCard(card)}: ${kind}${size}${version}`, `    ${how}${proof}`];
}

function adapterLines({ adapter }: Facts): string[] {
  if ("failure" in adapter) return ["adapter", `  ${adapter.failure.message}`, ""];
  const { value } = adapter;
  return value === null ? ["adapter", "  none", ""] : lookLines(value);
}

function lookLines({ name, info, features, others, limits, numerics }: Look): string[] {
  const yes = (is: boolean) => is ? "yes" : "no";
  return [
    `adapter: ${name}`,
    ...table([
      ...Object.entries(info).filter(([key, value]) => key !== "description" && value !== ""),
      ...Object.entries(features),
      ["other features", others.join(", ") || "none"],
    ]),
    "",
    "limits",
    ...table(
      Object.entries(limits).map(([key, value]) => [
        key,
        /Size/.test(key) ? `${value} (${showBytes(value)})` : String(value),
      ]),
    ),
    "",
    "numbers",
    ...table([
      ["NaN keeps its bits", yes(numerics.keepsNaN)],
      ["x != x tells NaN", yes(numerics.seesNaN)],
      ["subnormals are kept", yes(numerics.keepsSubnormals)],
      ["their sums are the CPU's", yes(numerics.addsSubnormals)],
      ["a * b + c rounds once", yes(numerics.fusesMultiplyAdd)],
    ]),
    "",
  ];
}

function speedRows({ copy, upload, readBack }: Bandwidths): string[][] {
  return [
    ["copy on the device", `${showBytes(copy)}/s, read and written`],
    ["upload by writeBuffer", `${showBytes(upload)}/s`],
    ["read back by mapAsync", `${showBytes(readBack)}/s`],
  ];
}

/** A speed, or why there is none. */
function speedText(found: Facts["socket"]): string {
  return "failure" in found
    ? `none: ${found.failure.message}`
    : `${showBytes(found.value.bytesPerSecond)}/s`;
}

function waysLines({ adapter, socket, shared, disk }: Facts): string[] {
  const look = "value" in adapter ? adapter.value : null;
  return table([
    ...look === null ? [] : speedRows(look.bandwidths),
    [
      "Unix socket, checksums",
      "failure" in socket ? socket.failure.message : `${showBytes(socket.value.bytesPerSecond)}/s`,
    ],
    ["shared file, exchange.way=file", `${speedText(shared.file)}; taken unless asked otherwise`],
    ["mapped memory, exchange.way=mmap", speedText(shared.mapped)],
    [
      "disk, synced",
      "failure" in disk
        ? disk.failure.message
        : `${showBytes(disk.value.bytesPerSecond)}/s, ${freeIn(disk.value)} in ` +
          disk.value.folder,
    ],
  ]);
}

function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings.flatMap(({ level, what, mend }) => [
    `${level}: ${what}`,
    ...mend === undefined ? [] : [`  mend: ${mend}`],
  ]);
  const isGood = findings.every(({ level }) => level === "note");
  return isGood ? [...lines, "Nothing is wrong: a run would work here"] : lines;
}

function freeIn({ freeBytes }: { readonly freeBytes: number }): string {
  return freeBytes === Infinity ? "room that cannot be asked for" : `${showBytes(freeBytes)} free`;
}

/** The command `bench:peers`: the same work by Shoal and by others, side by side. */
import { fileURLToPath } from "node:url";
import { isSoftware } from "../src/device/adapter.ts";
import { UserError } from "../src/base/user_error.ts";
import { sayText, warn } from "../src/base/text/say.ts";
import { cardIn } from "../src/device/backend.ts";
import { runCommand } from "../src/cli/command.ts";
import { flagsHelp } from "../src/cli/flags.ts";
import { openScratch } from "../src/cli/scratch.ts";
import { cpuName, deviceHere } from "./device.ts";
import { Field } from "./beside/compare.ts";
import { effortOf, parsePeers, PEERS, type PeersRequest, rowsOf } from "./beside/request.ts";
import { besideOf, ratiosOf, type RowResult, sectionOf } from "./beside/result.ts";
import { scriptSides, torchHere, torchSides } from "./beside/sides.ts";
import { writeTask } from "./beside/materials.ts";
import { adapterHere, lookAround } from "./machine.ts";
import { peersPicture, TITLE } from "./picture/picture.ts";
import { factsOf } from "./picture/picture_saved.ts";
import { fileName, pageOf, showReport } from "./report.ts";

const RESULTS = new URL("./results/", import.meta.url);

async function benchPeers(args: readonly string[]): Promise<void> {
  const request = parsePeers(args);
  if (request === "help") return sayText(flagsHelp(PEERS));
  using scratch = openScratch(await Deno.makeTempDir({ prefix: "shoal-peers-" }));
  const folder = scratch.path;
  if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", folder);
  await compare(request, { folder, command: ["deno task bench:peers", ...args].join(" ") });
}

async function compare(
  request: PeersRequest,
  { folder, command }: { folder: string; command: string },
): Promise<void> {
  const { pin } = request;
  const device = await deviceHere(request.device);
  // Other libraries name the card alone.
  const adapter = device === "cpu" ? cpuName() : cardIn(await adapterHere());
  const software = device === "cpu" || isSoftware(adapter);
  const torch = await torchHere(request.python);
  const compiled = request.full || ("device" in torch && torch.device === "cuda" && !request.quick);
  const all = [
    ...scriptSides({ device, folder, pin }),
    ..."device" in torch ? torchSides(request.python, { ...torch, compiled, pin }) : [],
  ];
  const sides = all.filter(({ id, family }) => family === "ours" || id.includes(request.sides));
  const rows = rowsOf(request, { software });
  const field = new Field(sides, effortOf(request));
  const results: RowResult[] = [];
  try {
    for (const [i, row] of rows.entries()) {
      const task = await writeTask(row, folder);
      if (!request.json) warn(`${row.name} ...`);
      results.push(await field.run(row.name, { task, rows: rows.length - 1 - i }));
      await Promise.all(["json", "bin"].map((end) => Deno.remove(`${task}.${end}`)));
    }
  } finally {
    await field.close();
  }
  const section = sectionOf(results, { rows, sides });
  const hellos = [...field.hellos].map(([id, { version, adapter }]) =>
    `${id}: ${version} on ${adapter}`
  );
  const notes = [
    ...section.notes ?? [],
    ...hellos,
    ..."reason" in torch ? [`No PyTorch by ${request.python}: ${torch.reason}`] : [],
  ];
  const report = { what: "peers", adapter, sections: [{ ...section, notes }] };
  const machine = await lookAround(adapter);
  const rowsOut = results.map((result) => ({
    ...result,
    ...besideOf(result, sides),
    ratios: ratiosOf(result, sides),
  }));
  const found = { machine, adapter, command, sides: hellos, rows: rowsOut };
  sayText(request.json ? JSON.stringify(found) : showReport(report));
  if (request.save) {
    const name = fileName(report, machine);
    const picture = { file: name.replace(/md$/, "svg"), title: TITLE };
    await save(picture.file, peersPicture(found.rows, factsOf(found)));
    await format(picture.file);
    await save(name, pageOf({ ...report, picture }, machine, command));
  }
  // A peer may fail, or time be over: without a time of ours nothing was compared.
  if (rowsOut.some(({ ratios }) => ratios.ours !== undefined)) return;
  throw new UserError("incomplete", "Cannot compare: need a time of ours in some row: none");
}

async function save(name: string, text: string): Promise<void> {
  const file = new URL(name, RESULTS);
  await Deno.writeTextFile(file, text);
  warn(`Saved ${fileURLToPath(file)}`);
}

/** Breaks a picture's lines as the check of the repository wants them. */
async function format(name: string): Promise<void> {
  const args = ["fmt", "--quiet", fileURLToPath(new URL(name, RESULTS))];
  await new Deno.Command(Deno.execPath(), { args, cwd: new URL("./", import.meta.url) }).output();
}

if (import.meta.main) await runCommand(() => benchPeers(Deno.args));

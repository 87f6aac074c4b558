/** The command `scaling`: fits scaling laws to trials, and writes plots and a page. */
import { basename, join } from "node:path";
import { withFileFaults } from "../../base/file_fault.ts";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { say, sayText } from "../../base/text/say.ts";
import { readBytes, textOfBytes } from "../../data/read.ts";
import { makeFolder, writeTextAtomic } from "../../report/atomic.ts";
import { reportLines } from "../../scaling/page/lines.ts";
import { pageOf } from "../../scaling/page/page.ts";
import { PICTURES, picturesOf } from "../../scaling/page/pictures.ts";
import { readTrials, type Trials } from "../../scaling/read.ts";
import { reportOf, type ScalingReport } from "../../scaling/report.ts";
import { pointsCsv, reportJson } from "../../scaling/page/texts.ts";
import { readTable } from "../../scaling/user_table.ts";
import { runCommand } from "../command.ts";
import { csvRows } from "../csv.ts";
import { flagsHelp } from "../flags.ts";
import { printsReport } from "../../terminal/output.ts";
import { openStatus } from "../../terminal/status.ts";
import { parseScaling, SCALING, type ScalingRequest } from "./request.ts";

/** What a sweep leaves of its trials. */
const TRIALS = "trials.jsonl";
/** What this command leaves. */
const OUTPUTS = [...PICTURES, "points.csv", "scaling.json", "scaling.html"] as const;

/** Runs `scaling` with command-line arguments. */
export async function scalingCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseScaling(args);
  if (request === "help") {
    sayText(flagsHelp(SCALING));
    return "done";
  }
  keepApart(request);
  using status = openStatus();
  status.show("fitting");
  const { folder } = request;
  const path = request.csv ?? join(folder, TRIALS);
  const report = reportOf(await trialsOf(request, path), {
    file: request.csv === undefined ? basename(Deno.realPathSync(folder)) : basename(path),
    count: request.count,
    loss: request.csv === undefined ? (request.loss === "val" ? "val_loss" : "loss") : "loss",
    bootstrap: request.bootstrap,
    ...(request.budgets !== undefined && { budgets: request.budgets }),
    onProgress: (what, done, total) =>
      status.show(`fitting ${what}: draw`, { done, total, even: true }),
  });
  status.end();
  write(request, report);
  printsReport();
  for (const text of reportLines(report)) say(text);
  say(`Everything lies in ${folder}; the page is ${join(folder, "scaling.html")}`);
  return "done";
}

async function trialsOf({ csv, loss }: ScalingRequest, path: string): Promise<Trials> {
  const bytes = await readBytes(path, { need: "a table of trials" });
  if (csv !== undefined) return readTable(csvRows(bytes, path), path);
  return readTrials(textOfBytes(bytes, path), { path, loss });
}

/** Refuses to fit a table that would be written over. */
function keepApart({ csv, folder }: ScalingRequest): void {
  if (csv === undefined) return;
  const real = (path: string) => {
    try {
      return Deno.realPathSync(path);
    } catch {
      return undefined; // It is not there: who reads it says so.
    }
  };
  const given = real(csv);
  const name = OUTPUTS.find((name) => given !== undefined && given === real(join(folder, name)));
  if (name === undefined) return;
  throw new UserError("config", `Cannot write ${join(folder, name)}: it is what is fitted`);
}

function write({ folder }: ScalingRequest, report: ScalingReport): void {
  const pictures = picturesOf(report);
  const files: Record<typeof OUTPUTS[number], string> = {
    ...pictures,
    "points.csv": pointsCsv(report),
    "scaling.json": reportJson(report),
    "scaling.html": pageOf(report, pictures),
  };
  withFileFaults({ doing: "write to", path: folder, exit: "config" }, () => {
    makeFolder(folder);
    for (const [name, text] of Object.entries(files)) writeTextAtomic(join(folder, name), text);
  });
}

if (import.meta.main) await runCommand(() => scalingCommand(Deno.args));

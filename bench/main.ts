/** The command `bench`: runs benches, shows their tables, and keeps them as files when told to. */
import { fileURLToPath } from "node:url";
import { UserError } from "../src/base/user_error.ts";
import { sayText, warnText } from "../src/base/text/say.ts";
import { runCommand } from "../src/cli/command.ts";
import { flagsHelp } from "../src/cli/flags.ts";
import { openScratch } from "../src/cli/scratch.ts";
import { openStatus } from "../src/terminal/status.ts";
import { BENCH, parseBench } from "./args.ts";
import type { BenchName, BenchRequest } from "./args.ts";
import { lookAround } from "./machine.ts";
import type { Filter } from "./filter.ts";
import { benchFaults } from "./exchange/faults.ts";
import { benchData } from "./data/data.ts";
import { benchGenerate } from "./step/generate.ts";
import { benchMatmul } from "./kernels/matmul.ts";
import { benchOps } from "./kernels/ops.ts";
import { benchLstm } from "./kernels/lstm.ts";
import { benchPrepare } from "./data/prepare.ts";
import { benchProtocol } from "./exchange/protocol.ts";
import { benchRecall } from "./step/recall.ts";
import { benchReduce } from "./exchange/reduce.ts";
import { fileName, pageOf, rowsIn, showReport } from "./report.ts";
import type { Report } from "./report.ts";
import { benchSimulate } from "./simulate/report.ts";
import { benchStartup } from "./step/startup.ts";
import { benchStep } from "./step/step.ts";
import { benchTokenizers } from "./data/tokenizers.ts";
import { benchTransport } from "./exchange/transport.ts";

type Options = Pick<BenchRequest, "filter" | "kind" | "device"> & Filter;

const RUN: Readonly<Record<BenchName, (options: Options) => Promise<Report>>> = {
  ops: benchOps,
  step: benchStep,
  matmul: benchMatmul,
  reduce: benchReduce,
  simulate: benchSimulate,
  transport: benchTransport,
  startup: benchStartup,
  lstm: benchLstm,
  recall: benchRecall,
  protocol: benchProtocol,
  faults: benchFaults,
  generate: benchGenerate,
  tokenizers: benchTokenizers,
  prepare: benchPrepare,
  data: benchData,
};

const RESULTS = new URL("./results/", import.meta.url);

async function bench(args: readonly string[]): Promise<void> {
  const request = parseBench(args);
  if (request === "help") return sayText(flagsHelp(BENCH));
  const { benches, save, json, ...options } = request;
  using scratch = openScratch(await Deno.makeTempDir({ prefix: "shoal-bench-" }));
  // Folders that single benches make lie in this one, which goes even when a signal ends them.
  Deno.env.set("TMPDIR", scratch.path);
  prepareDriver(scratch.path);
  using status = openStatus();
  let rows = 0;
  for (const name of benches) {
    status.show(`measuring ${name}`);
    const doing = (row: string) => status.show(`measuring ${name}: ${row}`);
    const report = await RUN[name]({ ...options, doing });
    rows += rowsIn(report);
    status.end();
    sayText(json ? JSON.stringify(await valueOf(report)) : showReport(report));
    if (save) await keep(report, ["deno task bench", ...args].join(" "));
  }
  if (rows > 0) return;
  throw new UserError(
    "config",
    `Cannot bench: need a row whose name holds "${options.filter}": none`,
  );
}

/** Drivers look at these once, when the first adapter is opened. */
function prepareDriver(scratch: string): void {
  if (Deno.env.get("XDG_RUNTIME_DIR") === undefined) Deno.env.set("XDG_RUNTIME_DIR", scratch);
  // Empty caches: what the first load of a kernel costs can be told.
  for (const name of ["MESA_SHADER_CACHE_DIR", "__GL_SHADER_DISK_CACHE_PATH"]) {
    if (Deno.env.get(name) === undefined) Deno.env.set(name, scratch);
  }
}

/** A report as a program reads it: where it was measured, and the tables. */
async function valueOf(report: Report): Promise<unknown> {
  return { machine: await lookAround(report.adapter), ...report };
}

async function keep(report: Report, command: string): Promise<void> {
  const machine = await lookAround(report.adapter);
  const file = new URL(fileName(report, machine), RESULTS);
  await Deno.mkdir(RESULTS, { recursive: true });
  await Deno.writeTextFile(file, pageOf(report, machine, command));
  warnText(`Saved ${fileURLToPath(file)}\n`);
}

if (import.meta.main) await runCommand(() => bench(Deno.args));

/** The command `prepare`: encodes text files to a folder of token shards, or verifies one. */
import type { ExitName } from "../../base/user_error.ts";
import { shellWord } from "../../base/text/shell.ts";
import { say, sayText } from "../../base/text/say.ts";
import { verifyPrepared } from "../../data/prepared/verify.ts";
import { prepare, type PrepareOutcome, type PrepareRequest } from "../../prepare/prepare.ts";
import { summaryLines } from "../../prepare/meter.ts";
import { showBytes, showSeconds } from "../../report/format.ts";
import { runCommand } from "../command.ts";
import { flagsHelp } from "../flags.ts";
import { parsePrepare, PREPARE } from "./request.ts";
import { printsReport } from "../../terminal/output.ts";
import { PrepareMeter } from "./meter.ts";
import { INTERRUPTED, stopOnSignals } from "../../terminal/signals.ts";

/** Runs `prepare` with command-line arguments. */
export async function prepareCommand(args: readonly string[]): Promise<ExitName> {
  const line = parsePrepare(args);
  if (line === "help") sayText(flagsHelp(PREPARE));
  else if ("check" in line) check(line.check);
  else return await prepareFiles(line);
  return "done";
}

function check(folder: string): void {
  const meter = new PrepareMeter();
  const { shards, blocks, tokens } = verifyPrepared(
    folder,
    (bytes, total) => meter.reach("check", { bytes, total }),
  );
  meter.end();
  say(`${folder}: all ${blocks} blocks of ${shards} shards are good, ${tokens} tokens`);
}

async function prepareFiles(request: PrepareRequest): Promise<ExitName> {
  const { stop, requeued } = stopOnSignals({
    text: "Stopping; once more to stop at once",
  });
  printsReport();
  const meter = new PrepareMeter();
  const start = performance.now();
  const outcome = await prepare(request, { show: meter.show, stop }).finally(() => meter.end());
  const seconds = (performance.now() - start) / 1000;
  if (outcome.ended === "stopped") {
    say("Stopped: the same command goes on where it was");
    if (requeued()) return "requeue";
    Deno.exit(INTERRUPTED);
  }
  for (const text of report(request, { outcome, seconds, read: meter.read })) say(text);
  return "done";
}

function report(
  { out }: PrepareRequest,
  { outcome, seconds, read }: { outcome: PrepareOutcome; seconds: number; read: number },
): string[] {
  const { ended, index } = outcome;
  if (index === undefined) return [];
  const rate = `${showSeconds(seconds)}, ${showBytes(Math.round(read / seconds))}/s`;
  return [
    ended === "nothing" ? `Nothing to do: ${out} holds these files already` : `Prepared in ${rate}`,
    ...summaryLines(index),
    `Everything lies in ${out}. To train on it: deno task train --data=${shellWord(out)}`,
  ];
}

if (import.meta.main) await runCommand(() => prepareCommand(Deno.args));

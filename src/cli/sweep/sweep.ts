/** The command `sweep`: trains the trials of a sweep file. */
import { join } from "node:path";
import { UserError } from "../../base/user_error.ts";
import type { ExitName } from "../../base/user_error.ts";
import { say, sayText, warn } from "../../base/text/say.ts";
import { applyOverrides, isPlain } from "../../config/overrides.ts";
import { withoutModuleHashes, withUserModules } from "../../config/user/user_modules.ts";
import { besideFile } from "../../config/paths.ts";
import { showCount } from "../../report/format.ts";
import { shortfall } from "../../sweep/shortfall.ts";
import { expandSweep, type TrialFault } from "../../sweep/expand.ts";
import { readSweep } from "../../sweep/read.ts";
import type { Sweep } from "../../sweep/schema.ts";
import type { TrialProgress } from "../../sweep/trial_progress.ts";
import { trialTable } from "../../sweep/table.ts";
import { type TrunkShare, trunkShares as sharesOf } from "../../sweep/trunk.ts";
import type { Trial } from "../../sweep/types.ts";
import { autoPlace } from "../../../workers/launch/choose_device.ts";
import { runCommand } from "../command.ts";
import { loadNamed, shippedOr } from "../config_file.ts";
import { flagsHelp } from "../flags.ts";
import { printsReport } from "../../terminal/output.ts";
import { stopOnSignals } from "../../terminal/signals.ts";
import { openStatus } from "../../terminal/status.ts";
import { openBooks } from "./books.ts";
import { forecast } from "./forecast.ts";
import { leadSweep } from "./lead.ts";
import { measurer } from "./measure.ts";
import { outcomeRows } from "./outcomes.ts";
import { standingsOf } from "./resume.ts";
import { parseSweep, SWEEP, type SweepRequest } from "./request.ts";

/** Longest time that a timer takes, in seconds. */
const LONGEST = 2e6;
/** Trials that cannot be, as many as are listed. */
const LISTED = 20;

/** A sweep, and all that it is to train. */
interface Planned {
  readonly sweep: Sweep;
  readonly trials: readonly Trial[];
  readonly shares: ReadonlyMap<string, TrunkShare>;
}

/** Runs `sweep` with command-line arguments. */
export async function sweepCommand(args: readonly string[]): Promise<ExitName> {
  const request = parseSweep(args);
  if (request === "help") {
    sayText(flagsHelp(SWEEP));
    return "done";
  }
  using status = openStatus();
  status.show("planning the trials");
  const planned = await plannedOf(await sweepOf(request));
  status.end();
  const { sweep, trials, shares } = planned;
  say(`sweep ${sweep.name}: ${trials.length} trials, ${costOf(trials, shares)}`);
  if (request.dryRun) {
    for (const trial of trials) say(lineOf(trial, shares.get(trial.key)));
    const asked = {
      trials,
      shares,
      out: request.out ?? join("runs", sweep.name),
      places: placesOf(sweep),
      steps: request.probe,
    };
    const line = await forecast(asked, status);
    status.end();
    if (line !== undefined) say(line);
    return "done";
  }
  return await train(request, planned);
}

/** Trials at a time. */
function placesOf({ parallel }: Sweep): number {
  return parallel ?? navigator.hardwareConcurrency;
}

/** PCI addresses of the cards that trials are spread over. */
async function cardNames(): Promise<string[]> {
  const { cards } = await autoPlace(warn);
  return cards.flatMap(({ address }) => address ?? []);
}

async function train(
  { out: given, bounds }: SweepRequest,
  { sweep, trials, shares }: Planned,
): Promise<ExitName> {
  const out = given ?? join("runs", sweep.name);
  printsReport();
  using books = await openBooks(out, { sweep, trials });
  const standings = await standingsOf(trials, { sweep, shares, books });
  const cores = navigator.hardwareConcurrency;
  const places = placesOf(sweep);
  const { stop: signalled, requeued } = stopOnSignals({
    text: "Stopping: every trial that runs is saved; once more to stop at once",
  });
  const isTimed = bounds.seconds < LONGEST;
  const stop = isTimed
    ? AbortSignal.any([signalled, AbortSignal.timeout(1000 * bounds.seconds)])
    : signalled;
  const finished = count(standings, "done");
  say(`${finished} done before, ${trials.length - finished} to do, ${places} at a time`);
  books.journal.write({
    kind: "begin",
    trials: trials.length,
    added: books.added,
    done: finished,
    places,
  });
  using status = openStatus("stdout");
  const meter = await leadSweep({
    sweep,
    standings,
    books,
    places,
    cards: await cardNames(),
    threads: Math.max(1, Math.floor(cores / places)),
    bounds,
    stop,
    status,
  });
  status.end();
  const rows = outcomeRows(standings, books);
  books.write(rows);
  const open = count(standings, "waits");
  const busy = Math.round(1000 * meter.share) / 1000;
  books.journal.write({ kind: "end", done: count(standings, "done"), open, busy });
  for (const line of trialTable(rows)) say(line);
  say(`places were busy ${(100 * busy).toFixed(1)} % of the time that trials were queued`);
  say(
    open > 0
      ? `${open} trials are left: the same command goes on with them`
      : `Everything lies in ${out}: trials.jsonl, trials.csv, sweep.jsonl, trials`,
  );
  if (requeued() && signalled.aborted) return "requeue";
  const isCut = stop.aborted || bounds.flops < Infinity;
  const missing = shortfall(Array.from(standings.values()), { isCut });
  if (missing !== undefined) throw new UserError("incomplete", missing);
  return "done";
}

/** The sweep of a file, with the overrides of the command line. */
async function sweepOf({ file, parallel, retries, overrides }: SweepRequest): Promise<Sweep> {
  const input = await loadNamed(file);
  const { base } = input;
  const named = typeof base === "string" ? await loadNamed(base) : base;
  // A file that begins trials may be a run's own config: its modules count as they are now.
  const sweep = readSweep(
    input,
    isPlain(named)
      ? await withUserModules(
        withoutModuleHashes(typeof base === "string" ? named : besideFile(named, shippedOr(file))),
      )
      : undefined,
  );
  return {
    ...sweep,
    base: applyOverrides(sweep.base, overrides, warn),
    ...parallel !== undefined && { parallel },
    ...retries !== undefined && { retries },
  };
}

/** The trials, each with the steps that it keeps for others. @throws {UserError} that lists all faults. */
async function plannedOf(sweep: Sweep): Promise<Planned> {
  const { measure, memory } = measurer();
  const { trials, faults } = await expandSweep(sweep, measure);
  const shared = sweep.trunk
    ? sharesOf(trials)
    : { shares: new Map<string, TrunkShare>(), faults: [] };
  refuse([...faults, ...shared.faults]);
  return {
    sweep: { ...sweep, memory: sweep.memory ?? memory() },
    shares: shared.shares,
    trials: trials.map((trial) => {
      const { checkpoint } = trial.config;
      const at = [...checkpoint.at, ...shared.shares.get(trial.key)?.at ?? []];
      return { ...trial, config: { ...trial.config, checkpoint: { ...checkpoint, at } } };
    }),
  };
}

function refuse(faults: readonly TrialFault[]): void {
  if (faults.length === 0) return;
  const lines = faults.slice(0, LISTED).map(({ name, fault }) => `${name}: ${fault}`);
  const more = faults.length > LISTED ? [`and ${faults.length - LISTED} more`] : [];
  throw new UserError(
    faults.every(({ tooLarge }) => tooLarge) ? "tooLarge" : "config",
    `Cannot sweep: ${faults.length} trials cannot be trained:`,
    [...lines, ...more],
  );
}

function count(
  standings: ReadonlyMap<string, TrialProgress>,
  state: TrialProgress["state"],
): number {
  return Array.from(standings.values()).filter((one) => one.state === state).length;
}

/** `3.1e13 FLOP`, and what trunks save of it. */
function costOf(trials: readonly Trial[], shares: ReadonlyMap<string, TrunkShare>): string {
  const whole = trials.reduce((sum, { flops }) => sum + flops, 0);
  const saved = trials.reduce((sum, { key, flops, config }) => {
    const { step = 0 } = shares.get(key)?.trunk ?? {};
    return sum + flops * step / config.steps;
  }, 0);
  const text = `${(whole - saved).toExponential(2)} FLOP`;
  return saved === 0 ? text : `${text} (${whole.toExponential(2)} without shared trunks)`;
}

function lineOf({ key, name, size, tokens, flops, config }: Trial, share?: TrunkShare): string {
  const trunk = share?.trunk === undefined ? "" : `, from step ${share.trunk.step} of its trunk`;
  return `${key} ${name}: ${showCount(size.counts.all)} parameters, ${showCount(tokens)} tokens, ` +
    `${config.steps} steps${trunk}, ${flops.toExponential(2)} FLOP`;
}

if (import.meta.main) await runCommand(() => sweepCommand(Deno.args));

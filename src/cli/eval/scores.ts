/** Scores the targets that a model writes for the validation pairs. */
import { openPairModel } from "../../engine/targets/pair_model.ts";
import type { OpenedModel } from "../../artifacts/model.ts";
import { UserError } from "../../base/user_error.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { listOf, type PairList } from "../../data/sources/pairs.ts";
import { writeTargets } from "../../engine/targets/write.ts";
import type { Status } from "../../report/progress/status.ts";
import { type TargetScores, targetScores } from "../../scores/targets.ts";
import { compilingIn } from "../../terminal/status.ts";
import { openDevice } from "../device.ts";
import type { EvalRequest } from "./request.ts";

/** Texts that are continued side by side. */
const SIDE_BY_SIDE = 128;

/** A source with all of its targets. */
interface Entry {
  readonly source: Uint32Array;
  readonly references: string[];
}

/** Scores of targets of `request.pairs` sources, evenly spaced among the validation pairs. */
export async function scoreTargets(
  opened: OpenedModel,
  { texts }: Corpus,
  { request, status, signal }: { request: EvalRequest; status: Status; signal: AbortSignal },
): Promise<TargetScores | undefined> {
  const device = await openDevice(request.device, compilingIn(status));
  const { beams } = request.search;
  const pairs = await openPairModel(device, opened, Math.max(beams, SIDE_BY_SIDE));
  const [text] = texts;
  if (text === undefined) throw new UserError("config", "Cannot score targets: need pairs: none");
  const all = entriesOf(listOf(text.validation, "validate"), pairs);
  const count = request.pairs === 0 ? all.length : Math.min(request.pairs, all.length);
  const own = Array.from(
    { length: count },
    (_, i) => all[Math.floor(i * all.length / count)] as Entry,
  );
  const targets = await writeTargets(pairs.writer, own.map(({ source }) => source), {
    writing: { ...request.search, end: pairs.end },
    signal,
    async moved(done) {
      status.show("writing targets", { done, total: count });
      await new Promise((resolve) => setTimeout(resolve));
    },
  });
  if (signal.aborted) return undefined;
  return targetScores(
    targets.map((target, i) => ({
      text: pairs.textOf(target),
      references: own[i]?.references ?? [],
    })),
  );
}

/** The sources of pairs, each once, in order. */
function entriesOf(
  list: PairList,
  { end, textOf }: { end: number; textOf: (target: readonly number[]) => string },
): Entry[] {
  const entries = new Map<string, Entry>();
  for (let i = 0; i < list.count; i++) {
    const pair = list.pair(i);
    const middle = pair.indexOf(end) + 1;
    const [source, target] = [pair.subarray(0, middle), pair.subarray(middle, -1)];
    const key = source.join();
    const known = entries.get(key) ?? { source, references: [] };
    known.references.push(textOf(Array.from(target)));
    entries.set(key, known);
  }
  return Array.from(entries.values());
}

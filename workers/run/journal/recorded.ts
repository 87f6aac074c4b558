/**
 * Reads from a run's journal what a resume depends on: skipped steps, and checkpoints that must exist.
 * Every value is validated against its type, its range and the order of the run. Pure.
 */
import { minOf } from "../../../src/base/extremes.ts";
import type { JournalLine, ParsedJournal } from "../../../src/report/journal/journal.ts";
import { EARLIER_KINDS, entrySchemas } from "./schema.ts";

/** A decision to skip steps. */
export interface RecordedDecision {
  /** The step at which it was made: the last of `skips`. */
  readonly step: number;
  /** In order. */
  readonly skips: readonly number[];
}

/** What a journal records. */
export interface Recorded {
  readonly decisions: readonly RecordedDecision[];
  /** Steps, in order, that were saved and neither removed nor set aside since. */
  readonly saved: readonly number[];
  /** Hash of the config that the last process stored, where it is recorded. */
  readonly config?: string | undefined;
  /** The first invalid line, as "line 3 ..."; later lines are not read. */
  readonly fault?: string;
}

/** How far the run was at a line. */
interface Course {
  readonly decisions: RecordedDecision[];
  readonly saved: Set<number>;
  /** The latest save and decision since the last start or rewind: neither may go back. */
  lastSaved: number;
  lastDecided: number;
  /** The last step of the process. */
  end: number;
  config: string | undefined;
}

/** What the entries of a journal record. */
export function recordedIn({ entries, unsealed }: ParsedJournal): Recorded {
  const course: Course = {
    decisions: [],
    saved: new Set(),
    lastSaved: 0,
    lastDecided: 0,
    end: Infinity,
    config: undefined,
  };
  const result = (): Recorded => ({
    decisions: course.decisions,
    saved: Array.from(course.saved).sort((a, b) => a - b),
    config: course.config,
  });
  for (const [i, entry] of entries.entries()) {
    const fault = i < unsealed && !EARLIER_KINDS.includes(entry.kind)
      ? `is of no known kind: ${entry.kind}`
      : take(course, entry);
    if (fault !== undefined) return { ...result(), fault: `line ${i + 1} ${fault}` };
  }
  return result();
}

/** Applies an entry; returns why it is invalid, or undefined. */
function take(course: Course, entry: JournalLine): string | undefined {
  const { kind } = entry;
  if (!Object.hasOwn(entrySchemas, kind)) return undefined;
  const name = kind as keyof typeof entrySchemas;
  const parsed = entrySchemas[name].safeParse(entry);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return `(${kind}) is not valid: ${issue?.path.join(".")}: ${issue?.message}`;
  }
  return HANDLERS[name](course, entry);
}

type Handler = (course: Course, entry: JournalLine) => string | undefined;

const drop: Handler = ({ saved }, { steps }) => {
  for (const step of steps as number[]) saved.delete(step);
  return undefined;
};

/** Applies entries that their schemas have accepted. */
const HANDLERS: Readonly<Record<keyof typeof entrySchemas, Handler>> = {
  start(course, { from, steps, config }) {
    if (Number(from) > Number(steps)) return `(start) begins at step ${from} of ${steps}`;
    course.lastSaved = course.lastDecided = Number(from);
    course.end = Number(steps);
    course.config = config as string | undefined;
    return undefined;
  },
  rewind(course, { from, to }) {
    if (Number(to) > Number(from)) return `(rewind) goes from step ${from} on to step ${to}`;
    course.lastSaved = course.lastDecided = Number(to);
    return undefined;
  },
  saved(course, { step }) {
    const fault = orderFault("saved", { step: Number(step), after: course.lastSaved, course });
    if (fault !== undefined) return fault;
    course.lastSaved = Number(step);
    course.saved.add(Number(step));
    return undefined;
  },
  skip(course, entry) {
    const step = Number(entry["step"]);
    const skips = entry["skips"] as number[];
    const fault = orderFault("skip", { step, after: course.lastDecided, course });
    if (fault !== undefined) return fault;
    const known = new Set(course.decisions.flatMap((decision) => decision.skips));
    const isInOrder = skips.every((each, i) => i === 0 || each > (skips[i - 1] as number));
    if (!isInOrder || skips.at(-1) !== step || skips.some((each) => known.has(each))) {
      return `(skip) must list new steps up to ${step} in order: it lists ${skips.join(", ")}`;
    }
    course.lastDecided = step;
    course.decisions.push({ step, skips });
    const first = minOf(skips);
    for (const each of course.saved) if (each > first) course.saved.delete(each);
    return undefined;
  },
  removed: drop,
  set_aside: drop,
};

function orderFault(
  kind: string,
  { step, after, course: { end } }: { step: number; after: number; course: Course },
): string | undefined {
  if (step < after) return `(${kind}) is of step ${step}, which lies before step ${after}`;
  if (step > end) return `(${kind}) is of step ${step}, but the run ends at step ${end}`;
  return undefined;
}

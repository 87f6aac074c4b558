/**
 * Divides test files into jobs, each a process of `deno test`. Files that start many processes or
 * compile many kernels are jobs of their own and begin first; the others share a job per folder,
 * since a process takes longer to start than most of them take to run.
 */

/** Test files that one process runs. */
export interface Job {
  readonly name: string;
  readonly files: readonly string[];
  /** At most one job of a lane runs at a time. */
  readonly lane?: string;
}

/** Folders whose files are jobs of their own, those that take the longest first. */
const LONG = [
  "tests/e2e/train",
  "tests/faults",
  "tests/e2e",
  "tests/library",
  "tests/cpu",
  "tests/examples",
  "tests/workers/lockstep",
  "tests/kernels",
  "tests/engine",
] as const;

/** Single files that take as long as whole folders. */
const LONG_FILES = ["tests/kernels_test.ts", "tests/bench_test.ts"] as const;

/** Folders whose tests measure times of processes: two of them would disturb each other. */
const TIMED = ["tests/faults"] as const;

/** The jobs of these files, in the order in which they begin. */
export function jobsOf(files: readonly string[]): Job[] {
  const alone: { readonly job: Job; readonly rank: number }[] = [];
  const shared = new Map<string, string[]>();
  for (const file of files.toSorted()) {
    const rank = rankOf(file);
    if (rank !== undefined) {
      alone.push({ job: { name: file, files: [file], ...laneOf(file) }, rank });
      continue;
    }
    const folder = file.split("/").slice(0, 2).join("/");
    const name = folder.endsWith(".ts") ? "tests/*.ts" : folder;
    shared.set(name, [...shared.get(name) ?? [], file]);
  }
  const first = alone.toSorted((a, b) => a.rank - b.rank).map(({ job }) => job);
  const rest = Array.from(shared, ([name, files]) => ({ name, files }))
    .toSorted((a, b) => b.files.length - a.files.length);
  return [...first, ...rest];
}

/** How early a file begins; undefined for one that shares a job. */
function rankOf(file: string): number | undefined {
  const folder = file.slice(0, file.lastIndexOf("/"));
  const rank = LONG.findIndex((long) => folder === long);
  if (rank >= 0) return rank;
  return LONG_FILES.some((long) => file === long) ? LONG.length : undefined;
}

function laneOf(file: string): { lane?: string } {
  const lane = TIMED.find((folder) => file.startsWith(`${folder}/`));
  return lane === undefined ? {} : { lane };
}

/** Runs jobs, at most `most` at a time and one of each lane. Resolves when all have ended. */
export async function runJobs(
  jobs: readonly Job[],
  { most, run }: { readonly most: number; readonly run: (job: Job) => Promise<void> },
): Promise<void> {
  const waiting = [...jobs];
  const lanes = new Set<string>();
  const running = new Set<Promise<void>>();
  while (waiting.length > 0 || running.size > 0) {
    const next = running.size < most
      ? waiting.findIndex(({ lane }) => lane === undefined || !lanes.has(lane))
      : -1;
    const [job] = next < 0 ? [] : waiting.splice(next, 1);
    if (job === undefined) {
      await Promise.race(running);
      continue;
    }
    if (job.lane !== undefined) lanes.add(job.lane);
    const ended: Promise<void> = run(job).finally(() => {
      running.delete(ended);
      if (job.lane !== undefined) lanes.delete(job.lane);
    });
    running.add(ended);
  }
}

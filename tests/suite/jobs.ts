/**
 * Divides test files into jobs, each a process of `deno test`. Files that start many processes or
 * compile many kernels are jobs of their own and begin first; the others share a job per folder,
 * since a process takes longer to start than most of them take to run.
 */

/** Test files that one process runs. */
export interface Job {
  readonly name: string;
  readonly files: readonly string[];
  /** Whether no other job may run beside it. */
  readonly alone?: true;
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
const LONG_FILES = [
  "tests/kernels_test.ts",
  "tests/bench_test.ts",
  "tests/reduce/faults_test.ts",
] as const;

/** Files that hold processes to times: they run one by one, after all others. */
const TIMED: readonly string[] = [
  "admission",
  "chaos",
  "coordinator",
  "frames",
  "moved_folder",
  "network",
  "numbers",
  "replacement",
  "rogue",
  "worker_loss",
].map((name) => `tests/faults/${name}_test.ts`);

/** The jobs of these files, in the order in which they begin. */
export function jobsOf(files: readonly string[]): Job[] {
  const alone: { readonly job: Job; readonly rank: number }[] = [];
  const shared = new Map<string, string[]>();
  const timed: Job[] = [];
  for (const file of files.toSorted()) {
    if (TIMED.includes(file)) {
      timed.push({ name: file, files: [file], alone: true });
      continue;
    }
    const rank = rankOf(file);
    if (rank !== undefined) {
      alone.push({ job: { name: file, files: [file] }, rank });
      continue;
    }
    const folder = file.split("/").slice(0, 2).join("/");
    const name = folder.endsWith(".ts") ? "tests/*.ts" : folder;
    shared.set(name, [...shared.get(name) ?? [], file]);
  }
  const first = alone.toSorted((a, b) => a.rank - b.rank).map(({ job }) => job);
  const rest = Array.from(shared, ([name, files]) => ({ name, files }))
    .toSorted((a, b) => b.files.length - a.files.length);
  return [...first, ...rest, ...timed];
}

/** How early a file begins; undefined for one that shares a job. */
function rankOf(file: string): number | undefined {
  const folder = file.slice(0, file.lastIndexOf("/"));
  const rank = LONG.findIndex((long) => folder === long);
  if (rank >= 0) return rank;
  return LONG_FILES.some((long) => file === long) ? LONG.length : undefined;
}

/** Runs jobs in order, at most `most` at a time. Resolves when all have ended. */
export async function runJobs(
  jobs: readonly Job[],
  { most, run }: { readonly most: number; readonly run: (job: Job) => Promise<void> },
): Promise<void> {
  const running = new Set<Promise<void>>();
  let isAlone = false;
  for (const job of jobs) {
    const room = job.alone === true || isAlone ? 1 : most;
    while (running.size >= room) await Promise.race(running);
    isAlone = job.alone === true;
    const ended: Promise<void> = run(job).finally(() => running.delete(ended));
    running.add(ended);
  }
  await Promise.all(running);
}

/** How the task `test` divides files, runs jobs, and adds up their counts. */
import { assertEquals } from "@std/assert";
import { parseTest } from "./args.ts";
import { added, closing, countsIn, NONE } from "./counts.ts";
import { type Job, jobsOf, runJobs } from "./jobs.ts";

const FILES = [
  "tests/base/hash_test.ts",
  "tests/faults/disk_test.ts",
  "tests/base/random_test.ts",
  "tests/tiny_test.ts",
  "tests/docs_test.ts",
  "tests/faults/support/proxy_test.ts",
  "tests/kernels_test.ts",
  "tests/e2e/train/lockstep_test.ts",
  "tests/workers/run/saver_test.ts",
  "tests/workers/lockstep/lockstep_test.ts",
];

const TIMED = "tests/faults/network_test.ts";

Deno.test("each file is in one job, long ones alone and first, the others by folder", () => {
  const jobs = jobsOf(FILES);
  assertEquals(jobs.flatMap(({ files }) => files).sort(), FILES.toSorted());
  assertEquals(jobs.slice(0, 4).map(({ files }) => files), [
    ["tests/e2e/train/lockstep_test.ts"],
    ["tests/faults/disk_test.ts"],
    ["tests/workers/lockstep/lockstep_test.ts"],
    ["tests/kernels_test.ts"],
  ]);
  const shared = jobs.slice(4).map(({ name }) => name);
  assertEquals(shared.sort(), ["tests/*.ts", "tests/base", "tests/faults", "tests/workers"]);
  assertEquals(jobsOf([...FILES, TIMED]).at(-1), { name: TIMED, files: [TIMED], alone: true });
});

Deno.test("so many jobs run at a time, and nothing beside one that runs alone", async () => {
  const jobs: Job[] = Array.from({ length: 9 }, (_, i) => ({
    name: `${i}`,
    files: [],
    ...i > 6 && { alone: true },
  }));
  const running = new Set<Job>();
  const ended: string[] = [];
  let most = 0;
  await runJobs(jobs, {
    most: 3,
    run: async (job) => {
      running.add(job);
      most = Math.max(most, running.size);
      if (Array.from(running).some(({ alone }) => alone)) assertEquals(running.size, 1);
      for (let turn = 0; turn < 3; turn++) await Promise.resolve();
      running.delete(job);
      ended.push(job.name);
    },
  });
  assertEquals(most, 3);
  assertEquals(ended.sort(), jobs.map(({ name }) => name));
});

Deno.test("counts are read from the last line, and written as deno test writes them", () => {
  const output = "ok | 1 passed | 0 failed (1s)\n" +
    "FAILED | 12 passed (3 steps) | 2 failed (1 step) | 5 ignored (4 steps) (1m2s)\nerror: x\n";
  const counts = { passed: 12, failed: 2, ignored: 5 };
  assertEquals(countsIn(output), counts);
  assertEquals(countsIn("a crash"), undefined);
  assertEquals(countsIn(closing(counts, 62, false)), counts);
  assertEquals(closing(counts, 62, false), "FAILED | 12 passed | 2 failed | 5 ignored (1m2s)");
  assertEquals(
    closing(added(NONE, { ...NONE, passed: 3 }), 4, true),
    "ok | 3 passed | 0 failed (4s)",
  );
});

Deno.test("the task test takes paths, a filter and a number of processes", () => {
  assertEquals(parseTest(["tests/base", "--filter=a b", "--jobs=3"]), {
    paths: ["tests/base"],
    filter: "a b",
    jobs: 3,
  });
  assertEquals(parseTest([]), { paths: [], jobs: navigator.hardwareConcurrency });
});

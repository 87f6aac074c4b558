/**
 * The task `test`: runs test files in several processes of `deno test`, and adds up their counts.
 * Processes keep tests apart that set variables or folders of their process.
 */
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { sayText, warnText } from "../../src/base/text/say.ts";
import { runCommand } from "../../src/cli/command.ts";
import { flagsHelp } from "../../src/cli/flags.ts";
import { openScratch } from "../../src/cli/scratch.ts";
import { openStatus } from "../../src/terminal/status.ts";
import { parseTest, TEST, type TestRequest } from "./args.ts";
import { added, closing, type Counts, countsIn, NONE } from "./counts.ts";
import { SHARED } from "../support/shared.ts";
import { type Job, jobsOf, runJobs } from "./jobs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What all jobs are given. */
interface Running extends TestRequest {
  /** A folder that they share. */
  readonly shared: string;
}

/** How a job ended. */
interface Outcome {
  readonly ok: boolean;
  readonly counts: Counts;
  readonly output: string;
}

async function test(args: readonly string[]): Promise<void> {
  const request = parseTest(args);
  if (request === "help") return sayText(flagsHelp(TEST));
  const start = performance.now();
  const files = await filesOf(request.paths);
  const jobs = jobsOf(files);
  using scratch = openScratch(await Deno.makeTempDir({ prefix: "shoal-suite-" }));
  let counts = NONE;
  const failed: string[] = [];
  let ended = 0;
  using status = openStatus();
  const show = () => status.show("testing", { done: ended, total: jobs.length });
  show();
  await runJobs(jobs, {
    most: request.jobs,
    run: async (job) => {
      const outcome = await outcomeOf(job, { ...request, shared: scratch.path });
      counts = added(counts, outcome.counts);
      ended++;
      status.end();
      sayText(outcome.output.trimEnd());
      if (!outcome.ok) failed.push(job.name);
      show();
    },
  });
  status.end();
  for (const name of failed) warnText(`failed: ${name}`);
  const ok = failed.length === 0;
  const seconds = (performance.now() - start) / 1000;
  sayText(closing(counts, seconds, ok));
  if (!ok) Deno.exit(1);
}

/** Processes that still run; they end with this one. */
const children = new Set<Deno.ChildProcess>();
addEventListener("unload", () => {
  for (const child of children) child.kill("SIGTERM");
});

/** Runs a job; once more where a signal ended it: software drivers can crash as a process ends. */
async function outcomeOf(job: Job, request: Running): Promise<Outcome> {
  const first = await attempt(job, request);
  return first.signal === null ? first : await attempt(job, request);
}

async function attempt(
  { files }: Job,
  { filter, shared }: Running,
): Promise<Outcome & { readonly signal: Deno.Signal | null }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--quiet", "--no-prompt", "--no-check", `--config=${ROOT}deno.json`, "-P=tests"],
      ...filter === undefined ? [] : [`--filter=${filter}`],
      ...files.map((file) => join(ROOT, file)),
    ],
    cwd: ROOT,
    env: { NO_COLOR: "1", [SHARED]: shared },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  children.add(child);
  const { success, signal, stdout, stderr } = await child.output();
  children.delete(child);
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const counts = countsIn(output) ?? NONE;
  const ok = success && counts !== NONE;
  // A process that fails beside its tests counts as one of them.
  return { ok, counts: ok ? counts : { ...counts, failed: counts.failed || 1 }, output, signal };
}

/** Paths from the root of all test files, or of those that these paths name. @throws {UserError}. */
async function filesOf(paths: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths.length === 0 ? [join(ROOT, "tests")] : paths) {
    const whole = resolve(path);
    const names = await testsIn(whole);
    if (names.length === 0) {
      throw new UserError("noInput", `Cannot test ${path}: need files that end in _test.ts`);
    }
    for (const name of names) found.add(relative(ROOT, name));
  }
  return Array.from(found);
}

async function testsIn(path: string): Promise<string[]> {
  const { isFile } = await Deno.stat(path);
  if (isFile) return [path];
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) found.push(...await testsIn(join(path, name)));
    else if (name.endsWith("_test.ts")) found.push(join(path, name));
  }
  return found;
}

if (import.meta.main) await runCommand(() => test(Deno.args));

/**
 * Replacements that cannot start for any reason: the remaining workers continue to the same bits,
 * and a run without workers keeps its last checkpoint and reports the cause.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { EXIT } from "../../src/base/user_error.ts";
import { namesIn, type Running } from "../e2e/support.ts";
import { needing, PRLIMIT } from "../support/needs.ts";
import { descriptors, shell } from "./support/proc.ts";
import { args, golden, Lab, stepLine, STEPS } from "./support/support.ts";

/** A folder whose runs can be broken while they train. */
class Site extends Lab {
  constructor() {
    super({ limit: 120_000 });
  }

  /** Starts a run with steps of `ms` whose runtime's cache is a link; resolves when it trains. */
  async begin(workers: number, ms: number, ...more: readonly string[]): Promise<Running> {
    this.link();
    const slow = Array.from({ length: STEPS - 5 }, (_, n) => ({
      at: { step: 5 + n, rank: 0, point: "summed" },
      do: "delay",
      ms,
    }));
    const line = args("gpt", "run", `--workers=${workers}`, ...more, ...this.faults(...slow));
    const running = this.start(line, { DENO_DIR: this.of("cache") });
    await running.line(stepLine(3));
    return running;
  }

  /** The runtime's cache, at a path in this folder. */
  link(): void {
    const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
    Deno.symlinkSync(JSON.parse(new TextDecoder().decode(stdout)).denoDir, this.of("cache"));
  }

  /** The folder of the run's sockets. */
  get sockets(): string {
    return this.of(`tmp/${namesIn(this.of("tmp"))[0]}`);
  }

  /** Kills the newest worker of the run. */
  killWorker(running: Running): void {
    const pid = this.processes().filter((each) => each !== running.pid).at(-1);
    Deno.kill(pid ?? NaN, "SIGKILL");
  }

  /** Steps of checkpoints, from the journal. */
  get saved(): unknown[] {
    return this.journal("run", "saved").map(({ step }) => step);
  }
}

/** Causes that prevent a replacement; the run's workers, and the expected messages. */
const BREAKS = {
  "the runtime's cache is gone": {
    breaks: (site: Site) => Deno.removeSync(site.of("cache")),
    says:
      /Cannot start another worker: its process ended with code 1: .+; going on with 1 of 2 workers/g,
  },
  "no descriptor is left": {
    breaks: (_: Site, { pid }: Running) => {
      const most = descriptors(pid);
      shell(`prlimit --pid ${pid} --nofile=${most}:${most}`);
    },
    says: /Cannot start another worker: .+too many are open; going on with 1 of 2 workers/g,
  },
  "something else is where the sockets were": {
    breaks: (site: Site) => {
      const path = site.sockets;
      Deno.removeSync(path, { recursive: true });
      Deno.writeTextFileSync(path, "a stranger's");
    },
    says:
      /Cannot start another worker: Cannot recreate the folder of sockets .+: need .+; going on with 1 of 2/g,
  },
};

for (const [what, { breaks, says }] of Object.entries(BREAKS)) {
  Deno.test({
    ...needing(`${what}: a lost worker is not replaced, and the other one ends the run`, PRLIMIT),
    fn: async () => {
      using site = new Site();
      const state = await golden("gpt");
      const running = await site.begin(2, 100, "--checkpoint.every=100");
      breaks(site, running);
      site.killWorker(running);
      const { code, stdout, stderr } = await running.ended;
      assertEquals([code, stderr], [0, ""], stdout);
      assertEquals(stdout.match(says)?.length, 1, stdout);
      // The last worker's state is saved at once, not when a checkpoint is due.
      assert(site.saved.some((step) => step !== STEPS), `${site.saved}`);
      for (const name of namesIn(site.of("tmp"))) {
        assertEquals(Deno.readTextFileSync(site.of(`tmp/${name}`)), "a stranger's");
        Deno.removeSync(site.of(`tmp/${name}`));
      }
      await site.assertEnded("run", { state });
    },
  });
}

Deno.test("a folder of sockets that is gone is made anew: who is left meets there, and a replacement joins", async () => {
  using site = new Site();
  const state = await golden("gpt");
  const running = await site.begin(3, 1000);
  Deno.removeSync(site.sockets, { recursive: true });
  site.killWorker(running);
  await running.line(/^Going on from step \d+ with 2 of 3 workers \(1 gone\)/);
  await running.line(/^Going on from step \d+ with 3 of 3 workers \(1 new\)/);
  running.kill("SIGTERM");
  const { code, stdout } = await running.ended;
  assertEquals(code, 0, stdout);
  const reasons = site.journal("run", "membership").map(({ reason }) => String(reason));
  assertEquals(reasons.filter((reason) => reason.includes("is lost")).length, 1, `${reasons}`);
  await site.finish(["--resume=run"]);
  await site.assertEnded("run", { state });
});

Deno.test("a run whose last worker cannot be replaced ends with 74 and the cause, and its checkpoint is good", async () => {
  using site = new Site();
  const running = await site.begin(1, 100, "--recovery.restarts=2", "--checkpoint.every=4");
  await running.line(/^saved /);
  Deno.removeSync(site.of("cache"));
  site.killWorker(running);
  const { code, stdout, stderr } = await running.ended;
  assertEquals(code, EXIT.lost, stderr);
  assertMatch(
    stderr,
    /^error: Cannot go on: 3 workers were lost within 10 min, recovery\.restarts allows 2; the last one: its process ended with code 1: .+\n$/,
  );
  assertEquals(stdout.match(/Cannot start another worker/g)?.length, 1);
  await site.assertSettled("run");
  await site.finish(["--resume=run"]);
  await site.assertEnded("run", { state: await golden("gpt") });
});

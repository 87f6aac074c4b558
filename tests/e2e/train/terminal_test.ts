/** What Ctrl-C and a closed terminal do to the commands that heed signals, as their tasks run them. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { shellWord } from "../../../src/base/text/shell.ts";
import { lockRun } from "../../../src/checkpoint/lock/lock.ts";
import { INTERRUPTED, REPEAT_MS } from "../../../src/terminal/signals.ts";
import { CTRL_BACKSLASH, CTRL_C, Terminal } from "../../support/terminal.ts";
import { namesIn, Place, ROOT } from "../support.ts";
import { TINY } from "../sweep.ts";
import { textOf } from "../text.ts";

// A machine may have Deno from npx alone, which no PATH names.
const TASK = `${shellWord(Deno.execPath())} task --quiet --config ${shellWord(`${ROOT}deno.json`)}`;

/** What the signal of a whole terminal must not reach twice, and what must not outlive it. */
class Desk extends Place {
  /** A command of `train` that does not end by itself. */
  train(out: string, { launcher = TASK, more = "" } = {}): string {
    return `${launcher} train ${shellWord(`${ROOT}configs/smoke.ts`)} --data=${
      this.of("text.txt")
    } ` +
      `--out=${this.of(out)} --steps=100000 --device=reference --workers=2 --micro_batch_size=2 ` +
      "--model.layers=1 --model.width=8 --model.heads=2 --data.seq_len=8 --eval.windows=2 " +
      `--report.sample_length=0 ${more}`;
  }

  /** A command of `sweep` with trials that do not end by themselves. */
  sweep(out: string, { batch, seeds }: { batch: number; seeds: readonly number[] }): string {
    const data = { ...TINY.base.data, path: this.of("text.txt") };
    const base = { ...TINY.base, steps: 100_000, micro_batch_size: batch, data };
    this.write("sweep.json", JSON.stringify({ ...TINY, base, axes: { seed: seeds } }));
    return `${TASK} sweep ${this.of("sweep.json")} --out=${this.of(out)} --parallel=2`;
  }

  open(command: string): Terminal {
    const env = { TMPDIR: this.of("tmp"), XDG_RUNTIME_DIR: this.path };
    return new Terminal(command, { cwd: this.path, env });
  }

  /** Presses Ctrl-C once; gives how the command ended. */
  async press(command: string, until: (terminal: Terminal) => Promise<void>) {
    await using terminal = this.open(command);
    await until(terminal);
    await terminal.press(CTRL_C);
    return await terminal.ended;
  }

  /** Presses Ctrl-C twice, with time between; gives the milliseconds that the second one took. */
  async pressTwice(command: string, until: () => Promise<void>): Promise<number> {
    await using terminal = this.open(command);
    await until();
    await terminal.press(CTRL_C);
    await terminal.shows(/once more to stop at once/);
    await pause(REPEAT_MS + 300);
    const start = performance.now();
    await terminal.press(CTRL_C);
    const { code, text } = await terminal.ended;
    const ms = performance.now() - start;
    assertEquals(code, INTERRUPTED, text);
    return ms;
  }

  /** Names in a folder that may not be there yet. */
  names(path: string): string[] {
    try {
      return namesIn(this.of(path));
    } catch {
      return [];
    }
  }

  /** Whether a run has reported a step. */
  trains(out: string): boolean {
    return this.names(out).includes("metrics.jsonl") &&
      Deno.statSync(this.of(`${out}/metrics.jsonl`)).size > 0;
  }

  /** Nothing that was started lives for longer than workers take to leave. */
  async assertGone(): Promise<void> {
    await appears(() => this.#commandLines() === "");
    assertEquals(this.#commandLines(), "");
    this.assertQuiet();
  }

  /** Command lines that name a file of this place: of its commands, and of their workers. */
  #commandLines(): string {
    // The pattern comes by a file: otherwise grep would find itself.
    this.write("pattern", this.path);
    const { stdout } = new Deno.Command("sh", {
      args: ["-c", "grep -lsFf pattern /proc/[0-9]*/cmdline | xargs -r cat 2>&- | tr '\\0' ' '"],
      cwd: this.path,
    }).outputSync();
    return new TextDecoder().decode(stdout);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for something, not for ever: what follows says what is missing. */
async function appears(holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; !holds() && performance.now() < end;) {
    await pause(20);
  }
}

/** A run has ended well: its last step is saved, and nothing says that it is still going on. */
function assertSaved(desk: Desk, out: string): void {
  const steps = Number(desk.json(`${out}/summary.json`)["steps"]);
  assert(steps >= 1);
  const saved = `${out}/checkpoints/step-${String(steps).padStart(8, "0")}`;
  assert(desk.names(saved).includes("manifest.json"), saved);
  assertEquals(desk.names(out).filter((name) => name.startsWith(".control")), []);
}

Deno.test("one Ctrl-C on a terminal stops a command, and all that it did is kept", async (t) => {
  using desk = new Desk();
  for (const [i, launcher] of [TASK, TASK, shellWord(`${ROOT}shoal`)].entries()) {
    await t.step(`train, ${i + 1}`, async () => {
      const command = desk.train(`run-${i}`, { launcher });
      const { code, text } = await desk.press(
        command,
        () => appears(() => desk.trains(`run-${i}`)),
      );
      assertEquals(code, 0, text);
      assertSaved(desk, `run-${i}`);
      await desk.assertGone();
    });
  }
  await t.step("sweep", async () => {
    const command = desk.sweep("s", { batch: 2, seeds: [1, 2] });
    const trials = () => desk.names("s/trials").map((name) => `s/trials/${name}`);
    const { code, text } = await desk.press(
      command,
      () => appears(() => trials().length === 2 && trials().every((trial) => desk.trains(trial))),
    );
    assertEquals(code, 0, text);
    assert(text.includes("2 trials are left: the same command goes on with them"), text);
    for (const trial of trials()) assertSaved(desk, trial);
    await desk.assertGone();
  });
  await t.step("prepare", async () => {
    desk.write("long.txt", textOf(2, 1_000_000).repeat(16));
    const words = "--tokenizer=byte --shard-tokens=65536";
    const command = `${TASK} prepare ${desk.of("long.txt")} ${words} --out=${desk.of("p")}`;
    const shard = () => desk.names("p").some((name) => name.endsWith(".tokens"));
    const { code, text } = await desk.press(command, () => appears(shard));
    assertEquals(code, INTERRUPTED, text);
    assert(text.includes("the same command goes on where it was"), text);
  });
  await t.step("eval", async () => {
    const words = `--data=${desk.of("long.txt")} --stride=1 --device=reference`;
    const command = `${TASK} eval ${desk.of("run-0")} ${words}`;
    const { code, text } = await desk.press(command, async () => {
      await appears(() => desk.names("tmp").length > 0); // the folder of its worker's socket
      await pause(1000);
    });
    assertEquals(code, INTERRUPTED, text);
    assert(text.includes("Stopped before the evaluation was over"), text);
    await desk.assertGone();
  });
  await t.step("generate", async () => {
    const words = "--prompt=whale --tokens=1000000 --device=reference";
    const command = `${TASK} generate ${desk.of("run-0")} ${words}`;
    const { code, text } = await desk.press(command, (it) => it.shows(/whale[^]{40}/));
    assertEquals(code, INTERRUPTED, text);
  });
});

Deno.test("a second Ctrl-C ends a command at once, with all that it has started", async (t) => {
  using desk = new Desk();
  await t.step("train, and its folder is free again", async () => {
    // Steps of many seconds, so that the run does not end by itself between the two.
    const command = desk.train("run", { more: "--micro_batch_size=4096" });
    const ms = await desk.pressTwice(command, async () => {
      await appears(() => desk.names("run").includes("journal.jsonl")); // workers have begun
      await pause(500);
    });
    assertLess(ms, 1500);
    assertEquals(desk.names("run").filter((name) => name.startsWith(".control")), []);
    await desk.assertGone();
    using _free = await lockRun(desk.of("run"));
  });
  await t.step("sweep", async () => {
    const command = desk.sweep("s", { batch: 65_536, seeds: [1] });
    const begun = () =>
      desk.names("s/trials").some((name) =>
        desk.names(`s/trials/${name}`).includes("journal.jsonl")
      );
    const ms = await desk.pressTwice(command, async () => {
      await appears(begun);
      await pause(500);
    });
    assertLess(ms, 1500);
    await desk.assertGone();
  });
});

Deno.test("Ctrl-\\ stops a command as Ctrl-C does, and all that it did is kept", async (t) => {
  using desk = new Desk();
  const press = async (command: string, until: () => boolean) => {
    await using terminal = desk.open(command);
    await appears(until);
    await terminal.press(CTRL_BACKSLASH);
    await desk.assertGone();
  };
  for (const [i, launcher] of [TASK, shellWord(`${ROOT}shoal`)].entries()) {
    await t.step(`train, ${i + 1}`, async () => {
      await press(desk.train(`run-${i}`, { launcher }), () => desk.trains(`run-${i}`));
      assertSaved(desk, `run-${i}`);
    });
  }
  await t.step("sweep", async () => {
    const trials = () => desk.names("s/trials").map((name) => `s/trials/${name}`);
    await press(
      desk.sweep("s", { batch: 2, seeds: [1, 2] }),
      () => trials().length === 2 && trials().every((trial) => desk.trains(trial)),
    );
    for (const trial of trials()) assertSaved(desk, trial);
  });
});

Deno.test("a run whose terminal is closed is saved, and one by nohup does not hear of it", async (t) => {
  using desk = new Desk();
  await t.step("closed", async () => {
    await using terminal = desk.open(desk.train("run"));
    await appears(() => desk.trains("run"));
    terminal.close();
    await appears(() => desk.names("run").includes("summary.json"));
    await desk.assertGone();
    assertSaved(desk, "run");
  });
  await t.step("by nohup", async () => {
    const command = desk.train("kept", { launcher: `nohup ${TASK}`, more: "--steps=20" });
    desk.write("script.sh", `${command} > log & wait\n`);
    await using terminal = desk.open("sh script.sh");
    await appears(() => desk.trains("kept"));
    terminal.close();
    await desk.assertGone();
    assertEquals(desk.json("kept/summary.json")["steps"], 20);
  });
});

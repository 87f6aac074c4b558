import { assert, assertEquals } from "@std/assert";
import type { RunEvent } from "../../src/report/events.ts";
import { type Later, type MetricsFile, metricsLog } from "../../src/report/jsonl.ts";
import { cutLines } from "../../src/report/metrics.ts";
import { mkfifo } from "../support/pipe.ts";
import { checkpoint, END, evaluation, start, step, TempFolder } from "./fixture.ts";

/** A timer that fires only on demand. */
class Clock {
  run: (() => void) | undefined;
  asked = 0;
  readonly later: Later = (run, ms) => {
    assertEquals(ms, 1000);
    this.run = run;
    this.asked++;
    return () => this.run = undefined;
  };
}

/** Which lines a file has: a step, or `v` and a step for an evaluation. */
function lines(path: string): string[] {
  return Deno.readTextFileSync(path).split("\n").slice(0, -1).map((line) => {
    const value = JSON.parse(line);
    return "val_loss" in value ? `v${value.step}` : String(value.step);
  });
}

Deno.test("metricsLog() writes one object per step and per evaluation", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/metrics.jsonl`;
  const { sink } = metricsLog(path, { later: new Clock().later });
  for (const event of [start(), step(1), { type: "notice", text: "x" } as const, evaluation(1)]) {
    sink(event);
  }
  assertEquals(
    Deno.readTextFileSync(path),
    '{"step":1,"loss":4.9375,"lr":0.0003,"grad_norm":1.5,"tokens":64,"tokens_per_s":32}\n' +
      '{"step":1,"val_loss":4.25}\n',
  );
});

Deno.test("metricsLog() writes the accuracy of an evaluation that has one, and only then", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  const log = metricsLog(path, { later: new Clock().later });
  log.sink({ type: "eval", step: 1, valLoss: 0.5, valAccuracy: 0.75 });
  log.sink({ type: "eval", step: 2, valLoss: 0.5, valAccuracy: 0 });
  log.sink(evaluation(3));
  assertEquals(Deno.readTextFileSync(path).split("\n"), [
    '{"step":1,"val_loss":0.5,"val_accuracy":0.75}',
    '{"step":2,"val_loss":0.5,"val_accuracy":0}',
    '{"step":3,"val_loss":4.25}',
    "",
  ]);
});

Deno.test("metricsLog() flushes at evaluations, checkpoints and the end, and within a second", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  const clock = new Clock();
  const log = metricsLog(path, { later: clock.later });
  log.sink(start());
  assertEquals(clock.asked, 0);
  log.sink(step(1));
  log.sink(step(2));
  assertEquals(clock.asked, 1);
  clock.run?.();
  assertEquals(lines(path), ["1", "2"]);
  log.sink(step(3));
  assertEquals(clock.asked, 2);
  assertEquals(lines(path).length, 2);
  log.sink(evaluation(3));
  assertEquals(clock.run, undefined);
  assertEquals(lines(path), ["1", "2", "3", "v3"]);
  log.sink(step(4));
  log.sink(checkpoint(4));
  assertEquals(lines(path).at(-1), "4");
  log.sink(step(5));
  log.sink(END);
  assertEquals(lines(path).at(-1), "5");
  log.sink(step(6));
  log[Symbol.dispose]();
  assertEquals(lines(path).at(-1), "6");
});

/** Notes what is done to a file, and does it. */
function recorder(log: string[]): (path: string, create: boolean) => MetricsFile {
  return (path, create) => {
    const file = Deno.openSync(path, { append: true, create });
    return {
      writeSync: (bytes) => {
        log.push("write");
        return file.writeSync(bytes);
      },
      syncSync: () => {
        log.push("sync");
        file.syncSync();
      },
      [Symbol.dispose]: () => file.close(),
    };
  };
}

Deno.test("metricsLog() syncs before a checkpoint is published and at the end, and at no other event", () => {
  using temp = new TempFolder();
  const log: string[] = [];
  const clock = new Clock();
  const { sink } = metricsLog(`${temp.path}/m`, { later: clock.later, open: recorder(log) });
  const saving = (step: number) => ({ type: "saving", step }) as const;
  const cases: [readonly RunEvent[], string[]][] = [
    [[start(), saving(0)], []], // nothing was recorded: no file is made
    [[step(1), step(2), saving(2)], ["write", "sync"]],
    [[checkpoint(2), saving(2)], []],
    [[step(3), evaluation(3)], ["write"]],
    [[saving(3)], ["sync"]],
    [[step(4), step(5)], []],
    [[END], ["write", "sync"]],
  ];
  for (const [events, effects] of cases) {
    log.length = 0;
    for (const event of events) sink(event);
    assertEquals(log, effects, events.map(({ type }) => type).join());
  }
});

Deno.test("metricsLog() syncs lines of an earlier process before the next checkpoint", () => {
  using temp = new TempFolder();
  const log: string[] = [];
  Deno.writeTextFileSync(`${temp.path}/m`, '{"step":1}\n');
  const { sink } = metricsLog(`${temp.path}/m`, { open: recorder(log) });
  for (const event of [start(1), { type: "saving", step: 1 } as const]) sink(event);
  assertEquals(log, ["sync"]);
});

Deno.test("cutLines() keeps the lines of earlier steps and names those that are damaged, wherever a bit flipped", () => {
  const line = (step: number) => `{"step":${step},"loss":${step / 2}}\n`;
  const text = [8, 9, 10, 11, 12, 13].map(line).join("");
  const kept = [8, 9, 10, 11].map(line).join("");
  assertEquals(cutLines(text, 11), { kept, damaged: [] });
  assertEquals(cutLines(text, 99), { kept: text, damaged: [] });
  assertEquals(cutLines(text, 0), { kept: "", damaged: [] });
  assertEquals(cutLines("", 5), { kept: "", damaged: [] });
  for (const torn of ['{"step":14,"lo', "\0\0\0"]) {
    assertEquals(cutLines(text + torn, 99), { kept: text, damaged: [] });
  }
  // Only a misplaced or malformed line is dropped.
  const cases: [number, string, number[]][] = [
    [9, '{"step":73,"loss":4.5}', [2]],
    [9, '{"step":9,"loss":4>5}', [2]],
    [9, '{"stdp":9,"loss":4.5}', [2]],
    [8, '{"step":40,"loss":4}', [1]],
    [11, '{"step":27,"loss":5.5}', [4]],
    [11, '{"step":3,"loss":5.5}', [4]],
    [12, '{"step":2,"loss":6}', [5]],
    [13, '{"step":3,"loss":6.5}', [6]],
  ];
  for (const [step, instead, damaged] of cases) {
    const changed = text.replace(line(step), instead + "\n");
    const rest = step > 11 ? kept : kept.replace(line(step), "");
    assertEquals(cutLines(changed, 11), { kept: rest, damaged }, instead);
  }
});

Deno.test("metricsLog() keeps a copy of a file whose lines are damaged, and says which is the first", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  const text = '{"step":1}\n{"step":66}\n{"step":3}\n{"step":4}\n';
  Deno.writeTextFileSync(path, text);
  const warnings: string[] = [];
  const { sink } = metricsLog(path, { warn: (warning) => warnings.push(warning) });
  sink(start(3));
  assertEquals(Deno.readTextFileSync(path), '{"step":1}\n{"step":3}\n');
  assertEquals(Deno.readTextFileSync(`${path}.1`), text);
  assertEquals(warnings, [
    `Line 2 of ${path} is damaged and left out: all of the file is kept as ${path}.1`,
  ]);
});

Deno.test("metricsLog() drops what a resumed run writes again, and a torn line", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  const first = metricsLog(path, { later: new Clock().later });
  const events = [start(), step(1), step(2), evaluation(2), step(3), step(4), evaluation(4), END];
  for (const event of events) first.sink(event);
  Deno.writeTextFileSync(path, '{"step":5,"lo', { append: true });
  const second = metricsLog(path, { later: new Clock().later });
  // The run repeats the evaluation of its first step.
  for (const event of [start(2), evaluation(2), step(3), step(4), evaluation(4)]) {
    second.sink(event);
  }
  assertEquals(lines(path), ["1", "2", "v2", "3", "4", "v4"]);
  assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name), ["m"]);
});

Deno.test("metricsLog() keeps whole lines of earlier steps though the last one is torn", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  for (const torn of ['{"step":2}', '{"step":2', '{"step":"2"}\n', "null\n", "\0\0\0"]) {
    Deno.writeTextFileSync(path, '{"step":1}\n' + torn);
    const log = metricsLog(path, { later: new Clock().later });
    log.sink(start(2));
    log.sink(step(3));
    log.sink(checkpoint(3));
    assertEquals(lines(path), torn === '{"step":2}' ? ["1", "2", "3"] : ["1", "3"]);
  }
});

Deno.test("metricsLog() of a run from step 0 starts over", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  Deno.writeTextFileSync(path, '{"step":0,"val_loss":5}\n{"step":1}\n');
  const log = metricsLog(path, { later: new Clock().later });
  for (const event of [start(), evaluation(0), step(1), END]) log.sink(event);
  assertEquals(lines(path), ["v0", "1"]);
});

Deno.test("metricsLog() warns once if it cannot write, and writes the buffered lines later", () => {
  using temp = new TempFolder();
  const folder = `${temp.path}/later`;
  const path = `${folder}/m`;
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  const log = metricsLog(path, { warn, later: new Clock().later });
  for (const event of [start(), step(1), evaluation(1), step(2), checkpoint(2)]) log.sink(event);
  assertEquals(warnings.length, 1);
  assert(warnings[0]?.startsWith(`Cannot write ${path}: `));
  Deno.mkdirSync(folder);
  log.sink(END);
  assertEquals(lines(path), ["1", "v1", "2"]);
});

Deno.test("metricsLog() drops the lines of steps that are done again though it could not at first", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/m`;
  const warnings: string[] = [];
  Deno.writeTextFileSync(path, '{"step":1}\n{"step":2}\n{"step":3}\n');
  // Where the file is written anew something else lies.
  const way = `${temp.path}/.m.tmp`;
  Deno.mkdirSync(`${way}/x`, { recursive: true });
  const warn = (text: string) => void warnings.push(text);
  const log = metricsLog(path, { warn, later: new Clock().later });
  log.sink(start(2));
  for (const event of [step(3), checkpoint(3)]) log.sink(event);
  assertEquals([lines(path), warnings.length], [["1", "2", "3"], 1]);
  Deno.removeSync(way, { recursive: true });
  for (const event of [step(4), END]) log.sink(event);
  assertEquals(lines(path), ["1", "2", "3", "4"]);
  assert(Deno.readTextFileSync(path).includes('"step":3,"loss"'));
});

Deno.test("metricsLog() reports lost lines at the end", () => {
  using temp = new TempFolder();
  const path = `${temp.path}/none/m`;
  const warnings: string[] = [];
  const warn = (text: string) => void warnings.push(text);
  const log = metricsLog(path, { warn, later: new Clock().later });
  for (const event of [start(), step(1), evaluation(1), step(2)]) log.sink(event);
  log[Symbol.dispose]();
  assertEquals(warnings.slice(1), [`${path} lacks 3 lines: see above`]);
});

Deno.test("metricsLog() writes values that are not finite as null", () => {
  using temp = new TempFolder();
  const log = metricsLog(`${temp.path}/m`, { later: new Clock().later });
  log.sink({ type: "eval", step: 1, valLoss: NaN });
  assertEquals(Deno.readTextFileSync(`${temp.path}/m`), '{"step":1,"val_loss":null}\n');
});

Deno.test("metricsLog() neither blocks on a named pipe nor writes through a link", () => {
  const swaps: Record<string, (path: string) => void> = {
    "a named pipe": mkfifo,
    "a symbolic link": (path) => Deno.symlinkSync("mine", path),
    "a folder": (path) => Deno.mkdirSync(path),
  };
  for (const [kind, swap] of Object.entries(swaps)) {
    using temp = new TempFolder();
    const path = `${temp.path}/m`;
    const said: string[] = [];
    Deno.writeTextFileSync(`${temp.path}/mine`, "mine");
    const log = metricsLog(path, { warn: (text) => said.push(text), later: new Clock().later });
    for (const event of [start(), step(1), evaluation(1)]) log.sink(event);
    Deno.removeSync(path);
    swap(path);
    for (const event of [step(2), checkpoint(2), step(3), END]) log.sink(event);
    log[Symbol.dispose]();
    assertEquals(said, [
      `Cannot write ${path}: need a plain file: it is ${kind}`,
      `${path} lacks 2 lines: see above`,
    ]);
    assertEquals(Deno.readTextFileSync(`${temp.path}/mine`), "mine");
  }
});

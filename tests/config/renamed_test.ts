/**
 * Keys that were renamed: a stored config is read by either name and keeps its hashes, and a key that
 * somebody writes by its first name gets a hint. Hashes are those of the version before the renames.
 */
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { configHash } from "../../src/config/identity.ts";
import { keys } from "../../src/config/keys.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { firstName, RENAMED, todaysName, withTodaysNames } from "../../src/config/renamed.ts";
import { resolveConfig, resolveStored } from "../../src/config/resolve.ts";
import { pointsOf } from "../../src/sweep/axes.ts";
import { added } from "../../src/sweep/changes.ts";
import { groupKey, trialKey } from "../../src/sweep/key.ts";
import { readSweep } from "../../src/sweep/read.ts";

/** A config by its first names and by today's, its hash, and its key and group as a trial. */
const CASES = [
  {
    stored: {},
    now: {},
    hash: "7633ec02a36089d08d040682fa5ca888dd3b73a0b327cfb7e5a1e3be3c10ce8b",
    trial: ["f6a0149cbd2fd091", "141fda1f2a697c54"],
  },
  {
    stored: {
      windows: 3,
      data: { window: 24, stride: 4 },
      optim: { warmup: 7 },
      model: { kind: "gpt", tied: true },
    },
    now: {
      micro_batch_size: 3,
      data: { seq_len: 24, stride: 4 },
      optim: { warmup_steps: 7 },
      model: { kind: "gpt", tie_embeddings: true },
    },
    hash: "965a1784c57ab56b816894c54ddfc2c3b13434e9cb74579ec3555690b3c4f198",
    trial: ["9aed144c7dc8efdf", "fd6c4962980f9426"],
  },
  {
    stored: {
      windows: 3,
      data: { window: 24, bptt: 8 },
      optim: { warmup: 7 },
      model: { kind: "recurrent" },
    },
    now: {
      micro_batch_size: 3,
      data: { seq_len: 24, bptt: 8 },
      optim: { warmup_steps: 7 },
      model: { kind: "recurrent" },
    },
    hash: "b56f906562a79bb8b03df2a1d8ae7d0c26a985758588a13f095ae1b517265038",
    trial: ["45c2649fa8bec9f7", "300ee5b615dc23fc"],
  },
] as const;

/** The line that something is refused with. */
function refusal(work: () => unknown): string {
  return assertThrows(work, UserError).message;
}

Deno.test("a stored config resolves by its first names and by today's, with its hashes", () => {
  for (const { stored, now, hash, trial } of CASES) {
    const config = resolveConfig(now);
    assertEquals(resolveStored(stored), config);
    assertEquals(resolveStored(now), config);
    assertEquals(resolveStored(config), config);
    assertEquals(configHash(config), hash);
    assertEquals([trialKey(config), groupKey(config)], [...trial]);
  }
});

Deno.test("a stored key is renamed in its own section alone", () => {
  assertEquals(
    withTodaysNames({ eval: { windows: 4, tied: 1 }, window: 2, data: { mix: { windows: 1 } } }),
    { eval: { windows: 4, tied: 1 }, window: 2, data: { mix: { windows: 1 } } },
  );
  for (const value of [null, 3, "windows", ["windows"]]) {
    assertEquals<unknown>(withTodaysNames(value), value);
  }
});

Deno.test("a stored key that stands there under both names is refused by its first", () => {
  const both = { windows: 3, micro_batch_size: 4 };
  assertStringIncludes(refusal(() => resolveStored(both)), "windows: unknown key");
});

Deno.test("the table names keys that there are, and first names that are keys no more", () => {
  const known = keys().map(({ path }) => path);
  for (const [first, now] of Object.entries(RENAMED)) {
    assertEquals([known.includes(first), known.includes(now)], [false, true], first);
    assertEquals([firstName(now), todaysName(first)], [first, now]);
    assertEquals([firstName(first), todaysName(now)], [first, now]);
  }
  assertEquals([firstName("constructor"), todaysName("constructor")], [
    "constructor",
    "constructor",
  ]);
});

Deno.test("a key by its first name gets a hint wherever somebody writes it", () => {
  for (const [first, now] of Object.entries(RENAMED)) {
    const hint = `did you mean "${now}"?`;
    const [head = "", name] = first.split(".");
    const nested = name === undefined ? { [head]: 1 } : { [head]: { [name]: 1 } };
    assertEquals(
      refusal(() => applyOverrides({}, { [first]: "1" })),
      `Unknown key "${first}": ${hint}`,
    );
    assertStringIncludes(refusal(() => resolveConfig(nested)), `${first}: unknown key, ${hint}`);
    const axes = { seed: [1] };
    const sweeps = [
      { axes: { [first]: [1, 2] } },
      { axes: { size: [{ [first]: 1 }] } },
      { axes, derived: { [first]: { of: "steps", times: 1 } } },
      { axes, derived: { steps: { of: first, times: 1 } } },
    ];
    for (const sweep of sweeps) {
      assertStringIncludes(refusal(() => readSweep({ name: "s", ...sweep })), hint, first);
    }
    // By its last part alone as well.
    assertStringIncludes(refusal(() => applyOverrides({}, { [name ?? head]: "1" })), hint);
  }
  assertStringIncludes(refusal(() => applyOverrides({}, { "eval.window": "1" })), '"eval.windows"');
});

Deno.test("random values of an axis are those of the key's first name", () => {
  assertEquals(
    pointsOf("optim.warmup_steps", { random: [1, 9], count: 3, seed: 5, log: false, round: 1 }),
    [{ "optim.warmup_steps": 3 }, { "optim.warmup_steps": 8 }, { "optim.warmup_steps": 6 }],
  );
  const draws = { micro_batch_size: { in: [1, 64] as [number, number], log: true, round: 1 } };
  assertEquals(pointsOf("x", { draws, count: 3, seed: 2 }), [
    { micro_batch_size: 20 },
    { micro_batch_size: 9 },
    { micro_batch_size: 45 },
  ]);
});

Deno.test("a sweep stored by first names differs from today's file in what changed alone", () => {
  const before = {
    base: { windows: 2, data: { window: 8 } },
    axes: { "optim.warmup": [1, 2], size: [{ windows: 1, "model.layers": 2 }] },
    derived: { "data.window": { of: "windows", times: 8 } },
  };
  const now = {
    base: { micro_batch_size: 2, data: { seq_len: 8 } },
    axes: { "optim.warmup_steps": [1, 3], size: [{ micro_batch_size: 1, "model.layers": 2 }] },
    derived: { "data.seq_len": { of: "micro_batch_size", times: 8 } },
  };
  const changed = refusal(() =>
    added("d", { sweep: before, trials: ["a"] }, { sweep: now, trials: ["b"] })
  );
  const [, differences] = changed.split("(folder against file): ");
  assertEquals(differences, "axes.optim.warmup_steps: [1,2] against [1,3]");
});

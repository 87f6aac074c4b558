/** Workers that join a run in this process on devices that are not as the first one's is. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { openReference } from "../../../src/device/reference.ts";
import type { Device } from "../../../src/device/types.ts";
import { changedFiles, codeOnDisk, importsOf, WORKER } from "../../../workers/launch/code.ts";
import { tinyConfig } from "../../support/gpt.ts";
import { lockstep } from "../../support/lockstep.ts";

const reference = (changes: Partial<Device> = {}): Device => ({ ...openReference(), ...changes });

/** Devices that compute with others' bits, or may, and what names the difference. */
const OTHERS: Readonly<Record<string, readonly [open: () => Device, says: RegExp]>> = {
  "another adapter": [
    () => reference({ name: "a card" }),
    /^adapter: reference f32 against a card/,
  ],
  "other shaders": [() => reference({ shaders: "others" }), /^shaders: reference against others/],
  "another class": [
    () => reference({ target: { ...openReference().target, lanes: 8 } }),
    /^kernels: cpu against cpu, subgroups of 8/,
  ],
  "a driver that says nothing and computes other bits": [
    () => ({ ...openReference({ precision: "f64" }), name: openReference().name }),
    /^what its device computes first: \w{12} against \w{12}$/,
  ],
};

/** Milliseconds after which the others come, when the first worker is ready. */
const LATER = 200;
const config = tinyConfig({ steps: 2, micro_batches: 2 });

/** A run whose workers but the first open other devices. */
const runWith = (world: number, open: () => Device) =>
  lockstep(config, {
    world,
    openDevice: async (_, id) => {
      if (id === 0) return openReference();
      await new Promise((resolve) => setTimeout(resolve, LATER));
      return open();
    },
    rules: { tick: 5, backoff: 1 },
  });

for (const [what, [open, says]] of Object.entries(OTHERS)) {
  Deno.test(`a worker with ${what} is turned away by name, and the run has the bits of the others`, async () => {
    const { notes, events, outcome } = await runWith(2, open);
    const alone = await runWith(1, open);
    assertEquals(outcome.stateHash, alone.outcome.stateHash);
    const [first, ...more] = notes.filter(({ kind }) => kind === "turned_away");
    assertEquals(first?.note["worker"], 1);
    for (const each of [first, ...more]) assertMatch(String(each?.note["reason"]), says);
    const notices = events.flatMap((event) => event.type === "notice" ? [event.text] : []);
    assertMatch(notices[0] ?? "", /^Worker 1 differs from the run and is turned away: /);
    assertEquals(outcome.adapter, "reference f32");
  });
}

Deno.test("the code of workers is every module that their process loads, and what it imports as text", async () => {
  const code = await codeOnDisk();
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--frozen", WORKER.href],
    env: { NO_COLOR: "1" },
  }).output();
  const root = new URL("../", WORKER).href;
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
    modules: { specifier: string; dependencies?: { code?: unknown; specifier: string }[] }[];
  };
  const loaded = new Set([WORKER.href]);
  for (const href of loaded) {
    const found = modules.find(({ specifier }) => specifier === href);
    for (const { code, specifier } of found?.dependencies ?? []) {
      if (code !== undefined && /^\./.test(specifier)) loaded.add(new URL(specifier, href).href);
    }
  }
  const expected = [...loaded].map((href) => href.slice(root.length));
  assertEquals([...code.keys()].sort(), [...expected, "deno.lock"].sort());
  for (
    const path of ["kernels/reduce/row_norms.wgsl", "src/nn/formulas.ts", "src/data/permutation.ts"]
  ) {
    assert(expected.includes(path), path);
  }
});

Deno.test("files that changed, came or went are named in order; types alone are no code", () => {
  const before = new Map([["a.ts", "1"], ["b.ts", "2"], ["c.ts", "3"]]);
  assertEquals(changedFiles(before, before), []);
  const now = new Map([["d.ts", "4"], ["b.ts", "5"], ["c.ts", "3"]]);
  assertEquals(changedFiles(before, now), ["a.ts", "b.ts", "d.ts"]);
  const text = `/** Doc. */
import type { A } from "./a.ts";
import {
  b,
  type C,
} from "./b.ts";
import wgsl from "../c.wgsl" with { type: "text" };
import "./d.ts";
export { e } from "./e.ts";
export type { F } from "./f.ts";
import { z } from "zod";
const g = 'import { h } from "./h.ts"';
`;
  const at = "file:///x/y/z.ts";
  assertEquals(
    importsOf(at, text).sort(),
    ["../c.wgsl", "./b.ts", "./d.ts", "./e.ts"].map((path) => new URL(path, at).href).sort(),
  );
  assertEquals(importsOf("file:///x/c.wgsl", text), []);
});

/** Parameter groups by name: patterns, the first match, and patterns without an effect. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { groupedParams } from "../../src/config/param_groups.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { RunInput } from "../../src/config/schema.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { type DeclaredParam, matches } from "../../src/optim/groups.ts";
import { paramsOf } from "../../src/plan/layout.ts";
import { tinyConfig } from "../support/gpt.ts";

const PARAMS: readonly [DeclaredParam, DeclaredParam, DeclaredParam, DeclaredParam, DeclaredParam] =
  [
    { name: "tokens.weight", shape: [9, 4], decay: true },
    { name: "blocks.0.norm1.weight", shape: [4], decay: false },
    {
      name: "blocks.0.up.weight",
      shape: [4, 16],
      decay: true,
      lrScale: 0.5,
      hidden: { axes: "in_out" },
    },
    {
      name: "blocks.1.up.weight",
      shape: [4, 16],
      decay: true,
      lrScale: 0.5,
      hidden: { axes: "in_out" },
    },
    { name: "head.weight", shape: [4, 9], decay: true },
  ];

type Groups = NonNullable<RunInput["optim"]>["groups"];

function grouped(groups: Groups, kind: "adamw" | "muon" = "adamw") {
  return groupedParams(PARAMS, resolveConfig({ optim: { kind, groups } }));
}

function refusal(groups: Groups): string {
  const error = assertThrows(() => grouped(groups), UserError);
  assertEquals(error.exit, "config");
  return error.message;
}

Deno.test("a pattern matches a whole name: * any characters, ? one", () => {
  const yes = [
    ["blocks.*.norm*", "blocks.0.norm1.weight"],
    ["*", "head.weight"],
    ["*.weight", "head.weight"],
    ["blocks.?.up.*", "blocks.1.up.weight"],
    ["head.weight", "head.weight"],
    ["h*d.w*t*", "head.weight"],
    ["*a*a*", "banana"],
  ] as const;
  const no = [
    ["blocks.*.norm", "blocks.0.norm1.weight"],
    ["head", "head.weight"],
    ["blocks.?.up.*", "blocks.10.up.weight"],
    ["ead.weight", "head.weight"],
    [".*", "head.weight"],
    ["head.weight?", "head.weight"],
    ["h[e]ad.weight", "head.weight"],
  ] as const;
  for (const [pattern, name] of yes) assert(matches(pattern, name), pattern);
  for (const [pattern, name] of no) assert(!matches(pattern, name), pattern);
  // A matcher that tried every split would not end.
  assert(!matches("*a".repeat(60) + "b", "a".repeat(200)));
});

Deno.test("the first group that matches a name decides, and no other", () => {
  const groups = [
    { match: "blocks.1.*", frozen: true },
    { match: "blocks.*", lr_scale: 0.1, weight_decay: 0.2 },
    { match: "head.*" },
    { match: "*", weight_decay: 0 },
  ];
  assertEquals(grouped(groups), [
    { ...PARAMS[0], decay: true, weightDecay: 0 },
    // A weight decay applies to vectors too, which have none by default.
    { ...PARAMS[1], lrScale: 0.1, decay: true, weightDecay: 0.2 },
    // A model's own factor is multiplied.
    { ...PARAMS[2], lrScale: 0.05, decay: true, weightDecay: 0.2 },
    { ...PARAMS[3], frozen: true },
    PARAMS[4],
  ]);
  assertEquals(grouped([]), [...PARAMS]);
});

Deno.test("Muon takes the matrices of hidden layers, and AdamW all else", () => {
  const all = grouped([{ match: "blocks.1.*", frozen: true }], "muon");
  assertEquals(all.map(({ rule, lacks, frozen }) => [rule, lacks, frozen]), [
    [undefined, undefined, undefined],
    [undefined, undefined, undefined],
    ["matrices", ["v"], undefined],
    [undefined, undefined, true],
    [undefined, undefined, undefined],
  ]);
  const config = tinyConfig({ optim: { kind: "muon" }, model: { layers: 2 } });
  const { layout } = shapeOf(config, 13);
  const matrices = paramsOf(layout).filter(({ rule }) => rule === "matrices");
  assertEquals(
    matrices.map(({ name }) => name),
    ["0", "1"].flatMap((i) =>
      ["qkv", "out", "up", "down"].map((layer) => `blocks.${i}.${layer}.weight`)
    ),
  );
  const recurrent = resolveConfig({ model: { kind: "recurrent" }, optim: { kind: "muon" } });
  const hidden = paramsOf(shapeOf(recurrent, 13).layout).filter(({ rule }) => rule === "matrices");
  assert(hidden.length > 0 && hidden.every(({ name }) => /weight_[ih]h_l/.test(name)));
});

Deno.test("a group without an effect is refused, with the name that was probably meant", () => {
  const start = "Cannot use this config: optim.groups";
  assertEquals(
    refusal([{ match: "*" }, { match: "head.*" }]),
    `${start}.1.match: need a parameter that no group before it has, for the first match counts: ` +
      'all that "head.*" matches are taken, as by "*" (optim.groups.0)',
  );
  assertEquals(
    refusal([{ match: "head.*" }, { match: "blocks.*" }, { match: "head.*", lr_scale: 2 }]),
    `${start}.2.match: need each pattern once: "head.*" is that of optim.groups.0 as well`,
  );
  assertEquals(
    refusal([{ match: "blocks.*.norm1.wieght", frozen: true }]),
    `${start}.0.match: need a pattern that matches a parameter: "blocks.*.norm1.wieght" matches ` +
      'none, did you mean "blocks.*.norm1.weight"?',
  );
  assertEquals(
    refusal([{ match: "bloks.*", frozen: true }]),
    `${start}.0.match: need a pattern that matches a parameter: "bloks.*" matches none, did you ` +
      'mean "blocks.*"?',
  );
  assertEquals(
    refusal([{ match: "transformer.wte" }]),
    `${start}.0.match: need a pattern that matches a parameter: "transformer.wte" matches none, ` +
      "parameters are tokens.weight, blocks.*.norm1.weight, blocks.*.up.weight, head.weight",
  );
  assertEquals(
    refusal([{ match: "*", frozen: true }]),
    `${start}: need a parameter that is trained: all are frozen`,
  );
});

Deno.test("a group that is not well formed is refused by the config's schema", () => {
  const message = (groups: unknown) =>
    assertThrows(() => resolveConfig({ optim: { groups } }), UserError).message;
  assertEquals(
    message([{ match: "*", frozen: true, lr_scale: 2 }]),
    "Cannot use this config: optim.groups.0.frozen: need no lr_scale and no weight_decay where " +
      "frozen is true",
  );
  for (const groups of [[{ frozen: true }], [{ match: "" }], [{ match: "*", lr_scale: -1 }], "*"]) {
    assert(message(groups).startsWith("Cannot use this config: optim.groups: need list of ({"));
  }
  assert(message([{ match: "*", lr_mult: 2 }]).includes("optim.groups.0.lr_mult: unknown key"));
});

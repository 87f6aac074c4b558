/** Optimizers of users that break their promises are refused, with what they returned. */
import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { shapeOf } from "../../src/engine/plans.ts";
import { updatePlan } from "../../src/engine/vector_plans.ts";
import { type Expr, formula, mul, sub } from "../../src/graph/formula.ts";
import { registerOptimizer } from "../../src/optim/define.ts";
import {
  elementwise,
  type ElementwiseOptimizer,
  type UpdateConfig,
} from "../../src/optim/elementwise.ts";
import { optimizerOf } from "../../src/optim/mod.ts";
import type { Optimizer } from "../../src/optim/types.ts";

type Own = Partial<Record<keyof ElementwiseOptimizer<UpdateConfig>, unknown>>;

/** Descent with a moment that it does not read. */
const DESCENT: ElementwiseOptimizer<UpdateConfig> = {
  name: "own",
  moments: () => ["mean"],
  scalars: ["lr"],
  scalarsAt: () => ({ lr: 0.1 }),
  update: () =>
    formula(5, (...x) => {
      const [gradient, , lr, p, mean] = x as Expr[] as [Expr, Expr, Expr, Expr, Expr];
      return [sub(p, mul(lr, gradient)), mean];
    }),
};

let modules = 0;

/** Registers an optimizer and calls what a run calls before its workers start. */
function use(optimizer: unknown): void {
  const sha256 = String(modules++).padStart(64, "0");
  registerOptimizer({ kind: "own", optimizer }, { module: "/own.ts", sha256, shipped: ["adamw"] });
  const config = resolveConfig({ optim: { kind: "own", module: "/own.ts", sha256 } });
  const { optim } = config;
  for (const step of [0, 9]) optimizerOf(optim).scalarsAt(step, optim);
  updatePlan(config, shapeOf(config, 13).layout);
}

const own = (parts: Own) => elementwise({ ...DESCENT, ...parts } as typeof DESCENT);
const scalarsAt = (said: unknown) => own({ scalarsAt: () => said });
const withRule = (parts: object, more: object = {}): unknown => {
  const base: Optimizer<UpdateConfig> = elementwise(DESCENT);
  const rule = { ...base.rules["elementwise"], ...parts };
  return { ...base, rules: { rule }, ...more };
};

const HOSTILE: Readonly<Record<string, readonly [unknown, RegExp]>> = {
  "scalarsAt returns {}": [
    scalarsAt({}),
    /need a finite f32 for lr at step 0: got undefined$/,
  ],
  "a scalar is NaN": [scalarsAt({ lr: NaN }), /a finite f32 for lr at step 0: got NaN$/],
  "a scalar is infinite": [
    scalarsAt({ lr: -Infinity }),
    /a finite f32 for lr at step 0: got -Infinity$/,
  ],
  "a scalar is too large for f32": [
    scalarsAt({ lr: 1e39 }),
    /a finite f32 for lr at step 0: got 1e\+39$/,
  ],
  "a scalar is a text": [scalarsAt({ lr: "0.1" }), /a finite f32 for lr at step 0: got "0\.1"$/],
  "a scalar is NaN at the last step": [
    own({ scalarsAt: (step: number) => ({ lr: step < 9 ? 0.1 : NaN }) }),
    /need a finite f32 for lr at step 9: got NaN$/,
  ],
  "scalarsAt returns another name": [
    scalarsAt({ lr: 0.1, rate: 0.1 }),
    /need lr alone, its scalars: got rate as well at step 0$/,
  ],
  "scalarsAt returns nothing": [
    scalarsAt(undefined),
    /need an object of lr at step 0: got undefined$/,
  ],
  "scalarsAt is asynchronous": [
    scalarsAt(Promise.resolve({ lr: 0.1 })),
    /need its result, not a promise: it must not be async$/,
  ],
  "scalarsAt throws": [
    own({
      scalarsAt: () => {
        throw new Error("no rate today");
      },
    }),
    /^Cannot call scalarsAt of optimizer own \(\/own\.ts\): no rate today$/,
  ],
  "a scalar is named twice": [
    own({ scalars: ["lr", "lr"] }),
    /need each name once: got lr twice$/,
  ],
  "a scalar has a name of the run": [
    own({ scalars: ["grad_norm"] }),
    /need names of letters and digits, none of .*: got "grad_norm"$/,
  ],
  "moments are a text": [own({ moments: () => "mean" }), /need a list of names: got "mean"$/],
  "a moment is the parameter": [
    own({ moments: () => ["param"] }),
    /none of .*: got "param"$/,
  ],
  "a moment is a path": [
    own({ moments: () => ["../x"] }),
    /none of .*: got "\.\.\/x"$/,
  ],
  "a moment is there twice": [
    own({ moments: () => ["m", "m"] }),
    /need each name once: got m twice$/,
  ],
  "the formula forgets a moment": [
    own({ update: () => formula(5, (...x) => [x[3] as Expr]) }),
    /need a formula of 2 results \(param, mean\): it has 1$/,
  ],
  "the formula takes too few": [
    own({ update: () => formula(4, (...x) => [x[3] as Expr, x[3] as Expr]) }),
    /need a formula of 5 arguments \(gradient, clip factor, lr, param, mean\): it has 4$/,
  ],
  "a rule reads a scalar that it does not name": [
    withRule({
      trace: (span: { scalar(name: string): unknown }) => void span.scalar("rate"),
    }),
    /need scalars with rate, which it reads: it has grad_norm, lr$/,
  ],
  "ruleOf names none": [
    withRule({}, { ruleOf: () => "matrices" }),
    /need one of its rules, rule: got "matrices"$/,
  ],
};

for (const [name, [optimizer, pattern]] of Object.entries(HOSTILE)) {
  Deno.test(`an optimizer is refused in one line where ${name}`, () => {
    const { message, exit } = assertThrows(() => use(optimizer), UserError);
    assertMatch(message, /^Cannot \S.* of optimizer own \(\/own\.ts\): /);
    assertMatch(message, pattern);
    assertEquals([message.split("\n").length, exit], [1, "config"]);
  });
}

Deno.test("an optimizer that is none is refused", () => {
  for (const rules of [{}, undefined, { rule: 3 }, { rule: { moments: () => [] } }]) {
    const { message } = assertThrows(() => use({ ...elementwise(DESCENT), rules }), UserError);
    assertMatch(message, /need an optimizer as default export, by defineOptimizer/);
  }
});

Deno.test("optimizers with and without scalars, moments and rules by parameter are accepted", () => {
  use(elementwise(DESCENT));
  use(withRule({}, { ruleOf: () => undefined }));
  use(withRule({}, { ruleOf: () => "rule" }));
  use(own({
    scalars: [],
    moments: () => [],
    scalarsAt: () => ({}),
    update: () => formula(3, (...x) => [sub(x[2] as Expr, x[0] as Expr)]),
  }));
});

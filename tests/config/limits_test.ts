/** Numbers that no machine can serve are refused before anything is compiled or computed. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { keys } from "../../src/config/keys.ts";
import { holdsInF32, limitFaults } from "../../src/config/limits.ts";
import { applyOverrides } from "../../src/config/overrides.ts";
import { resolveConfig } from "../../src/config/resolve.ts";

const NUMBERS = keys().filter(({ types }) => types.includes("number"));
const SIZES = ["micro_batches", "micro_batch_size", "model.layers", "model.width", "model.heads"];

Deno.test("no key takes a number that f32 holds as 0 or as infinity", () => {
  assert(NUMBERS.length > 10);
  for (const { path } of NUMBERS) {
    for (const text of ["1e-320", "1e-39", "1e300", "-1e-320"]) {
      const input = applyOverrides({}, { [path]: text });
      assertThrows(() => resolveConfig(input), UserError, path);
    }
  }
});

Deno.test("no size is beyond what could ever be compiled, and no wait beyond what a timer takes", () => {
  for (const path of [...SIZES, "data.seq_len"]) {
    const input = applyOverrides({}, { [path]: String(2 ** 40) });
    assertThrows(() => resolveConfig(input), UserError, `${path}: need at most`);
  }
  const waits = keys().filter(({ path }) => /^recovery\.\w+_s$/.test(path));
  assert(waits.length >= 3);
  for (const { path } of waits) {
    const input = applyOverrides({}, { [path]: "1e10" });
    assertThrows(
      () => resolveConfig(input),
      UserError,
      `${path}: need at most 2000000: 10000000000`,
    );
  }
});

Deno.test("every default and the numbers people use are within the limits", () => {
  assertEquals(limitFaults(resolveConfig({})), []);
  assertEquals(
    limitFaults({ optim: { lr: 1e-30, eps: 1e-37 }, seed: 2 ** 53 - 1, x: [-0, 3e38] }),
    [],
  );
  assertEquals([1e-38, 3.5e38, -1e-45, 0, -1, 1e-37].map(holdsInF32), [
    false,
    false,
    false,
    true,
    true,
    true,
  ]);
});

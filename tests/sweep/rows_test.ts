import { assertEquals } from "@std/assert";
import { hashValue } from "../../src/base/hash.ts";
import { csv, jsonLines, rowOf } from "../../src/sweep/rows.ts";
import { trialTable } from "../../src/sweep/table.ts";
import { trialOf } from "./support.ts";

const OUTCOME = {
  status: "done",
  loss: 2.5,
  valLoss: 2.6,
  steps: 100,
  seconds: 1.23456,
  stateHash: "ab",
  workers: 1,
  trunk: { key: "t", step: 80 },
  reason: null,
} as const;

Deno.test("a row has every count, and its FLOP by the formula that it names", () => {
  const row = rowOf(trialOf("k", 100), OUTCOME);
  assertEquals(row.params, { all: 1000, no_embedding: 900, matrices: 800, per_layer: 400 });
  assertEquals([row.tokens, row.flops, row.flops_formula], [1000, 6e6, "6ND"]);
  assertEquals([row.loss, row.val_loss, row.seconds, row.status], [2.5, 2.6, 1.235, "done"]);
  const { seal, ...read } = JSON.parse(jsonLines([row]));
  assertEquals([read, seal], [row, hashValue(row)]);
});

Deno.test("the table of rows has a column for each number, and quotes what needs it", () => {
  const one = { ...rowOf(trialOf("k", 100), OUTCOME), axes: { "optim.lr": 1 } };
  const two = { ...one, key: "l", name: 'a, "b"', axes: { model: { kind: "gpt" } }, trunk: null };
  const [head, first, second, end] = csv([one, two]).split("\n");
  assertEquals(end, "");
  const columns = head?.split(",") as string[];
  assertEquals(columns.slice(0, 4), ["key", "name", "group", "tokens"]);
  assertEquals(columns.slice(-2), ["trunk", "axes.model"]);
  assertEquals(first?.split(",")[columns.indexOf("params.matrices")], "800");
  assertEquals(first?.endsWith(",1,t@80,"), true);
  assertEquals(second?.startsWith('l,"a, ""b""",g,'), true);
  assertEquals(second?.endsWith(',"{""kind"":""gpt""}"'), true);
});

Deno.test("trials stand in a table, with a dash where there is no loss", () => {
  const row = rowOf(trialOf("k", 100), OUTCOME);
  assertEquals(trialTable([row, { ...row, val_loss: null, status: "failed" }]), [
    "trial  params  tokens     FLOP  val loss  time  status",
    "k       1.00k   1.00k  6.00e+6    2.6000   1 s  done",
    "k       1.00k   1.00k  6.00e+6         -   1 s  failed",
  ]);
});

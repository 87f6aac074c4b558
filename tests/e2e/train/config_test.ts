/** Faults in a command line or a config: one clear line, exit code 64, and nothing happens. */
import { assertRefused } from "../refusals.ts";
import { Place, tinyArgs } from "../support.ts";

const LINES: Readonly<Record<string, { args: string[]; says: string[] }>> = {
  "an unknown key": {
    args: tinyArgs("run", "--model.widht=32"),
    says: ['"model.widht"', 'did you mean "model.width"?'],
  },
  "an unknown key with dashes": {
    args: tinyArgs("run", "--micro-batchs=4"),
    says: ['"micro_batchs"', 'did you mean "micro_batches"?'],
  },
  "two values of the wrong type": {
    args: tinyArgs("run", "--steps=many", "--model.tie_embeddings=perhaps"),
    says: [
      'steps: need integer >= 1: "many"',
      'model.tie_embeddings: need true or false: "perhaps"',
    ],
  },
  "several values out of range": {
    args: tinyArgs(
      "run",
      "--steps=0",
      "--micro_batch_size=-2",
      "--optim.lr=-1",
      "--data.validation=2",
    ),
    says: ["steps: need", "micro_batch_size: need", "optim.lr: need", "data.validation: need"],
  },
  "a number that is not whole": {
    args: tinyArgs("run", "--steps=1.5"),
    says: ["steps: need integer >= 1: 1.5"],
  },
  "micro-batches that are no power of two": {
    args: tinyArgs("run", "--micro_batches=6"),
    says: ["micro_batches: need a power of two: 6"],
  },
  "more workers than micro-batches": {
    args: tinyArgs("run", "--workers=5"),
    says: ["workers: need at most micro_batches: 5"],
  },
  "heads that do not divide the width": {
    args: tinyArgs("run", "--model.heads=5"),
    says: ["model.width: need a multiple of heads: width 32, heads 5"],
  },
  "a key without a value": { args: ["--steps"], says: ["--steps: need a value"] },
  "two config files": { args: ["a.ts", "b.ts"], says: ["at most one", "a.ts and b.ts"] },
  "a config file that does not exist": { args: ["none.ts"], says: ["none.ts", "there is none"] },
  "a config file of another kind": { args: ["text.yaml"], says: ["text.yaml", '".yaml"'] },
  "a config file without a value": {
    args: ["empty.ts"],
    says: ["empty.ts: need an object as default export: there is none"],
  },
  "a config file that is a list": { args: ["list.json"], says: ["list.json: need an object"] },
  "a config file with an unknown key": {
    args: ["unknown.ts"],
    says: ["optim.learning_rate: unknown key", "did you mean"],
  },
  "a config file with faults in two sections": {
    args: ["faults.json"],
    says: ["model.layers: need integer >= 1: 0", "data.tokenizer: need char, byte, word"],
  },
  "a TypeScript config with a syntax error": { args: ["syntax.ts"], says: ["syntax.ts"] },
  "a JSON config with a syntax error": { args: ["syntax.json"], says: ["syntax.json"] },
  "a config that throws": { args: ["throws.ts"], says: ["throws.ts", "no such preset"] },
  "an output folder that is a file": {
    args: tinyArgs("text.txt"),
    says: ["Cannot use output folder text.txt"],
  },
};

Deno.test("a faulty command line or config is refused in one line", async (t) => {
  using place = new Place();
  place.write("text.yaml", "steps: 3\n");
  place.write("empty.ts", "export const steps = 3;\n");
  place.write("list.json", "[1]\n");
  place.write("unknown.ts", "export default { optim: { learning_rate: 1 } };\n");
  place.write("faults.json", '{ "model": { "layers": 0 }, "data": { "tokenizer": "words" } }\n');
  place.write("syntax.ts", "export default {\n");
  place.write("syntax.json", '{ "steps": 3,\n');
  place.write("throws.ts", 'throw new Error("no such preset\\nsecond line");\n');
  for (const [name, { args, says }] of Object.entries(LINES)) {
    await t.step(name, () => assertRefused(place, { args, says, exit: "config" }));
  }
});

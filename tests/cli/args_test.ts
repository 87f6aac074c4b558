/** The command line: every way to write a flag, and what is refused. */
import { assertEquals, assertThrows } from "@std/assert";
import { parseCommandLine } from "../../src/cli/args.ts";
import { UserError } from "../../src/base/user_error.ts";

const parse = (line: string) => parseCommandLine(line.split(" ").filter((word) => word !== ""));

/** The fault that a command line is refused for. */
function fault(line: string): string {
  const refusal = assertThrows(() => parse(line), UserError);
  assertEquals(refusal.exit, "config");
  return refusal.message;
}

Deno.test("parseCommandLine() of nothing asks for nothing", () => {
  assertEquals(parse(""), { overrides: {}, help: false, testing: false });
});

Deno.test("parseCommandLine() reads --key=value and --key value", () => {
  assertEquals(parse("configs/a.ts --steps=10 --optim.lr 1e-3 --seed 007"), {
    config: "configs/a.ts",
    overrides: { steps: "10", "optim.lr": "1e-3", seed: "007" },
    help: false,
    testing: false,
  });
});

Deno.test("parseCommandLine() takes the config in any place, or as --config", () => {
  for (
    const line of [
      "a.ts --steps 1",
      "--steps 1 a.ts",
      "--steps=1 --config a.ts",
      "--steps=1 -- a.ts",
    ]
  ) {
    assertEquals(parse(line), {
      config: "a.ts",
      overrides: { steps: "1" },
      help: false,
      testing: false,
    }, line);
  }
});

Deno.test("parseCommandLine() takes - for _, and --data for --data.path", () => {
  assertEquals(
    parse("--micro-batches=8 --optim.weight-decay 0 --data my-text.txt --out a-b").overrides,
    {
      micro_batches: "8",
      "optim.weight_decay": "0",
      "data.path": "my-text.txt",
      out: "a-b",
    },
  );
});

Deno.test("parseCommandLine() keeps values as they are written", () => {
  const values = ["a=b", "0x10", "1_000", "true", "null", "ä b"];
  for (const value of values) {
    assertEquals(parseCommandLine([`--out=${value}`]).overrides, { out: value });
    assertEquals(parseCommandLine(["--out", value]).overrides, { out: value });
  }
  assertEquals(parse("--seed=-1").overrides, { seed: "-1" });
  assertEquals(parse("--model.tie_embeddings true").overrides, { "model.tie_embeddings": "true" });
});

Deno.test("parseCommandLine() lets the last of two values win, aliases included", () => {
  assertEquals(parse("--steps 1 --steps=2").overrides, { steps: "2" });
  assertEquals(parse("--data a --data.path=b").overrides, { "data.path": "b" });
  assertEquals(parse("--data.path=b --data a").overrides, { "data.path": "a" });
  assertEquals(parse("--weight-decay 1 --weight_decay 2").overrides, { weight_decay: "2" });
});

Deno.test("parseCommandLine() reads --resume and help", () => {
  assertEquals(parse("--resume runs/a"), {
    overrides: {},
    resume: "runs/a",
    help: false,
    testing: false,
  });
  assertEquals(parse("--help").help, true);
  assertEquals(parse("a.ts -h --steps 3"), {
    config: "a.ts",
    overrides: { steps: "3" },
    help: true,
    testing: false,
  });
});

Deno.test("parseCommandLine() refuses a flag without a value", () => {
  for (
    const line of [
      "--steps",
      "--steps=",
      "--steps --seed 3",
      "--resume",
      "--model.tie_embeddings",
      "--no-help",
    ]
  ) {
    assertEquals(fault(line).includes("need a value, as in --"), true, line);
  }
  assertEquals(
    fault("--steps"),
    "Cannot read --steps: need a value, as in --steps=value: none given",
  );
});

Deno.test("parseCommandLine() says what a flag without a value needs, or which key is meant", () => {
  const value = (name: string, example: string) =>
    `Cannot read --${name}: need a value, as in --${name}=${example}: none given`;
  const cases: Readonly<Record<string, string>> = {
    "--model.tie_embeddings": value("model.tie_embeddings", "true"),
    "--data.document-mask --steps=3": value("data.document-mask", "true"),
    "--optim.lr": value("optim.lr", "value"),
    "--data": value("data", "value"),
    "--resume": value("resume", "value"),
    "--frobnicate": value("frobnicate", "value"),
    "--fp16": 'Unknown key "fp16": leave it out: everything computes in f32',
    "--bf16 --steps=3": 'Unknown key "bf16": leave it out: everything computes in f32',
    "--gradient-checkpointing": 'Unknown key "gradient-checkpointing": leave it out: a large loss',
    "--tie-weights": 'Unknown key "tie-weights": did you mean "model.tie_embeddings"?',
    "--tied": 'Unknown key "tied": did you mean "model.tie_embeddings"?',
  };
  for (const [line, says] of Object.entries(cases)) {
    assertEquals(fault(line).slice(0, says.length), says, line);
  }
});

Deno.test("parseCommandLine() takes a fault plan together with --testing, in any order", () => {
  for (
    const line of [
      "--testing --faults=plan.json --steps 3",
      "--faults plan.json --testing --steps=3",
      "--steps=3 --faults=other.json --faults=plan.json --testing",
    ]
  ) {
    assertEquals(parse(line), {
      overrides: { steps: "3" },
      help: false,
      faults: "plan.json",
      testing: true,
    }, line);
  }
  assertEquals(parse("--testing a.ts"), {
    config: "a.ts",
    overrides: {},
    help: false,
    testing: true,
  });
});

Deno.test("parseCommandLine() refuses a fault plan without --testing", () => {
  for (const line of ["--faults=plan.json", "a.ts --faults plan.json --steps 3"]) {
    assertEquals(
      fault(line),
      "Cannot take --faults: it needs --testing, for it breaks the run",
      line,
    );
  }
  assertEquals(
    fault("--testing --faults"),
    "Cannot read --faults: need a value, as in --faults=value: none given",
  );
});

Deno.test("parseCommandLine() takes a text beside a config, and one text at most", () => {
  assertEquals(parse("my.txt --steps 3").overrides, { steps: "3", "data.path": "my.txt" });
  assertEquals(parse("notes.MD").config, undefined);
  const { config, overrides } = parse("my.txt a.json");
  assertEquals([config, overrides], ["a.json", { "data.path": "my.txt" }]);
  for (const line of ["a.txt b.txt", "a.txt --data=b.txt"]) {
    assertEquals(
      fault(line),
      "Cannot read the command line: need at most one text: got a.txt and b.txt",
    );
  }
});

Deno.test("parseCommandLine() refuses two configs", () => {
  assertEquals(
    fault("a.ts b.ts").endsWith("need at most one config file: got a.ts and b.ts"),
    true,
  );
  assertEquals(fault("a.ts --config b.ts").includes("a.ts and b.ts"), true);
});

Deno.test("parseCommandLine() refuses flags of one dash", () => {
  for (const line of ["-steps 3", "-s 3", "-lr=3"]) {
    assertEquals(fault(line).includes("need two dashes"), true, line);
  }
});

Deno.test("parseCommandLine() sets nothing on shared objects", () => {
  const { overrides } = parse("--__proto__.steps=1 --constructor.x 2");
  assertEquals(Object.keys(overrides), ["__proto__.steps", "constructor.x"]);
  assertEquals(Reflect.get({}, "steps"), undefined);
});

/** What a command line asks of `generate`, and what it is refused for. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UserError } from "../../../src/base/user_error.ts";
import { flagsHelp } from "../../../src/cli/flags.ts";
import { GENERATE, parseGenerate, slideNote } from "../../../src/cli/generate/request.ts";
import type { GenerateRequest } from "../../../src/cli/generate/request.ts";
import { resolveConfig } from "../../../src/config/resolve.ts";

const DEFAULTS: GenerateRequest = {
  path: "runs/a",
  prompt: { kind: "none" },
  tokens: 200,
  sampling: { temperature: 0.8, topK: 0, topP: 1, penalty: 1 },
  search: { beams: 1, lengthPenalty: 1 },
  stops: [],
  seed: 1337,
  num: 1,
  logprobs: false,
  which: "newest",
  device: "auto",
};

function fault(...args: readonly string[]): string {
  const refusal = assertThrows(() => parseGenerate(args), UserError);
  assertEquals(refusal.exit, "config");
  return refusal.message;
}

Deno.test("parseGenerate() needs a path and no more", () => {
  assertEquals(parseGenerate(["runs/a"]), DEFAULTS);
  assertEquals(parseGenerate(["--help"]), "help");
  for (const args of [[], [""], ["--tokens=3"], ["runs/a", "Once", "upon"]]) {
    assertStringIncludes(
      fault(...args),
      "need one path of a model, as in deno task generate runs/a",
    );
  }
});

Deno.test("parseGenerate() reads every flag", () => {
  const flags = "--prompt=Once --tokens 5 --temperature=0 --top-k=3 --top_p 0.9 --seed=0 --num=2 " +
    "--repetition-penalty=1.2 --stop=a --stop=\\n\\n --logprobs --which=best --device=reference";
  assertEquals(parseGenerate(["runs/a", ...flags.split(" ")]), {
    path: "runs/a",
    prompt: { kind: "text", text: "Once" },
    tokens: 5,
    sampling: { temperature: 0, topK: 3, topP: 0.9, penalty: 1.2 },
    search: { beams: 1, lengthPenalty: 1 },
    stops: ["a", "\n\n"],
    seed: 0,
    num: 2,
    logprobs: true,
    which: "best",
    device: "reference",
  });
});

Deno.test("parseGenerate() takes a prompt from one place", () => {
  const prompt = (...args: readonly string[]) => {
    const request = parseGenerate(["runs/a", ...args]);
    assert(request !== "help");
    return request.prompt;
  };
  assertEquals(prompt("--prompt="), { kind: "text", text: "" });
  assertEquals(prompt("--prompt", "- a list"), { kind: "text", text: "- a list" });
  assertEquals(prompt("--prompt-file=p.txt"), { kind: "file", path: "p.txt" });
  assertEquals(prompt("--prompt=-"), { kind: "stdin" });
  assertEquals(prompt("--prompt-file", "-"), { kind: "stdin" });
  assertEquals(
    fault("runs/a", "--prompt=a", "--prompt-file=b"),
    "Cannot take a prompt: need --prompt or --prompt-file: both are given",
  );
});

Deno.test("parseGenerate() names the flag, the need and the value of what is out of range", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["--temperature", "a number >= 0", "-0.1"],
    ["--temperature", "a number >= 0", "warm"],
    ["--top-p", "a number in (0, 1]", "0"],
    ["--top-p", "a number in (0, 1]", "1.5"],
    ["--top-k", "an integer >= 0", "-1"],
    ["--top-k", "an integer >= 0", "2.5"],
    ["--tokens", "an integer >= 1", "0"],
    ["--num", "an integer >= 1", "0"],
    ["--repetition-penalty", "a number in [0.01, 100]", "0"],
    ["--repetition-penalty", "a number in [0.01, 100]", "1e-320"],
    ["--temperature", "a number >= 0", "1e-320"],
    ["--seed", "an integer >= 0", "-1"],
    ["--which", "newest | best", "worst"],
    ["--device", "auto | cpu | webgpu | reference", "quantum"],
  ];
  for (const [flag, need, value] of cases) {
    const message = `Cannot take ${flag}: need ${need}: ${value}`;
    assertEquals(fault("runs/a", `${flag}=${value}`), message);
    assertEquals(fault("runs/a", flag, value), message);
  }
  assertEquals(
    fault("runs/a", "--stop="),
    "Cannot read --stop: need a value, as in --stop=value: none given",
  );
  assertEquals(fault("runs/a", "--temp=1"), "Unknown flag --temp: did you mean --temperature?");
});

Deno.test("slideNote() tells before a text whether its window slides", () => {
  const note = (prompt: number, tokens: number, kind = "gpt") => {
    const { model } = resolveConfig({ model: { kind } });
    return slideNote({ tokens }, { prompt, model: { model, context: 64 } });
  };
  // The last token is drawn, and not read.
  assertEquals(note(10, 55), undefined);
  assertEquals(note(64, 1), undefined);
  const rest = "longer than the context of 64 tokens: its window slides";
  assertEquals(note(10, 56), `The text may become ${rest}`);
  assertEquals(note(65, 1), `The text is ${rest}`);
  assertEquals(note(65, 1000, "recurrent"), undefined);
});

Deno.test("the help of generate fits 100 columns", () => {
  for (const line of flagsHelp(GENERATE).split("\n")) {
    assert(line.length <= 100 && line === line.trimEnd(), line);
  }
});

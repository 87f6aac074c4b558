/** Flags of a command: every way to write one, and what is refused. */
import * as z from "zod";
import { assertEquals, assertThrows } from "@std/assert";
import { flagsHelp, parseFlags } from "../../src/cli/flags.ts";
import type { FlagsSpec } from "../../src/cli/flags.ts";
import { UserError } from "../../src/base/user_error.ts";

const SPEC = {
  usage: "deno task cook PATH [--flag=value]...",
  about: "Cooks what lies at PATH.",
  flags: {
    prompt: z.string().optional().describe("What to begin with"),
    out: z.string().min(1).optional().meta({ value: "DIR" }).describe("Where to write"),
    "top-p": z.number().gt(0).max(1).default(1).describe("Share that is kept"),
    tokens: z.int().default(200).describe("How many"),
    logprobs: z.boolean().default(false).describe("Show probabilities"),
    stop: z.array(z.string().min(1)).default([]).describe("Where to end"),
    which: z.enum(["newest", "best"]).optional().describe("Which one"),
  },
} satisfies FlagsSpec;
const DEFAULTS = {
  prompt: undefined,
  out: undefined,
  "top-p": 1,
  tokens: 200,
  logprobs: false,
  stop: [],
  which: undefined,
};

/** Values and positionals of words, beside the defaults. */
function read(...args: readonly string[]): Record<string, unknown> {
  const { positionals, values } = parseFlags(args, SPEC);
  assertEquals(Object.keys(values), Object.keys(DEFAULTS));
  const changed = Object.entries(values).filter(([name, value]) =>
    JSON.stringify(value) !== JSON.stringify(Reflect.get(DEFAULTS, name))
  );
  return { ...Object.fromEntries(changed), ...(positionals.length > 0 && { positionals }) };
}

/** The fault that words are refused for. */
function fault(...args: readonly string[]): string {
  const refusal = assertThrows(() => parseFlags(args, SPEC), UserError);
  assertEquals(refusal.exit, "config");
  return refusal.message;
}

Deno.test("parseFlags() of nothing gives the defaults", () => {
  assertEquals(parseFlags([], SPEC), { positionals: [], values: DEFAULTS, help: false });
});

Deno.test("parseFlags() reads --key=value and --key value, and takes _ for -", () => {
  assertEquals(read("runs/a", "--tokens=5", "--top-p", "0.5"), {
    positionals: ["runs/a"],
    tokens: 5,
    "top-p": 0.5,
  });
  assertEquals(read("--top_p=0.25"), { "top-p": 0.25 });
  assertEquals(read("--tokens", "1e3", "--tokens=7"), { tokens: 7 });
});

Deno.test("parseFlags() keeps texts and positionals as they are written", () => {
  for (
    const text of ["a=b", "007", "1_000", "true", "null", "ä b", "two\nlines", "-", "- x", "-5"]
  ) {
    assertEquals(read("--out", text), { out: text });
    assertEquals(read(`--out=${text}`), { out: text });
  }
  assertEquals(read("007", "-", "1e3"), { positionals: ["007", "-", "1e3"] });
  assertEquals(read("--tokens=3", "--", "--tokens=4", "-h"), {
    tokens: 3,
    positionals: ["--tokens=4", "-h"],
  });
  assertEquals(read("--out=--tokens=4"), { out: "--tokens=4" });
});

Deno.test("parseFlags() takes the empty text only where it is a value", () => {
  assertEquals(read("--prompt="), { prompt: "" });
  assertEquals(read("--prompt", "", "runs/a"), { prompt: "", positionals: ["runs/a"] });
  for (const args of [["--prompt"], ["--prompt", "--tokens=3"], ["--out="], ["--out", ""]]) {
    const name = args[0]?.replace("=", "");
    assertEquals(
      fault(...args),
      `Cannot read ${name}: need a value, as in ${name}=value: none given`,
    );
  }
});

Deno.test("parseFlags() needs no value behind a boolean flag", () => {
  assertEquals(read("--logprobs", "runs/a"), { logprobs: true, positionals: ["runs/a"] });
  assertEquals(read("--logprobs"), { logprobs: true });
  assertEquals(read("--logprobs", "true", "a"), { logprobs: true, positionals: ["a"] });
  assertEquals(read("--logprobs", "--logprobs=false"), {});
  assertEquals(fault("--logprobs=yes"), "Cannot take --logprobs: need true or false: yes");
});

Deno.test("parseFlags() collects a list and leaves its default alone", () => {
  assertEquals(read("--stop=a", "--stop", "b", "--stop=a"), { stop: ["a", "b", "a"] });
  assertEquals(read(), {});
});

Deno.test("parseFlags() refuses numbers that are none or out of range", () => {
  for (const text of ["abc", "1.5", "1e400", "NaN", " ", "2 3"]) {
    assertEquals(fault(`--tokens=${text}`), `Cannot take --tokens: need an integer: ${text}`);
  }
  for (const text of ["0", "1.01", "-0.5", "Infinity", "half"]) {
    assertEquals(fault("--top-p", text), `Cannot take --top-p: need a number in (0, 1]: ${text}`);
  }
});

Deno.test("parseFlags() refuses a text that is no choice", () => {
  assertEquals(read("--which=best"), { which: "best" });
  assertEquals(fault("--which=last"), "Cannot take --which: need newest | best: last");
});

Deno.test("parseFlags() names the nearest flag of one that it does not know", () => {
  assertEquals(fault("--token=3"), "Unknown flag --token: did you mean --tokens?");
  assertEquals(fault("--top-k", "3"), "Unknown flag --top-k: did you mean --top-p?");
  assertEquals(fault("--topp=1"), "Unknown flag --topp: did you mean --top-p?");
  assertEquals(fault("--no-logprobs"), "Unknown flag --no-logprobs: did you mean --logprobs?");
  assertEquals(
    fault("--max_new_tokens=3"),
    "Unknown flag --max_new_tokens: did you mean --tokens?",
  );
  for (const name of ["__proto__", "constructor", "frobnicate"]) {
    assertEquals(fault(`--${name}=1`), `Unknown flag --${name}: --help lists the flags`);
  }
});

Deno.test("parseFlags() refuses flags of one dash", () => {
  for (const arg of ["-t", "-tokens", "-5", "-o=3"]) {
    assertEquals(fault(arg), `Cannot read "${arg}": need two dashes and the whole name of a flag`);
  }
});

Deno.test("parseFlags() gives help whatever else is wrong", () => {
  for (
    const args of [["-h"], ["--help"], ["runs/a", "--tokens=x", "--help"], ["--nothing", "-h"]]
  ) {
    assertEquals(parseFlags(args, SPEC).help, true);
  }
});

Deno.test("flagsHelp() lists usage and every flag with its bounds and default", () => {
  assertEquals(
    flagsHelp(SPEC),
    `Usage: deno task cook PATH [--flag=value]...

Cooks what lies at PATH.

Flags; - and _ mean the same in them:
  --prompt TEXT  What to begin with
  --out DIR      Where to write
  --top-p N      Share that is kept (in (0, 1]; default 1)
  --tokens N     How many (default 200)
  --logprobs     Show probabilities
  --stop TEXT    Where to end
  --which NAME   Which one (newest | best)
  -h, --help     This text
`,
  );
});

/** The help text mentions everything and fits the page. */
import { assertEquals } from "@std/assert";
import { helpText } from "../../src/cli/help.ts";
import { parseCommandLine } from "../../src/cli/args.ts";
import { keys, showDefault } from "../../src/config/keys.ts";
import { applyOverrides } from "../../src/config/overrides.ts";

const LINES = helpText().split("\n");
const KEYS_AT = LINES.indexOf("Keys, with their defaults:");

Deno.test("helpText() gives each key, its default, its description and its type", () => {
  const text = LINES.map((line) => line.trim()).join(" ");
  for (const key of keys()) {
    const row = LINES.slice(KEYS_AT).find((line) => line.startsWith(`  --${key.path} `)) ?? "";
    assertEquals(row.split(/\s+/)[2], showDefault(key) ?? "", key.path);
    assertEquals(text.includes(`${key.description} (${key.need})`), true, key.path);
  }
});

Deno.test("helpText() fits 100 columns, without trailing blanks", () => {
  for (const line of LINES) {
    assertEquals(line.length <= 100 && line === line.trimEnd(), true, line);
  }
});

Deno.test("helpText() aligns its columns", () => {
  const rows = LINES.slice(KEYS_AT + 1).filter((line) => line !== "");
  const starts = rows.map((line) => /^(?: {2}--\S+ +\S+ +| +)(?=\S)/.exec(line)?.[0].length);
  assertEquals(new Set(starts).size, 1);
});

Deno.test("helpText() lists flags that the command line takes", () => {
  const flags = LINES.slice(
    LINES.indexOf("Flags:") + 1,
    LINES.indexOf("Keys, with their defaults:"),
  )
    .flatMap((line) => /^ {2}(--\S+)/.exec(line)?.[1] ?? []);
  assertEquals(flags, [
    "--data",
    "--out",
    "--steps",
    "--workers",
    "--gpus",
    "--seed",
    "--device",
    "--resume",
    "--restart",
    "--follow-links",
    "--config",
    "--print-config",
  ]);
  for (const flag of flags) applyOverrides({}, parseCommandLine([flag, "1"]).overrides);
});

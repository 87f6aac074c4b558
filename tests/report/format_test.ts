import { assertEquals } from "@std/assert";
import { showBytes, showCount, showLoss, showRate, showSeconds } from "../../src/report/format.ts";

Deno.test("showLoss() keeps four decimals or significant digits", () => {
  const cases = [[3.21412, "3.2141"], [0.53219, "0.5322"], [0.0123456, "0.01235"], [0, "0.0000"]];
  for (const [loss, text] of cases) assertEquals(showLoss(Number(loss)), text);
  assertEquals(showLoss(NaN), "NaN");
  assertEquals(showLoss(-Infinity), "-Infinity");
});

Deno.test("showRate() uses powers of ten", () => {
  assertEquals([3e-4, 0, 0.1].map(showRate), ["3.00e-4", "0.00e+0", "1.00e-1"]);
});

Deno.test("showCount() never shows more than three digits", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [987.4, "987"],
    [999.5, "1.00k"],
    [9_994, "9.99k"],
    [9_995, "10.0k"],
    [45_200, "45.2k"],
    [99_960, "100k"],
    [999_600, "1.00M"],
    [1_234_567, "1.23M"],
    [124_000_000, "124M"],
    [3.2e9, "3.20G"],
  ];
  for (const [n, text] of cases) assertEquals(showCount(n), text);
});

Deno.test("showBytes() counts in powers of 1000", () => {
  assertEquals([12, 1500, 2_100_000].map(showBytes), ["12 B", "1.50 kB", "2.10 MB"]);
});

Deno.test("showSeconds() shows two units and never 60 of one", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 m 0 s"],
    [80, "1 m 20 s"],
    [3599.6, "1 h 0 m"],
    [7500, "2 h 5 m"],
    [86_399, "1 d 0 h"],
    [273_600, "3 d 4 h"],
  ];
  for (const [seconds, text] of cases) assertEquals(showSeconds(seconds), text);
});

/** Lines on how far a preparation is. */
import { assertEquals } from "@std/assert";
import { meterLine } from "../../src/prepare/meter.ts";

Deno.test("meterLine() says percent, bytes, rate and what is left", () => {
  const reached = { phase: "encode", bytes: 45e7, total: 1e9, seconds: 10, before: 25e7 } as const;
  assertEquals(meterLine(reached), "encoding 45 %  450 MB of 1.00 GB  20.0 MB/s  28 s left");
});

Deno.test("meterLine() leaves out a rate that nobody knows", () => {
  const reached = { phase: "scan", bytes: 0, total: 0, seconds: 0, before: 0 } as const;
  assertEquals(meterLine(reached), "reading 100 %  0 B of 0 B");
});

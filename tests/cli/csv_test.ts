/** A table with a quote that is never closed is read once, not once for each of its lines. */
import { assertEquals, assertLess, assertThrows } from "@std/assert";
import { bytesOf } from "../../src/base/hash.ts";
import { UserError } from "../../src/base/user_error.ts";
import { csvRows } from "../../src/cli/csv.ts";

const utf8 = (text: string): Uint8Array => bytesOf(new TextEncoder().encode(text));

Deno.test("a quoted cell may hold line ends, and one that is never closed ends soon", () => {
  const rows = csvRows(utf8('params,tokens,loss\n1,"2\n3",4\n'), "t.csv");
  assertEquals(rows.map(({ cells }) => cells), [["params", "tokens", "loss"], ["1", "2\n3", "4"]]);
  const start = performance.now();
  const open = 'params,tokens,loss\n"1,2,3\n' + "1,2,3\n".repeat(100_000);
  assertThrows(() => csvRows(utf8(open), "t.csv"), UserError);
  assertLess(performance.now() - start, 10_000);
});

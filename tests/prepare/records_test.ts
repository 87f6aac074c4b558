/** Documents by separator, wherever the peeked bytes end. */
import { assertEquals } from "@std/assert";
import { ByteStream } from "../../src/prepare/byte_stream.ts";
import { inputOf } from "../../src/prepare/inspect.ts";
import { records } from "../../src/prepare/records.ts";
import { Desk } from "./fixture.ts";

/** Bytes that records() peeks at first, and per read. */
const VIEW = 1 << 20;

Deno.test("a separator that spans two reads is found", async () => {
  using desk = new Desk();
  const end = "\r\n--- 8< ---\r\n";
  for (let inside = 0; inside <= end.length; inside += 3) {
    const lengths = [VIEW - inside, 5, 2 * VIEW - 5 - inside - end.length, 7];
    const documents = lengths.map((n, i) => String(i).repeat(n));
    for (const last of ["", end]) {
      desk.write("a.txt", documents.join(end) + last);
      await using stream = new ByteStream(await inputOf(desk.of("a.txt")));
      const found: number[] = [];
      let ends = 0;
      for await (
        const { bytes, at, next, ended } of records(stream, {
          end: new TextEncoder().encode(end),
          name: "a.txt",
        })
      ) {
        found.push(bytes.length);
        ends += Number(ended);
        assertEquals(next - at - bytes.length, ended ? end.length : 0);
      }
      assertEquals([found, ends], [lengths, last === "" ? 3 : 4], `${inside} bytes inside`);
    }
  }
});

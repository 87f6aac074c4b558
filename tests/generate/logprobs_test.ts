/** Lines of log-probabilities can be read by people and programs. */
import { assertEquals } from "@std/assert";
import { meanLine, tokenLine } from "../../src/generate/logprobs.ts";

Deno.test("tokenLine() gives JSON text, id and logarithm, apart by tabs", () => {
  assertEquals(tokenLine("é", { id: 7, logprob: -1.25 }), '"é"\t7\t-1.250000\n');
  const [text = ""] = tokenLine('\t"\n\x9b\x1b', { id: 1, logprob: 0 }).split("\t");
  assertEquals(text, '"\\t\\"\\n\\u009b\\u001b"');
  assertEquals(JSON.parse(text), '\t"\n\x9b\x1b');
});

Deno.test("meanLine() gives the mean behind the count, and nothing of nothing", () => {
  assertEquals(meanLine([-1, -2]), "mean of 2\t\t-1.500000\n");
  assertEquals(meanLine([]), "");
});

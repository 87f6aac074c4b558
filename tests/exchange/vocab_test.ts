/** vocab.json and merges.txt say what the tokenizer.json beside them says. */
import { assertEquals, assertThrows } from "@std/assert";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/user_error.ts";
import { tokenizerJsonOf } from "../../src/exchange/vocab.ts";

const TINY = fileURLToPath(new URL("../golden/hf_gpt2_tiny", import.meta.url));
const read = (name: string) => Deno.readTextFileSync(`${TINY}/${name}`);

Deno.test("tokenizerJsonOf() gives the tokenizer.json that the library wrote beside them", () => {
  const got = tokenizerJsonOf({
    vocab: JSON.parse(read("vocab.json")),
    merges: read("merges.txt"),
    path: TINY,
  });
  const want = JSON.parse(read("tokenizer.json"));
  assertEquals(got["model"], want.model);
  assertEquals(got["added_tokens"], want.added_tokens);
  assertEquals(got["pre_tokenizer"], want.pre_tokenizer);
});

Deno.test("tokenizerJsonOf() refuses files that are not those, with the line", () => {
  const refused = (vocab: unknown, merges: string, says: string) =>
    assertThrows(() => tokenizerJsonOf({ vocab, merges, path: "x" }), UserError, says);
  refused(["a"], "", "x/vocab.json: need a number for each token");
  refused({ a: -1 }, "", "x/vocab.json: need a number for each token");
  refused({ a: 0 }, "#version: 0.2\na b\nabc\n", "two tokens and a space at line 3: abc");
  refused({ a: 0 }, "a b c\n", "two tokens and a space at line 1: a b c");
});

/** Exported files give the same ids, and are recognized on import. */
import { assertEquals } from "@std/assert";
import { toHuggingFace } from "../../../src/data/tokenizers/huggingface.ts";
import { libraryTokenizer } from "../../../src/data/tokenizers/library/library.ts";
import { tokenizerFrom, tokenizerHash } from "../../../src/data/tokenizers/mod.ts";
import { specOfTokenizerJson } from "../../../src/data/tokenizers/recognize.ts";
import { readTokenizerJson } from "../../../src/data/tokenizers/tokenizer_json.ts";
import { NAMES, TEXTS, tokenizerOf } from "./all.ts";

/** As it comes from a file. */
function written(name: string, end: boolean): Record<string, unknown> {
  return JSON.parse(JSON.stringify(toHuggingFace(tokenizerOf(name, { end }))["tokenizer.json"]));
}

for (const name of NAMES) {
  for (const end of [true, false]) {
    Deno.test(`${name}, end ${end}: its tokenizer.json is recognized, whoever wrote it again`, () => {
      const tokenizer = tokenizerOf(name, { end });
      const json = written(name, end);
      // As transformers 5.23 writes it again.
      const again = { ...json, post_processor: { type: "TemplateProcessing", single: [] } };
      for (const file of [json, again]) {
        const spec = specOfTokenizerJson(file);
        assertEquals(spec.kind, tokenizer.kind);
        assertEquals(tokenizerHash(tokenizerFrom(spec)), tokenizerHash(tokenizer));
      }
    });
  }
}

for (const name of ["byte", "gpt2", "bpe:400"]) {
  Deno.test(`${name}: another implementation reads the file and gives the same ids`, () => {
    const tokenizer = tokenizerOf(name);
    const library = libraryTokenizer(readTokenizerJson(written(name, true)));
    // The library takes U+FEFF for white space and U+0085 for none, so they stay out.
    for (const text of TEXTS.map((text) => text.replaceAll(/[\ufeff\x85]/g, ""))) {
      assertEquals(library.encode(text), tokenizer.encode(text), JSON.stringify(text));
      assertEquals(library.decode(tokenizer.encode(text)), text);
    }
  });
}

Deno.test("GPT-2's file as it is distributed is recognized", () => {
  const json = written("gpt2", true);
  const { type: _, merges, ...model } = json["model"] as {
    type: string;
    merges: [string, string][];
    vocab: unknown;
  };
  const spec = specOfTokenizerJson({
    ...json,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
    post_processor: { type: "ByteLevel", add_prefix_space: true, trim_offsets: false },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true },
    model: {
      ...model,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      merges: merges.map((pair) => pair.join(" ")),
    },
  });
  assertEquals(spec, { kind: "gpt2" });
});

Deno.test("the end token is named in tokenizer_config.json where there is one", () => {
  for (const name of NAMES) {
    const config = toHuggingFace(tokenizerOf(name))["tokenizer_config.json"];
    const wanted = name.startsWith("word") ? undefined : "<|endoftext|>";
    assertEquals(config["eos_token"], wanted);
  }
});

/** Samples as people see them. */
import { assertEquals } from "@std/assert";
import { Samples } from "../../src/cli/train/samples.ts";
import type { SamplesOptions } from "../../src/cli/train/samples.ts";

function shown(options: Partial<SamplesOptions>, draw: (samples: Samples) => void): string {
  let text = "";
  draw(
    new Samples({
      num: 1,
      prompt: "Once",
      logprobs: false,
      textOf: (id) => String.fromCharCode(id),
      end: 0,
      write: (more) => text += more,
      ...options,
    }),
  );
  return text;
}

const taken = (id: number, text = String.fromCharCode(id)) => ({ id, logprob: -0.5, text });

Deno.test("one sample is its prompt, its text and a line feed", () => {
  assertEquals(
    shown({}, (samples) => {
      samples.begin(0);
      samples.push(0, taken(97));
      samples.push(0, taken(98, ""));
      samples.end(0, "b");
    }),
    "Onceab\n",
  );
});

Deno.test("several samples have headers and stand one behind the other", () => {
  assertEquals(
    shown({ num: 2 }, (samples) => {
      samples.begin(0);
      samples.begin(1);
      samples.push(0, taken(97));
      samples.push(1, taken(120));
      samples.end(1, "");
      samples.push(0, taken(98));
      samples.end(0, "");
    }),
    "--- sample 1 of 2\nOnceab\n--- sample 2 of 2\nOncex\n",
  );
});

Deno.test("log-probabilities take the place of the text, the end token by its name", () => {
  assertEquals(
    shown({ logprobs: true }, (samples) => {
      samples.begin(0);
      samples.push(0, taken(97));
      samples.push(0, { ...taken(0, ""), logprob: -1.5 });
      samples.end(0, "");
    }),
    '"a"\t97\t-0.500000\n"<|endoftext|>"\t0\t-1.500000\nmean of 2\t\t-1.000000\n',
  );
});

/** Parts and windows: nothing shared, nothing crossing, and texts that are too short. */
import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../../src/base/user_error.ts";
import { split, windowCount } from "../../src/data/windows.ts";

const tokensTo = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

Deno.test("split() keeps order, loses nothing and shares no token", () => {
  for (const validation of [0.1, 0.25, 0.3, 0.5]) {
    for (const n of [97, 100, 1001]) {
      const parts = split(tokensTo(n), { seq_len: 8, stride: 1, validation });
      assertEquals([...parts.train, ...parts.validation], Array.from(tokensTo(n)));
      assertEquals(parts.validation.length, Math.floor(n * validation));
    }
  }
});

Deno.test("windows of the two parts never share a token, whatever the stride", () => {
  for (const stride of [1, 3, 8, 20]) {
    const { train, validation } = split(tokensTo(200), { seq_len: 8, stride, validation: 0.2 });
    const seen = (part: Uint32Array) => {
      const out = new Set<number>();
      for (let k = 0; k < windowCount(part.length, 8, stride); k++) {
        for (const token of part.subarray(k * stride, k * stride + 9)) out.add(token);
      }
      return out;
    };
    assertEquals(seen(train).intersection(seen(validation)).size, 0);
    assertEquals(seen(train).size > 0 && seen(validation).size > 0, true);
  }
});

Deno.test("split() names the tokens present and the fewest that would do", () => {
  for (const validation of [0.05, 0.1, 0.3, 1 / 3, 0.49, 0.5]) {
    const options = { seq_len: 7, stride: 1, validation };
    let n = 0;
    let refusal: UserError | undefined;
    for (;; n++) {
      try {
        split(tokensTo(n), options);
        break;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        refusal = error;
      }
    }
    assertEquals(refusal?.exit, "data");
    assertEquals(refusal?.message.includes(`need ${n} tokens`), true, refusal?.message);
    assertEquals(refusal?.message.endsWith(`the text has ${n - 1}`), true, refusal?.message);
  }
});

Deno.test("split() refuses an empty list of tokens", () => {
  const options = { seq_len: 1, stride: 1, validation: 0.5 };
  assertThrows(() => split(new Uint32Array(), options), UserError, "need 4 tokens");
});

Deno.test("windowCount() counts the starts that leave room for the last target", () => {
  for (const window of [1, 4, 7]) {
    for (const stride of [1, 3, 4, 9]) {
      for (let n = 0; n < 40; n++) {
        let starts = 0;
        while (starts * stride + window + 1 <= n) starts++;
        assertEquals(windowCount(n, window, stride), starts, `${n} ${window} ${stride}`);
      }
    }
  }
});

/** A command reports the first error, not those of its cleanup. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { firstError } from "../../src/base/first_error.ts";
import { UserError } from "../../src/base/user_error.ts";
import { endingOf } from "../../src/cli/command.ts";

/** A resource whose disposal fails. */
function stubborn(name: string): Disposable {
  return {
    [Symbol.dispose]() {
      throw new Error(`Input/output error (os error 5): ${name}`);
    },
  };
}

Deno.test("firstError() is what a block ended with, however many disposals failed behind it", () => {
  const first = new UserError("tooLarge", "Cannot save: no room");
  try {
    using _outer = stubborn("outer");
    using _inner = stubborn("inner");
    throw first;
  } catch (error) {
    assertStrictEquals(firstError(error), first);
  }
  assertStrictEquals(firstError(first), first);
});

Deno.test("a command ends with its own line and code though what it holds cannot be disposed", async () => {
  const ending = await endingOf(async () => {
    await using _later = { [Symbol.asyncDispose]: () => Promise.reject(new Error("later")) };
    using _stubborn = stubborn("a");
    throw await Promise.resolve(new UserError("tooLarge", "Cannot save: no room"));
  });
  assertEquals(ending, { exit: "tooLarge", says: "error: Cannot save: no room" });
});

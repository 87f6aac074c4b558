/** What test files share is made once, and by each file that is tested alone. */
import { assertEquals } from "@std/assert";
import { SHARED, sharedOnce } from "../support/shared.ts";
import { environment } from "../support/swiftshader.ts";

Deno.test("what files share is made once by name, and each time where they share no folder", async () => {
  const folder = Deno.makeTempDirSync();
  let made = 0;
  const make = () => Promise.resolve({ made: ++made });
  try {
    using _shared = environment({ [SHARED]: folder });
    assertEquals(await sharedOnce("a", make), { made: 1 });
    assertEquals(await sharedOnce("a", make), { made: 1 });
    assertEquals(await sharedOnce("b", make), { made: 2 });
    Deno.env.delete(SHARED);
    assertEquals(await sharedOnce("a", make), { made: 3 });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

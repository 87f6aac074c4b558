/** Results that all test files of one call of the task `test` share, by files in a folder. */
import { hashValue } from "../../src/base/hash.ts";

/** Names the folder; it is not set where a file is tested alone. */
export const SHARED = "SHOAL_TEST_SHARED";

/** What another file of tests has made under this name, or what `make` gives. It must be JSON. */
export async function sharedOnce<T>(name: string, make: () => Promise<T>): Promise<T> {
  const folder = Deno.env.get(SHARED);
  if (folder === undefined) return await make();
  const path = `${folder}/${hashValue(name)}.json`;
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const made = await make();
  // A file that is half written is not there under its name.
  const draft = await Deno.makeTempFile({ dir: folder });
  await Deno.writeTextFile(draft, JSON.stringify(made));
  await Deno.rename(draft, path);
  return made;
}

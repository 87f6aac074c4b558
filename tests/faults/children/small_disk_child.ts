/** Repeatedly fills a disk of 4 MiB and saves on it: `small_disk_child.ts <folder>`. */
import { UserError } from "../../../src/base/user_error.ts";
import { saveCheckpoint, type SaveOptions } from "../../../src/checkpoint/commit.ts";
import { loadNewest } from "../../../src/checkpoint/load.ts";
import { applyRetention } from "../../../src/checkpoint/retention.ts";
import { freeBytes } from "../../../src/checkpoint/space.ts";
import { draftOf, names, tensor } from "../../checkpoint/fixture.ts";

const root = Deno.args[0] ?? "";
const filler = `${root}/filler`;
const PART = 2 ** 17; // Elements: half a MiB.

/** A checkpoint of 1 MiB. */
function draft(step: number) {
  const model = [tensor("w", [PART], step)];
  return { ...draftOf(step), model, optimizer: [tensor("w/m", [PART], step)] };
}

/** Leaves so many bytes free. */
function fillUp(free: number): void {
  Deno.writeFileSync(filler, new Uint8Array(freeBytes(root) - free), { append: true });
}

async function loads(): Promise<number> {
  const onSkip = (path: string) => {
    throw new Error(`${path} was skipped`);
  };
  return (await loadNewest(root, { onSkip })).manifest.step;
}

/** The error and leftovers of a save that must fail; `at` is its last effect. */
async function failing(options: SaveOptions) {
  let at = "";
  try {
    await saveCheckpoint(root, draft(2), { at: (point) => void (at = point), ...options });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return {
      exit: error.exit,
      message: error.message,
      at,
      names: names(root),
      loads: await loads(),
    };
  }
  throw new Error("It was saved");
}

await saveCheckpoint(root, draft(1));
fillUp(700_000);
const ahead = await failing({});
const during = [];
// From half the space of the model to all of the tensors and none of the manifest.
for (const free of [300_000, 800_000, 2 * (PART * 4 + 4096)]) {
  Deno.removeSync(filler);
  fillUp(free);
  let last = "";
  const result = await failing({ free: () => Infinity, at: (point) => void (last = point) });
  during.push({ ...result, at: last.replace("create", "fill") });
}
const removed = await applyRetention(root, { keep: 1, keep_every: 0, keep_best: false });
Deno.removeSync(filler);
await saveCheckpoint(root, draft(2));
const after = { names: names(root), loads: await loads() };
console.log(JSON.stringify([ahead, during, removed, after]));

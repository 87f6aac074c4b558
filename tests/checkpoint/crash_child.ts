/** Saves a checkpoint and kills itself at a point: `crash_child.ts <root> <step> <point>`. */
import { saveCheckpoint } from "../../src/checkpoint/commit.ts";
import { draftOf } from "./fixture.ts";

const [root = "", step = "", point = ""] = Deno.args;
await saveCheckpoint(root, draftOf(Number(step)), {
  at: (here) => {
    if (here === point) Deno.kill(Deno.pid, "SIGKILL");
  },
});

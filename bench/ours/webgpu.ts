/** Our side of the comparison with peers on WebGPU, as a process of its own like theirs. */
import { cardIn } from "../../src/device/backend.ts";
import { openWebGpu } from "../../src/device/webgpu.ts";
import { serve } from "../peers/serve.ts";
import { openWork } from "./open.ts";

const open = () => openWebGpu({ runtime: Deno.version.deno });
const first = await open();
const adapter = cardIn(first.name);
first.close();
await serve({
  name: "Shoal",
  version: `Deno ${Deno.version.deno}`,
  adapter,
  open: async (task) => await openWork(await open(), task),
});
Deno.exit(0);

/** Runs whose workers connect to the first worker through a fault proxy. */
import { assertEquals } from "@std/assert";
import type { Ended } from "../../e2e/support.ts";
import { namesIn } from "../../e2e/support.ts";
import { type Lab, pause, stepLine } from "./support.ts";
import { type Link, openProxy, type Proxy } from "./proxy.ts";

/** Faults of the links, and when they are injected. */
export interface Disturbance {
  /** Called with each link before any byte has passed. */
  readonly each?: (link: Link) => void;
  /** After this step, `then` is called with the open links. */
  readonly after?: number;
  readonly then?: (links: readonly Link[]) => void;
}

/** Runs to the end with a proxy at the first worker's socket. */
export async function disturbed(
  lab: Lab,
  line: readonly string[],
  { each, after, then }: Disturbance,
): Promise<Ended> {
  const running = lab.start(line);
  const proxy = await stepBetween(lab, each);
  try {
    if (after !== undefined) {
      await running.line(stepLine(after));
      then?.(proxy.links);
    }
    const ended = await running.ended;
    assertEquals([ended.code, ended.stderr], [0, ""]);
    return ended;
  } finally {
    await proxy.close();
  }
}

/** Replaces the first worker's socket as soon as it exists, before any worker dials. */
async function stepBetween(lab: Lab, each?: (link: Link) => void): Promise<Proxy> {
  const root = lab.of("tmp");
  while (true) {
    for (const name of namesIn(root).filter((n) => n.startsWith("shoal-"))) {
      const listen = `${root}/${name}/w0.sock`;
      const dial = `${root}/${name}/w0.real`;
      if (!namesIn(`${root}/${name}`).includes("w0.sock")) continue;
      await pause(50); // it listens, and is closed to others, by then
      Deno.renameSync(listen, dial);
      return openProxy({ listen, dial, ...(each && { each }) });
    }
    await pause(5);
  }
}

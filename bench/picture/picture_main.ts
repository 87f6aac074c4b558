/** Draws a comparison that `bench:peers --json` printed: JSON on stdin, SVG on stdout. */
import { runCommand } from "../../src/cli/command.ts";
import { peersPicture } from "./picture.ts";
import { factsOf, readPeers } from "./picture_saved.ts";

async function draw(): Promise<void> {
  const found = readPeers(await new Response(Deno.stdin.readable).text());
  await Deno.stdout.write(new TextEncoder().encode(peersPicture(found.rows, factsOf(found))));
}

if (import.meta.main) await runCommand(draw);

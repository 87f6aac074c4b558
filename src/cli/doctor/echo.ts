/** Entry of the process that a socket is measured against: reads payloads, answers empty frames. */
import { dialUnix } from "../../transport/unix.ts";

if (import.meta.main) {
  const channel = await dialUnix(Deno.args[0] as string, { attempt: 0 });
  let kept = new Uint8Array(0);
  for (;;) {
    const frame = await channel.receive((_, bytes) => {
      if (kept.length < bytes) kept = new Uint8Array(bytes);
      return kept.subarray(0, bytes);
    });
    if (frame === undefined) break;
    if (frame.payload.length === 0) await channel.send({ type: "heard" });
  }
  channel.close();
}
